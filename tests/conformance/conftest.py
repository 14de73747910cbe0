"""Every adapter of a port, opened for the suite of that port: what is tested here is what the port promises, not how it is kept."""

from __future__ import annotations

import itertools

import pytest

from gateway.stores.database import Database
from gateway.stores.degraded import DegradedHolds
from gateway.stores.keycache import KeyCache
from gateway.stores.leases import LeasedHolds
from gateway.stores.memory_holds import MemoryHolds
from gateway.stores.owed import OwedHolds
from gateway.stores.redis import line_to
from gateway.stores.redis_cluster import nodes_to
from gateway.stores.redis_holds import HoldScripts, RedisHolds
from gateway.stores.redis_keys import RedisKeys, RedisOwners
from gateway.stores.redis_leases import RedisLeases
from gateway.stores.redis_rulings import RedisRulings
from gateway.stores.sqlite import SqliteKeys, SqliteOwners
from gateway.stores.sqlite_rulings import SqliteRulings
from tests.support.embedded import Embedded
from tests.support.quota import LUA_CLOCK, START_US, HandClock

LEASE_US = 120_000_000


class Bench:
    """A hold store and its time. `limit_options` are what a limit needs to be counted by this adapter at all."""

    late_us = 0
    """How much longer than exactly this adapter may count a charge in a window of a minute."""

    def __init__(self, holds, advance, limit_options=None):
        self.holds = holds
        self.advance = advance
        self.limit_options = limit_options or {}


SLOT_CLOCK = "local function clock() return tonumber(redis.call('GET', 'test:now:' .. string.match(KEYS[1], '{.-}'))) end\n"
"""As LUA_CLOCK, with the time in the very slot that a script runs in: in a Cluster it may touch no other."""


async def _leased(request):
    """The adapter over slices that a process leases in advance: alone on a Redis it answers as if each take asked the store."""
    line = line_to(request.getfixturevalue("redis_url") + "?deadline_ms=5000")
    clock = HandClock()
    await line.call("SET", "test:now", START_US)
    exact = RedisHolds(line, lease_us=LEASE_US, scripts=HoldScripts.load(LUA_CLOCK))
    holds = LeasedHolds(exact, RedisLeases(line, clock=LUA_CLOCK), spread=False, now=lambda: (clock.now_us - START_US) / 1e6)
    holds.pools._start_minding = lambda: None  # `advance` does

    async def advance(us):
        await holds.pools.mind()
        for step in (min(us, 2_000_000), max(us - 2_000_000, 0)):  # what is idle goes back after two seconds
            clock.now_us += step
            await line.call("INCRBY", "test:now", step)
            await holds.pools.mind()

    bench = Bench(holds, advance, {"shared": "leased"})
    bench.late_us = 2_000_000
    yield bench
    await holds.aclose()
    await line.aclose()


async def _cluster(request):
    line = nodes_to(request.getfixturevalue("redis_cluster").url + "?deadline_ms=5000")
    clocks = "test:now:{acme}", "test:now:{-}"
    for clock in clocks:
        await line.call("SET", clock, START_US)

    async def advance(us):
        for clock in clocks:
            await line.call("INCRBY", clock, us)

    exact = RedisHolds(line, lease_us=LEASE_US, scripts=HoldScripts.load(SLOT_CLOCK))
    holds = LeasedHolds(OwedHolds(exact), RedisLeases(line), spread=True)
    yield Bench(holds, advance)
    await holds.aclose()
    await line.aclose()


@pytest.fixture(
    params=["memory", "sqlite", "redis", "degraded", "leased", pytest.param("cluster", marks=pytest.mark.xdist_group("cluster"))]
)
async def bench(request, tmp_path):
    """A hold store by each adapter, on a clock that the test sets forward: `await bench.advance(us)`."""
    if request.param in ("leased", "cluster"):
        async for opened in {"leased": _leased, "cluster": _cluster}[request.param](request):
            yield opened
        return
    if request.param == "redis":
        line = line_to(request.getfixturevalue("redis_url") + "?deadline_ms=5000")
        await line.call("SET", "test:now", START_US)

        async def advance(us):
            await line.call("INCRBY", "test:now", us)

        yield Bench(RedisHolds(line, lease_us=LEASE_US, scripts=HoldScripts.load(LUA_CLOCK)), advance)
        await line.aclose()
        return
    clock = HandClock()

    async def advance(us):
        clock.now_us += us

    if request.param == "sqlite":
        embedded = await Embedded.open(tmp_path / "gateway.db", clock, lease_us=LEASE_US)

        async def advance_and_write(us):
            assert await embedded.flush()
            clock.now_us += us

        yield Bench(embedded.holds, advance_and_write)
        await embedded.end()
        return
    memory = MemoryHolds(clock, lease_us=LEASE_US)
    if request.param == "memory":
        yield Bench(memory, advance)
    else:
        yield Bench(DegradedHolds(memory), advance, {"when_state_is_lost": "degrade", "share_when_lost": 1.0})


class Monotonic:
    """What a key cache takes the time from, set by hand. Seconds."""

    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


class Shared:
    """One state that several processes share: `keys()`, `owners(...)` and `rulings(...)` open a further adapter on it, as one
    more process would."""

    def __init__(self, keys, owners, rulings):
        self.monotonic = Monotonic()
        self._keys = keys
        self.owners = owners
        self.rulings = rulings

    def keys(self):
        return self._keys(KeyCache(now=self.monotonic))


@pytest.fixture(params=["sqlite", "redis"])
async def shared(request, tmp_path):
    """A fresh state with keys and owners, by each adapter."""
    if request.param == "redis":
        line = line_to(request.getfixturevalue("redis_url") + "?deadline_ms=5000")
        yield Shared(
            lambda cache: RedisKeys(line, cache=cache),
            lambda **options: RedisOwners(line, **options),
            lambda **options: RedisRulings(line, **options),
        )
        await line.aclose()
        return
    first, second = await Database.open(tmp_path / "gateway.db"), await Database.open(tmp_path / "gateway.db")
    turns = itertools.cycle([first, second])
    yield Shared(
        lambda cache: SqliteKeys(next(turns), cache=cache),
        lambda **options: SqliteOwners(next(turns), **options),
        lambda **options: SqliteRulings(next(turns), **options),
    )
    await first.aclose()
    await second.aclose()
