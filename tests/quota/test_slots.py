"""Slots: so many at once, each with a lease."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.quota.slots import SLOTS
from tests.support.quota import MINUTE_US, START_US, slots


def test_slots_come_free_by_settling_or_by_time():
    claim = slots(2)
    state, first = SLOTS.charge(SLOTS.empty, claim, "a", START_US)
    state, _ = SLOTS.charge(state, claim, "b", START_US + 10)
    assert not SLOTS.fits(state, claim)
    assert SLOTS.fits(SLOTS.settle(state, claim, "a", 1, first, 0, START_US + 20), claim)
    assert not SLOTS.fits(SLOTS.aged(state, claim, START_US + MINUTE_US - 1), claim)
    assert SLOTS.aged(state, claim, START_US + MINUTE_US) == ((START_US + MINUTE_US + 10, "b"),)


def test_the_wait_that_is_told_is_until_the_soonest_lease_that_matters_ends():
    state = ((START_US + 10, "a"), (START_US + 20, "b"), (START_US + 30, "c"))
    waits = {amount: SLOTS.read(state, slots(amount), False, START_US).retry_us for amount in (0, 1, 2, 3)}
    assert waits == {0: -1, 1: 30, 2: 20, 3: 10}


def test_a_renewed_slot_is_one_slot_with_a_longer_lease():
    claim = slots(2)
    state, mark = SLOTS.charge(SLOTS.empty, claim, "a", START_US)
    state, mark = SLOTS.renew(state, claim, "a", mark, START_US + 100)
    assert (state, mark) == (((START_US + 100 + MINUTE_US, "a"),), START_US + 100 + MINUTE_US)


def test_a_slot_that_is_gone_stays_gone():
    assert SLOTS.renew((), slots(2), "a", START_US, START_US + 1) == ((), START_US)
    assert SLOTS.settle(((START_US, "b"),), slots(2), "a", 1, START_US, 0, START_US) == ((START_US, "b"),)


@given(moves=st.lists(st.tuples(st.integers(0, 40_000_000), st.booleans()), max_size=60), amount=st.integers(1, 4))
def test_never_more_than_the_amount_are_open(moves, amount):
    claim, state, now, open_until = slots(amount), SLOTS.empty, START_US, {}
    for place, (pause, frees) in enumerate(moves):
        now += pause
        state = SLOTS.aged(state, claim, now)
        open_until = {hold: end for hold, end in open_until.items() if end > now}
        assert {hold for _, hold in state} == set(open_until)
        if frees and open_until:
            hold, end = next(iter(open_until.items()))
            state = SLOTS.settle(state, claim, hold, 1, end, 0, now)
            del open_until[hold]
        elif SLOTS.fits(state, claim):
            state, open_until[f"h{place}"] = SLOTS.charge(state, claim, f"h{place}", now)
        assert len(state) <= amount
        assert list(state) == sorted(state)
