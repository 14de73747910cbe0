"""The bucket against exact fractions: its level is never below the true one, and hardly above it."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.quota.bucket import BUCKET, Level, drain, drained, time_to_drain
from tests.support.quota import MINUTE_US, START_US, bucket

DAY_US = 86_400_000_000
QUANTUM = Fraction(1, 2**20)

amounts = st.sampled_from([1, 3, 7, 10, 60, 599_999, 600_000, 10**9])
pauses = st.sampled_from([0, 1, 7, 999, 100_000, 8_571_428]) | st.integers(0, DAY_US)
windows = st.sampled_from([1_000_000, MINUTE_US, 61_000_001, DAY_US])


@given(amount=amounts, window=windows, elapsed=st.integers(0, 10**13))
def test_never_more_drains_than_time_paid_for_and_at_most_a_quantum_less(amount, window, elapsed):
    gone, true = Fraction(drained(float(elapsed), float(amount), float(window))), Fraction(elapsed * amount, window)
    assert gone <= true
    assert true - gone <= QUANTUM + true * Fraction(1, 2**51)


@given(
    amount=amounts,
    window=windows,
    steps=st.lists(
        st.tuples(st.sampled_from([0, 1, 7, 999, 100_000, 8_571_428]) | st.integers(0, DAY_US), st.integers(0, 8)), max_size=60
    ),
)
def test_the_level_is_never_below_the_true_one(amount, window, steps):
    state, true, now = Level(), Fraction(0), START_US
    for pause, eighths in steps:
        now += pause
        true = max(Fraction(0), true - Fraction(pause * amount, window))
        claim = bucket(amount, amount * eighths // 8, window_us=window)
        state = BUCKET.aged(state, claim, now)
        if BUCKET.fits(state, claim):
            assert true + claim.want <= amount
            state, _ = BUCKET.charge(state, claim, "a", now)
            true += claim.want
        assert Fraction(state.level) >= true
    slack = len(steps) * (QUANTUM + Fraction(amount, window))
    assert state.level == 0 or Fraction(state.level) - true <= slack + Fraction(int(now - state.last) * amount, window)


@given(amount=amounts, window=windows, quantity=st.integers(1, 100_000))
def test_the_time_to_drain_suffices_and_a_microsecond_or_two_less_does_not(amount, window, quantity):
    elapsed = time_to_drain(float(quantity), float(amount), float(window))
    assert drained(elapsed, float(amount), float(window)) >= quantity
    assert drained(elapsed - 2, float(amount), float(window)) < quantity


@pytest.mark.parametrize(
    ("amount", "window", "pause", "lost"),
    [(100, MINUTE_US, 1, 0.5), (100, MINUTE_US, 37, 0.02), (100, MINUTE_US, 1_000, 0.001), (3, DAY_US, 999, 0.001)],
)
def test_a_counter_that_is_asked_very_often_still_drains(amount, window, pause, lost):
    """What drains between two looks may be less than a quantum: it waits. Only less than a microsecond's is lost."""
    asked, state = 20_000, Level(50.0, float(START_US))
    for step in range(1, asked + 1):
        state = drain(state, float(amount), float(window), float(START_US + step * pause))
    gone = Fraction(asked * pause * amount, window)
    assert 0 <= Fraction(state.level) - (50 - gone) <= gone * Fraction(lost) + QUANTUM


def test_a_whole_drain_leaves_the_empty_bucket():
    state, _ = BUCKET.charge(BUCKET.empty, bucket(10, 10), "a", START_US)
    assert BUCKET.aged(state, bucket(10), START_US + MINUTE_US) == BUCKET.empty


def test_debt_is_a_level_above_the_burst():
    claim = bucket(60, 60)
    state, mark = BUCKET.charge(BUCKET.empty, claim, "a", START_US)
    state = BUCKET.settle(state, claim, "a", 60, mark, 100, START_US)
    read = BUCKET.read(state, bucket(60, 1), False, START_US)
    assert (read.used, read.remaining, read.retry_us) == (100, 0, 41_000_000)


def test_a_refund_never_makes_a_credit():
    claim = bucket(60, 30)
    state, mark = BUCKET.charge(BUCKET.empty, claim, "a", START_US)
    later = START_US + 20_000_000
    assert BUCKET.settle(BUCKET.aged(state, claim, later), claim, "a", 30, mark, 0, later) == BUCKET.empty


def test_a_clock_that_is_set_back_drains_nothing_until_it_has_caught_up():
    state, _ = BUCKET.charge(BUCKET.empty, bucket(60, 30), "a", START_US)
    assert BUCKET.aged(state, bucket(60), START_US - 5_000_000) == state
    assert BUCKET.aged(state, bucket(60), START_US + 1_000_000).level == 29.0


def test_a_bucket_of_nothing_never_drains_and_never_fits():
    claim = bucket(0, 1, shadow=True)
    state, _ = BUCKET.charge(BUCKET.empty, claim, "a", START_US)
    read = BUCKET.read(BUCKET.aged(state, claim, START_US + DAY_US), claim, False, START_US + DAY_US)
    assert (read.used, read.retry_us) == (1, -1)


def test_used_is_told_rounded_up():
    read = BUCKET.read(Level(2.25, float(START_US)), bucket(60), True, START_US)
    assert (read.used, read.remaining) == (3, 57)
    assert math.isclose(read.reset_us, 2_250_000)
