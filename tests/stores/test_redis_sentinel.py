"""A real Sentinel: the primary that it names is used, and the one that takes its place after it."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import SettingsError, StoreError
from gateway.model.limit import Hold
from gateway.stores.redis_holds import RedisHolds
from gateway.stores.redis_sentinel import open_sentinel, primary_of
from tests.support.quota import HandClock, sliding
from tests.support.redis_cluster import Sentinel, eventually
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.xdist_group("cluster")


@pytest.fixture
def watched():
    """A primary, its replica and the Sentinel that watches both."""
    primary = RedisServer("--repl-diskless-sync-delay", "0").start()
    replica = RedisServer("--replicaof", "127.0.0.1", str(primary.port)).start()
    eventually("the replica follows", lambda: b"state=online" in primary.command("INFO", "replication"))
    sentinel = Sentinel(primary)
    eventually(
        "the Sentinel knows the replica", lambda: str(replica.port).encode() in sentinel.ask("SENTINEL", "REPLICAS", "azeotrope")
    )
    yield primary, replica, sentinel
    for server in (sentinel, replica, primary):
        server.stop()


async def test_a_primary_that_dies_is_followed_by_the_one_that_the_sentinel_names(watched):
    primary, replica, sentinel = watched
    line = primary_of(sentinel.url + "?deadline_ms=500")
    holds, claim = RedisHolds(line), sliding(5)
    for n in range(3):
        assert (await holds.take(Hold(f"{n}", (claim,), 0))).held
    await asyncio.to_thread(primary.replicated)
    primary.kill()
    taken = []
    while len(taken) < 4:
        try:
            taken.append((await holds.take(Hold(f"after-{len(taken)}", (claim,), 0))).held)
        except StoreError:
            await asyncio.sleep(0.02)
    assert taken == [True, True, False, False]
    assert line._map[0] == ("127.0.0.1", replica.port)
    await line.aclose()


async def test_the_state_opens_over_a_sentinel(watched, tmp_path):
    _, _, sentinel = watched
    opened = await open_sentinel(sentinel.url + "?deadline_ms=5000", tmp_path / "data", secret=None, clock=HandClock(), exclusive=True)
    assert (await opened.holds.take(Hold("a", (sliding(1, per=("everyone",)),), 0))).held
    await opened.aclose()


async def test_a_service_that_no_sentinel_watches_is_told(watched, tmp_path):
    _, _, sentinel = watched
    with pytest.raises(SettingsError, match="watch no other"):
        await open_sentinel(
            sentinel.url.replace("azeotrope", "other"), tmp_path / "data", secret=None, clock=HandClock(), exclusive=False
        )


@pytest.mark.parametrize("url", ["redis+sentinel://h:1", "redis+sentinel://h:1/s/x", "redis+sentinel:///s"])
def test_a_url_that_cannot_be_read_is_refused(url):
    with pytest.raises(SettingsError, match="cannot be read"):
        primary_of(url)


def test_the_sentinels_password_is_their_own():
    line = primary_of("redis+sentinel://:data@h:1,h:2/s/3?sentinel_password=watch&deadline_ms=80")
    node, sentinels = line._open_line(("n", 6379)), line._topology._sentinels
    assert line.deadline_s == 0.08
    assert (node._pool.connection_kwargs["password"], node._pool.connection_kwargs["db"]) == ("data", 3)
    assert [sentinel._pool.connection_kwargs["password"] for sentinel in sentinels] == ["watch", "watch"]
