"""A line to several nodes: a call goes where its slot is, is sent again only where surely nothing was done, and all within its time."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import OutcomeUnknown, StoreUnavailable
from gateway.stores.redis import line_to
from gateway.stores.redis_line import Script
from gateway.stores.redis_nodes import SLOTS, RedisNodes
from tests.support.redis_server import RedisServer

WRITE = Script("redis.call('SET', KEYS[1], ARGV[1]) return 1")


class Named:
    """A topology that a test sets: one node has every slot."""

    def __init__(self, server):
        self.server = server
        self.asked = 0

    async def learn(self, known, node):
        self.asked += 1
        if self.server is None:
            raise StoreUnavailable("nobody says")
        return [(0, SLOTS - 1, ("127.0.0.1", self.server.port))]

    async def aclose(self):
        pass


@pytest.fixture
def servers():
    servers = [RedisServer().start() for _ in range(2)]
    yield servers
    for server in servers:
        server.stop()


@pytest.fixture
async def nodes(servers):
    nodes = RedisNodes(Named(servers[0]), lambda at: line_to(f"redis://{at[0]}:{at[1]}/0?deadline_ms=300"), deadline_s=0.3)
    yield nodes
    await nodes.aclose()


async def test_calls_of_one_tick_share_a_connection_of_their_node(nodes):
    await nodes.call("PING", deadline_s=5)
    assert len(set(await asyncio.gather(*[nodes.call("CLIENT", "ID", deadline_s=5) for _ in range(30)]))) == 1


async def test_a_node_that_cannot_be_reached_is_looked_for_and_the_call_goes_to_the_one_in_its_place(nodes, servers):
    await nodes.call("SET", "a", 1, deadline_s=5)
    servers[0].kill()
    nodes._topology.server = servers[1]
    await asyncio.sleep(0.1)
    assert await nodes.run(WRITE, ["a"], ["2"], deadline_s=5) == 1
    assert servers[1].command("GET", "a") == b"$1\r\n2\r\n"


async def test_a_node_that_takes_no_writes_any_more_is_left_for_the_one_that_does(nodes, servers):
    await nodes.call("SET", "a", 1, deadline_s=5)
    servers[0].command("REPLICAOF", "127.0.0.1", "1")
    nodes._topology.server = servers[1]
    await asyncio.sleep(0.1)
    assert await nodes.run(WRITE, ["a"], ["2"], deadline_s=5) == 1


async def test_a_call_that_went_out_is_never_sent_again(nodes, servers):
    await nodes.call("SET", "a", 1, deadline_s=5)
    servers[0].pause()
    nodes._topology.server = servers[1]
    with pytest.raises(OutcomeUnknown):
        await nodes.run(WRITE, ["a"], ["2"], deadline_s=0.1)
    servers[0].resume()
    assert servers[1].command("GET", "a") == b"$-1\r\n"


async def test_however_many_calls_fail_few_ask_where_the_nodes_are(nodes, servers):
    await nodes.call("PING", deadline_s=5)
    servers[0].kill()
    before = nodes._topology.asked
    for _ in range(10):
        outcomes = await asyncio.gather(*[nodes.call("GET", "a", deadline_s=0.3) for _ in range(100)], return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} <= {StoreUnavailable, OutcomeUnknown}
    assert nodes._topology.asked - before <= 10


async def test_what_nobody_knows_ends_in_time_and_says_why(nodes):
    nodes._topology.server = None
    with pytest.raises(StoreUnavailable, match="no node") as lost:
        await nodes.call("GET", "a", deadline_s=0.2)
    assert "nobody says" in str(lost.value.__cause__)


async def test_a_node_that_left_is_closed_after_a_while(nodes, servers, monkeypatch):
    await nodes.call("PING", deadline_s=5)
    monkeypatch.setattr("gateway.stores.redis_nodes._RETIRE_S", 0.0)
    (old,) = nodes._lines.values()
    nodes._topology.server = servers[1]
    await nodes._learn()
    await nodes._learn()
    assert (old._closed, nodes._retiring) == (True, [])


async def test_a_closed_line_says_so(nodes):
    await nodes.call("PING", deadline_s=5)
    await nodes.aclose()
    with pytest.raises(StoreUnavailable, match="closed"):
        await nodes.call("PING")
