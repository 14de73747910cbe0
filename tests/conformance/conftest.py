"""Every adapter of a port, opened for the suite of that port: what is tested here is what the port promises, not how it is kept."""

from __future__ import annotations

import pytest

from gateway.stores.degraded import DegradedHolds
from gateway.stores.memory_holds import MemoryHolds
from gateway.stores.redis import line_to
from gateway.stores.redis_holds import HoldScripts, RedisHolds
from tests.support.quota import LUA_CLOCK, START_US, HandClock

LEASE_US = 120_000_000


class Bench:
    """A hold store and its time. `limit_options` are what a limit needs to be counted by this adapter at all."""

    def __init__(self, holds, advance, limit_options=None):
        self.holds = holds
        self.advance = advance
        self.limit_options = limit_options or {}


@pytest.fixture
async def patient_line(redis_url):
    """A line to the suite's Redis that waits long enough for a busy machine."""
    line = line_to(redis_url + "?deadline_ms=5000")
    yield line
    await line.aclose()


@pytest.fixture(params=["memory", "redis", "degraded"])
async def bench(request):
    """A hold store by each adapter, on a clock that the test sets forward: `await bench.advance(us)`."""
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

    memory = MemoryHolds(clock, lease_us=LEASE_US)
    if request.param == "memory":
        yield Bench(memory, advance)
    else:
        yield Bench(DegradedHolds(memory), advance, {"when_state_is_lost": "degrade", "share_when_lost": 1.0})
