"""The sliding window against the `limits` package's exact moving window: never more, and at the latest one slice later."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from gateway.quota.sliding import SLICES, SLIDING, Slices, slice_us
from tests.support.quota import MINUTE_US, START_US, sliding

pauses = st.sampled_from([0, 1, 2, 3, 5, 7, 8, 9]) | st.integers(0, 20 * 8) | st.integers(55 * 8, 62 * 8)
steps = st.lists(st.tuples(pauses, st.integers(1, 6)), min_size=1, max_size=60)
"""Pauses in eighths of a second (exact as a float, which is what `limits` counts in) and wants."""

_INSTANT = 2**-21
"""Seconds that the package's clock is ahead at each step: it counts both ends of a window; ours has let go of what was charged
exactly a window ago."""


@pytest.fixture(scope="module")
def oracle():
    """`limits` on a clock of the test's: `oracle.clock.now` in seconds."""
    import limits.storage.memory as module

    clock = SimpleNamespace(now=0.0)
    before, module.time = module.time, SimpleNamespace(time=lambda: clock.now)
    storage = MemoryStorage()
    yield SimpleNamespace(clock=clock, limiter=MovingWindowRateLimiter(storage), runs=iter(range(10**9)))
    storage.timer.cancel()
    storage.timer.join()
    module.time = before


def admits(state, claim, now):
    """The state after a take, and whether it was held."""
    state = SLIDING.aged(state, claim, now)
    return (SLIDING.charge(state, claim, "a", now)[0], True) if SLIDING.fits(state, claim) else (state, False)


@given(steps=steps)
def test_it_never_admits_what_the_exact_window_would_refuse(oracle, steps):
    run, state, now, rate = f"run{next(oracle.runs)}", Slices(), START_US, parse("10/minute")
    for step, (pause, want) in enumerate(steps):
        now += pause * 125_000
        oracle.clock.now = now / 1_000_000 + step * _INSTANT
        state, held = admits(state, sliding(10, want), now)
        if held:
            assert oracle.limiter.hit(rate, run, cost=want)


@given(steps=steps)
def test_it_admits_at_the_latest_one_slice_after_the_exact_window(oracle, steps):
    """What ours refuses would be too much for an exact window that is one slice longer, having seen the same charges."""
    run, state, now, counter = f"run{next(oracle.runs)}", Slices(), START_US, parse("1000/61 seconds")
    for pause, want in steps:
        now += pause * 125_000
        oracle.clock.now = now / 1_000_000
        state, held = admits(state, sliding(10, want), now)
        if held:
            oracle.limiter.hit(counter, run, cost=want)
        else:
            assert 1000 - oracle.limiter.get_window_stats(counter, run).remaining + want > 10


@given(
    window=st.sampled_from([1, 7, 59, 60, 61, 1_000, 999_983, MINUTE_US, 86_400_000_000]),
    charges=st.lists(st.tuples(pauses, st.integers(1, 9)), min_size=1, max_size=80),
)
def test_in_no_window_is_more_charged_than_the_amount(window, charges):
    state, now, held = Slices(), START_US + 17, []
    for eighths, want in charges:
        now += eighths * window // 480
        state, fits = admits(state, sliding(20, want, window_us=window), now)
        if fits:
            held.append((now, want))
        assert sum(amount for moment, amount in held if moment > now - window) <= 20
        assert len(state.parts) <= SLICES + 1
        assert state.total == sum(amount for _, amount in state.parts)


def test_a_slice_is_a_sixtieth_of_the_window_rounded_up():
    assert [slice_us(window) for window in (1, 60, 61, MINUTE_US, 86_400_000_000)] == [1, 1, 2, 1_000_000, 1_440_000_000]


def test_each_slice_counts_until_its_last_charge_has_left():
    state = Slices(7, ((100_200_000, 4), (101_700_000, 3)))
    totals = {now: SLIDING.aged(state, sliding(10), now).total for now in (160_199_999, 160_200_000, 161_699_999, 161_700_000)}
    assert totals == {160_199_999: 7, 160_200_000: 3, 161_699_999: 3, 161_700_000: 0}


def test_charges_of_one_slice_are_kept_together_and_leave_with_the_last_of_them():
    state = Slices()
    for moment in (100_200_000, 100_900_000, 100_300_000, 101_000_000):
        state, _ = SLIDING.charge(state, sliding(10, 2), "a", moment)
    assert state.parts == ((100_900_000, 6), (101_000_000, 2))


def test_the_wait_that_is_told_is_until_enough_of_the_oldest_slices_have_left():
    state = Slices(10, ((100_400_000, 4), (110_000_000, 3), (120_000_000, 3)))
    now = 130 * 1_000_000
    read = {want: SLIDING.read(state, sliding(10, want), False, now).retry_us for want in (1, 4, 5, 8, 10, 11)}
    assert read == {1: 30_400_000, 4: 30_400_000, 5: 40_000_000, 8: 50_000_000, 10: 50_000_000, 11: -1}


@given(at=st.integers(0, MINUTE_US), later=st.integers(0, MINUTE_US - 1))
def test_no_wait_is_longer_than_the_window_and_one_burst_is_told_exactly(at, later):
    state, _ = SLIDING.charge(SLIDING.empty, sliding(1), "a", START_US + at)
    read = SLIDING.read(state, sliding(1), False, START_US + at + later)
    assert read.retry_us == read.reset_us == MINUTE_US - later


def test_a_refund_goes_back_to_the_slice_that_was_charged():
    claim = sliding(10, 6)
    state, mark = SLIDING.charge(SLIDING.empty, claim, "a", START_US)
    state, _ = SLIDING.charge(state, sliding(10, 4), "b", START_US + 30_000_000)
    state = SLIDING.settle(state, claim, "a", 6, mark, 1, START_US + 40_000_000)
    assert [amount for _, amount in state.parts] == [1, 4]


def test_an_excess_counts_from_when_it_is_known():
    claim = sliding(10, 6)
    state, mark = SLIDING.charge(SLIDING.empty, claim, "a", START_US)
    state = SLIDING.settle(state, claim, "a", 6, mark, 20, START_US + 50_000_000)
    late = SLIDING.aged(state, claim, START_US + 70_000_000)
    assert (state.total, late.total) == (20, 14)


def test_a_clock_that_is_set_back_makes_charges_count_longer_never_shorter():
    state, _ = SLIDING.charge(SLIDING.empty, sliding(10, 6), "a", START_US)
    state, _ = SLIDING.charge(state, sliding(10, 2), "b", START_US - 20_000_000)
    assert [amount for _, amount in state.parts] == [2, 6]
    assert SLIDING.aged(state, sliding(10), START_US + 55_000_000).total == 6
