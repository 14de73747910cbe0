"""Lifetime budgets: what is spent stays spent."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.quota.lifetime import LIFETIME
from tests.support.quota import START_US, lifetime

CENTURY = 100 * 366 * 86_400_000_000


def test_a_budget_is_not_whole_again_by_waiting():
    claim = lifetime(10, 7)
    state, _ = LIFETIME.charge(LIFETIME.empty, claim, "a", START_US)
    assert not LIFETIME.fits(LIFETIME.aged(state, claim, START_US + CENTURY), claim)
    told = LIFETIME.read(state, claim, False, START_US)
    assert (told.used, told.remaining, told.reset_us, told.retry_us) == (7, 3, -1, -1)


def test_a_budget_that_nobody_has_touched_is_whole():
    told = LIFETIME.read(LIFETIME.empty, lifetime(10), True, START_US)
    assert (told.used, told.reset_us, told.retry_us) == (0, 0, 0)


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 200)), max_size=30))
def test_what_is_spent_is_the_sum_of_what_was_true(holds):
    state = LIFETIME.empty
    for want, true in holds:
        claim = lifetime(10_000, want)
        state, mark = LIFETIME.charge(state, claim, "a", START_US)
        state = LIFETIME.settle(state, claim, "a", want, mark, true, START_US + CENTURY)
    assert state == sum(true for _, true in holds)
