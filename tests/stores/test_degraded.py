"""What one process gives out alone: its share of the limits that degrade, and nothing in the way of the others."""

from __future__ import annotations

import pytest

from gateway.model.limit import Amounts, Hold
from gateway.stores.degraded import DegradedHolds, own_share
from gateway.stores.memory_holds import MemoryHolds
from tests.support.quota import HandClock, bucket, sliding, slots

HALF = {"when_state_is_lost": "degrade", "share_when_lost": 0.5}


@pytest.fixture
def store():
    return DegradedHolds(MemoryHolds(HandClock()))


async def test_a_limit_that_degrades_is_enforced_at_its_share(store):
    """Pitfall 12: neither open nor closed in silence."""
    held = [(await store.take(Hold(f"h{n}", (sliding(10, **HALF),), 0))).held for n in range(8)]
    assert held == [True] * 5 + [False] * 3


async def test_the_others_are_told_as_unused_and_not_charged(store):
    claims = sliding(3, name="a"), sliding(10, name="b", **HALF), bucket(4, name="c", burst=6, when_state_is_lost="allow")
    for n in range(5):
        taken = await store.take(Hold(f"h{n}", claims, 0))
        assert taken.held
        assert [(state.used, state.remaining, state.fitted) for state in taken.states] == [
            (0, 3, True),
            (n + 1, 4 - n, True),
            (0, 6, True),
        ]
    assert [state.used for state in await store.look(claims)] == [0, 5, 0]


@pytest.mark.parametrize(
    ("claim", "share"),
    [
        (sliding(10, 3, **HALF), (5, 0, 3)),
        (sliding(10, 8, **HALF), (5, 0, 5)),
        (sliding(10, 11, **HALF), (5, 0, 11)),
        (sliding(1, 1, **HALF), (1, 0, 1)),
        (sliding(0, 1, **HALF), (0, 0, 1)),
        (bucket(100, 60, burst=80, **HALF), (50, 40, 40)),
        (slots(3, **HALF), (1, 0, 1)),
    ],
)
def test_a_share_is_at_least_one_and_a_want_that_fits_the_whole_is_cut_to_it(claim, share):
    cut = own_share(claim)
    assert (cut.amount, cut.burst, cut.want) == share
    assert cut.key == claim.key


async def test_what_was_cut_becomes_debt_when_it_is_settled(store):
    hold = Hold("a", (sliding(10, 8, **HALF),), 0)
    assert (await store.take(hold)).held
    assert (await store.settle(hold, Amounts(1, 8, 0, 0))).outcome == "settled"
    assert (await store.look(hold.claims))[0].used == 8


async def test_a_hold_of_limits_that_do_not_degrade_is_settled_too(store):
    hold = Hold("a", (sliding(10),), 0)
    assert (await store.take(hold)).held
    assert await store.renew(hold)
    assert (await store.settle(hold, Amounts(1, 1, 0, 0))).outcome == "settled"
