"""A real Redis Cluster: where keys are is found and found anew, a failover under load loses nothing but time, and limits hold."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from gateway.errors import OutcomeUnknown, SettingsError, StoreError, StoreUnavailable
from gateway.model.limit import Amounts, Hold
from gateway.stores.leases import LeasedHolds
from gateway.stores.owed import OwedHolds
from gateway.stores.redis import open_redis
from gateway.stores.redis_cluster import hosts_in, line_to_node, nodes_to, open_cluster
from gateway.stores.redis_holds import RedisHolds
from gateway.stores.redis_leases import RedisLeases
from tests.support.quota import HandClock, bucket, sliding, slots

pytestmark = pytest.mark.xdist_group("cluster")

HOUR = 3_600_000_000


@pytest.fixture
async def nodes(redis_cluster):
    """A line to the cluster that waits long enough for a busy machine."""
    nodes = nodes_to(redis_cluster.url + "?deadline_ms=5000")
    yield nodes
    await nodes.aclose()


@pytest.fixture
def opening(tmp_path):
    def open_it(url, open_state=open_cluster):
        return open_state(url, tmp_path / "data", secret=None, clock=HandClock(), exclusive=True)

    return open_it


def everyone(kind=sliding, amount=100, want=1, **more):
    """A limit that spans accounts, and so lives on a slot of its own."""
    return kind(amount, want, per=("everyone",), slot="*", window_us=HOUR, **more)


async def until_it_answers(call, within_s=15.0):
    loop = asyncio.get_running_loop()
    end = loop.time() + within_s
    while True:
        try:
            return await call()
        except StoreError:
            assert loop.time() < end
            await asyncio.sleep(0.02)


async def test_keys_of_all_nodes_are_reached_over_any_first_one(redis_cluster, nodes):
    for n in range(60):
        await nodes.call("SET", f"key-{n}", n)
    kept = [int(node.command("DBSIZE")[1:]) for node in redis_cluster.nodes if redis_cluster.is_primary(node)]
    assert sum(kept) == 60
    assert min(kept) > 5
    assert [await nodes.call("GET", f"key-{n}") for n in range(60)] == [b"%d" % n for n in range(60)]


async def test_a_map_that_is_out_of_date_is_put_right_by_the_nodes(redis_cluster, nodes):
    await nodes.call("SET", "a", 1)
    wrong = next(node for node in redis_cluster.nodes if node is not redis_cluster.primary_of("a"))
    nodes._map = [("127.0.0.1", wrong.port)] * 16384
    assert await nodes.call("GET", "a") == b"1"
    assert nodes._map[int(wrong.command("CLUSTER", "KEYSLOT", "a")[1:])][1] == redis_cluster.primary_of("a").port


async def test_a_slot_that_moves_is_followed_by_asking_and_then_for_good(redis_cluster, nodes):
    """Single keys are asked for where they are by then; a script that makes keys is refused, undone, until the slot has moved."""
    holds, claim = RedisHolds(nodes), sliding(5, slot="moving")
    source = redis_cluster.primary_of("{moving}")
    target = next(node for node in redis_cluster.nodes if redis_cluster.is_primary(node) and node is not source)
    names = [node.command("CLUSTER", "MYID").split(b"\r\n")[1].decode() for node in (source, target)]
    slot = source.command("CLUSTER", "KEYSLOT", "{moving}")[1:-2].decode()
    await nodes.call("PING")
    assert target.command("CLUSTER", "SETSLOT", slot, "IMPORTING", names[0]) == b"+OK\r\n"
    assert source.command("CLUSTER", "SETSLOT", slot, "MIGRATING", names[1]) == b"+OK\r\n"
    assert await nodes.call("SET", "{moving}", "here") == b"OK"
    assert await nodes.call("GET", "{moving}") == b"here"
    assert target.command("CLUSTER", "COUNTKEYSINSLOT", slot) == b":1\r\n"
    with pytest.raises(StoreUnavailable, match="being moved"):
        await holds.take(Hold("a", (claim,), 0))
    for node in (target, source):
        assert node.command("CLUSTER", "SETSLOT", slot, "NODE", names[1]) == b"+OK\r\n"
    assert (await holds.take(Hold("b", (claim,), 0))).held
    assert [state.used for state in await holds.look([claim])] == [1]


async def test_a_request_s_own_limits_and_everybody_s_are_taken_all_or_none(nodes):
    holds = LeasedHolds(RedisHolds(nodes), RedisLeases(nodes), spread=True)
    own, wide = sliding(3, slot="acme"), everyone(amount=100)
    taken = [await holds.take(Hold(f"{n}", (own, wide), 0)) for n in range(5)]
    assert [answer.held for answer in taken] == [True] * 3 + [False] * 2
    assert [state.used for state in taken[2].states] == [3, 3]
    assert [state.used for state in await holds.look((own, wide))] == [3, 3]
    one_left = [everyone(amount=4, name="tight"), sliding(100, slot="bob")]
    taken = [await holds.take(Hold(f"t{n}", tuple(one_left), 0)) for n in range(6)]
    assert [answer.held for answer in taken] == [True] * 4 + [False] * 2
    assert [state.used for state in await holds.look(one_left)] == [4, 4]
    await holds.aclose()
    assert [state.used for state in await RedisHolds(nodes).look([wide])] == [3]


async def test_two_processes_never_let_more_through_than_everybody_may(redis_cluster):
    lines = [nodes_to(redis_cluster.url + "?deadline_ms=5000") for _ in range(2)]
    stores = [LeasedHolds(RedisHolds(line), RedisLeases(line), spread=True) for line in lines]

    async def client(store, n):
        claims = (
            everyone(amount=150),
            everyone(bucket, 140, burst=140, name="b"),
            sliding(1000, slot=f"account-{n % 7}", window_us=HOUR),
        )
        return [(await store.take(Hold(f"{id(store)}-{n}-{turn}", claims, 0))).held for turn in range(4)]

    answers = await asyncio.gather(*[client(store, n) for n in range(40) for store in stores])
    assert 100 <= sum(map(sum, answers)) <= 140
    for store, line in zip(stores, lines, strict=True):
        await store.aclose()
        await line.aclose()


async def test_a_primary_that_is_killed_under_load_is_replaced_and_no_limit_is_exceeded(redis_cluster):
    """Takes fail while there is no primary, as unavailable or unknown, and are let through by the next one within the same limits."""
    line = nodes_to(redis_cluster.url + "?deadline_ms=200")
    holds = OwedHolds(RedisHolds(line))
    claims = {name: (sliding(60, slot=name, window_us=HOUR), slots(500, slot=name)) for name in ("acme", "bob", "carol", "dora")}
    victim = redis_cluster.primary_of("{acme}")
    held: dict[str, list[Hold]] = {name: [] for name in claims}
    unsure: dict[str, int] = dict.fromkeys(claims, 0)
    stop = asyncio.Event()

    async def client(name, n):
        turn = 0
        while not stop.is_set():
            hold = Hold(f"{name}-{n}-{turn}", claims[name], 0)
            turn += 1
            try:
                if (await holds.take(hold)).held:
                    held[name].append(hold)
            except OutcomeUnknown:
                unsure[name] += 1
            except StoreUnavailable:
                pass
            await asyncio.sleep(0.05)

    await until_it_answers(lambda: holds.look(claims["acme"]))
    clients = [asyncio.ensure_future(client(name, n)) for name in claims for n in range(3)]
    await asyncio.sleep(0.2)
    await asyncio.to_thread(victim.replicated)
    await asyncio.to_thread(victim.kill)
    await until_it_answers(lambda: holds.look(claims["acme"]))
    await asyncio.sleep(0.3)
    stop.set()
    await asyncio.gather(*clients)
    for name, taken in held.items():
        state = (await holds.look(claims[name]))[0]
        assert len(taken) <= state.used + 3 <= 60 + 3, "only what was not replicated yet may be missing"
        assert state.used <= len(taken) + unsure[name]
        outcomes = {(await holds.settle(hold, Amounts(1, 1, 0, 0))).outcome for hold in taken}
        assert outcomes <= {"settled", "unknown_id"}
    assert [(await holds.look(claims[name]))[1].used <= unsure[name] for name in claims] == [True] * 4
    await holds.aclose()
    await line.aclose()


async def test_a_failover_that_is_asked_for_loses_no_take(redis_cluster, nodes):
    holds, claim = RedisHolds(nodes), sliding(100_000, slot="acme", window_us=HOUR)
    replica = redis_cluster.replica_of(redis_cluster.primary_of("{acme}"))
    taken, failover = 0, asyncio.ensure_future(asyncio.to_thread(redis_cluster.fail_over_to, replica))
    while not failover.done():
        taken += (await until_it_answers(partial(holds.take, Hold(f"{taken}", (claim,), 0)))).held
        await asyncio.sleep(0.002)
    await failover
    assert taken > 0
    assert (await holds.look([claim]))[0].used == taken


async def test_a_cluster_opens_with_keys_secret_and_owners_shared(redis_cluster, opening):
    one, two = await opening(redis_cluster.url + "?deadline_ms=5000"), await opening(redis_cluster.url + "?deadline_ms=5000")
    assert one.secret == two.secret
    await one.owners.claim("file-1", "alice")
    assert await two.owners.owner("file-1") == "alice"
    assert (await one.holds.take(Hold("a", (sliding(1), everyone()), 0))).held
    assert not (await two.holds.take(Hold("b", (sliding(1), everyone()), 0))).held
    await one.aclose()
    await two.aclose()


async def test_a_node_of_a_cluster_is_not_taken_for_a_redis_of_its_own(redis_cluster, opening):
    node = redis_cluster.nodes[0]
    with pytest.raises(SettingsError, match=r"say redis\+cluster://"):
        await opening(f"redis://127.0.0.1:{node.port}/0?deadline_ms=5000", open_redis)


async def test_a_redis_that_is_no_cluster_is_refused(redis_url, opening):
    with pytest.raises(SettingsError, match="cannot be used as the state"):
        await opening(redis_url.replace("redis://", "redis+cluster://").removesuffix("/0"))


@pytest.mark.parametrize("url", ["redis+cluster://", "redis+cluster://h:1,", "redis+cluster://h:1/3", "redis+cluster://h:port"])
def test_a_url_that_cannot_be_read_is_refused(url):
    with pytest.raises(SettingsError, match="cannot be read"):
        nodes_to(url)


def test_hosts_credentials_and_options_are_those_of_every_node():
    url = "rediss+cluster://user:p%40w@h1:7000,[::1]:7001,h3/0?deadline_ms=80"
    assert hosts_in(url, 6379, "") == [("h1", 7000), ("::1", 7001), ("h3", 6379)]
    line = line_to_node(url, "", ("::1", 7001))
    assert line.deadline_s == 0.08
    kwargs = line._pool.connection_kwargs
    assert (kwargs["host"], kwargs["port"], kwargs["username"], kwargs["password"]) == ("::1", 7001, "user", "p@w")
    assert line._pool.make_connection().ssl_context.check_hostname
