"""Whole stores against the `limits` package's exact moving window: never more is let through, and never less than by a window that
is one slice longer. (Its fixed windows begin with the first hit, so they are no oracle for calendars; nothing of it can settle.)
"""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from gateway.model.limit import Hold
from gateway.stores.memory_holds import MemoryHolds
from gateway.stores.redis import line_to
from gateway.stores.redis_holds import HoldScripts, RedisHolds
from tests.support.quota import LUA_CLOCK, START_US, HandClock, sliding

AMOUNT = 10
EXACT, LONGER = parse(f"{AMOUNT}/minute"), parse("1000/61 seconds")
EIGHTH_US = 125_000
_INSTANT = 2**-21
"""Seconds that the package's clock is ahead at each step: it counts both ends of a window."""


@pytest.fixture(scope="module")
def oracle():
    """`limits` on a clock of the test's: `oracle.now` in seconds."""
    import limits.storage.memory as module

    told = SimpleNamespace(now=0.0, runs=iter(range(10**9)))
    before, module.time = module.time, SimpleNamespace(time=lambda: told.now)
    storage = MemoryStorage()
    told.limiter = MovingWindowRateLimiter(storage)
    yield told
    storage.timer.cancel()
    storage.timer.join()
    module.time = before


class Beside(RuleBasedStateMachine):
    """A store and the oracle see the same requests of three subjects."""

    oracle = runner = open_store = None

    def __init__(self):
        super().__init__()
        self.store, self.set_clock = self.open_store()
        self.now_us, self.steps, self.run_id = START_US, 0, next(self.oracle.runs)

    @rule(eighths=st.sampled_from([0, 1, 3, 8, 55, 8 * 55, 8 * 59, 8 * 60, 8 * 61]) | st.integers(0, 500))
    def time_passes(self, eighths):
        self.now_us += eighths * EIGHTH_US
        self.set_clock(self.now_us)

    @rule(subject=st.sampled_from("abc"), want=st.integers(1, 6))
    def take(self, subject, want):
        self.steps += 1
        name = f"{self.run_id}{subject}"
        held = self.runner.run(self.store.take(Hold(f"{name}{self.steps}", (sliding(AMOUNT, want, name=name),), 0))).held
        self.oracle.now = self.now_us / 1e6 + self.steps * _INSTANT
        if held:
            assert self.oracle.limiter.hit(EXACT, name, cost=want), "let through what an exact window refuses"
            self.oracle.now = self.now_us / 1e6
            self.oracle.limiter.hit(LONGER, name, cost=want)
        else:
            self.oracle.now = self.now_us / 1e6
            used = 1000 - self.oracle.limiter.get_window_stats(LONGER, name).remaining
            assert used + want > AMOUNT, "refused what fits even a longer window"


def compared(store, oracle, url, examples, steps):
    with asyncio.Runner() as runner:

        async def connect():
            return line_to(url + "?deadline_ms=20000")

        line = runner.run(connect())

        def in_memory():
            clock = HandClock()
            return MemoryHolds(clock), lambda us: setattr(clock, "now_us", us)

        def in_redis():
            def set_clock(us):
                runner.run(line.call("SET", "test:now", us))

            set_clock(START_US)
            return RedisHolds(line, scripts=HoldScripts.load(LUA_CLOCK)), set_clock

        class Compared(Beside):
            open_store = staticmethod({"memory": in_memory, "redis": in_redis}[store])

        Compared.oracle, Compared.runner = oracle, runner
        run_state_machine_as_test(Compared, settings=settings(max_examples=examples, stateful_step_count=steps))
        runner.run(line.aclose())


@pytest.mark.parametrize(("store", "examples"), [("memory", 60), ("redis", 20)])
def test_a_store_lets_through_what_an_exact_window_would_and_no_more(store, examples, oracle, redis_url):
    compared(store, oracle, redis_url, examples, 40)


@pytest.mark.proof
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("store", "examples"), [("memory", 2_000), ("redis", 400)])
def test_so_it_is_for_a_long_time(store, examples, oracle, redis_url):
    compared(store, oracle, redis_url, examples, 80)
