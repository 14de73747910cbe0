"""What `ports.HoldStore` promises of calendar windows, lifetime budgets and weights, over every adapter."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from gateway.model.limit import Amounts, Count, Hold
from gateway.model.value import replace
from tests.support import quota

DAY = 86_400_000_000
MIDNIGHT = quota.START_US // DAY * DAY + DAY
"""The first midnight of UTC after the store's time."""

LEFT = MIDNIGHT - quota.START_US


@pytest.fixture
def calendar(bench):
    return partial(quota.calendar, **bench.limit_options)


@pytest.fixture
def lifetime(bench):
    return partial(quota.lifetime, **bench.limit_options)


@pytest.fixture
def take(bench):
    async def call(hold_id, *claims):
        return await bench.holds.take(Hold(hold_id, claims, quota.START_US))

    return call


@pytest.fixture
def settle(bench):
    async def call(hold_id, *claims, tokens=0):
        return (await bench.holds.settle(Hold(hold_id, claims, quota.START_US), Amounts(1, tokens, 0, 0))).outcome

    return call


@pytest.fixture
def used(bench):
    async def call(*claims):
        return [state.used for state in await bench.holds.look(claims)]

    return call


# ── Calendar ────────────────────────────────────────────────────────────────────────────────────


async def test_a_day_is_whole_again_at_midnight_and_not_before(bench, take, calendar):
    claim = calendar(10, 10)
    (state,) = (await take("a", claim)).states
    assert (state.used, state.remaining, state.reset_us) == (10, 0, LEFT)
    (refused,) = (await take("b", claim)).states
    assert (refused.fitted, refused.retry_us) == (False, LEFT)
    await bench.advance(LEFT - 1)
    assert not (await take("c", claim)).held
    await bench.advance(1)
    assert (await take("d", claim)).held


async def test_midnight_is_that_of_the_limits_zone(bench, take, calendar):
    tokyo, utc = calendar(10, 10, zone="Asia/Tokyo", name="tokyo"), calendar(10, 10, name="utc")
    resets = [state.reset_us for state in (await take("a", tokyo, utc)).states]
    assert resets == [LEFT - 9 * 3_600_000_000, LEFT]
    await bench.advance(resets[0])
    assert [state.fitted for state in await bench.holds.look([tokyo, utc])] == [True, False]


@pytest.mark.parametrize("period", ["day", "week", "month"])
async def test_the_stores_clock_says_which_period_counts(bench, take, used, calendar, period):
    """Pitfall 13: requests that a slow or a fast clock dated into another period share the store's."""
    claim = calendar(10, 3, period=period)
    early, late = (replace(claim, periods=calendar(1, period=period, at_us=claim.periods[place]).periods) for place in (0, 2))
    for number, dated in enumerate((claim, early, late)):
        assert (await take(f"{number}", dated)).held
    assert await used(claim, early, late) == [9, 9, 9]
    await bench.advance(claim.periods[2] - quota.START_US)
    assert await used(claim, early, late) == [0, 0, 0]


async def test_what_is_settled_after_its_period_is_charged_to_that_period(bench, take, settle, used, calendar):
    if bench.limit_options.get("shared") == "leased":
        pytest.skip("a leased share is charged when the lease ends: what was used beyond it counts from then on")
    claim = calendar(10, 4)
    await bench.advance(LEFT - 1)
    await take("refund", claim)
    await take("excess", claim)
    await bench.advance(1)
    await take("next", claim)
    assert await settle("refund", claim, tokens=1) == "settled"
    assert await settle("excess", claim, tokens=100) == "settled"
    assert await used(claim) == [4]
    assert await settle("next", claim, tokens=9) == "settled"
    assert await used(claim) == [9]


async def test_an_edited_amount_keeps_what_was_used_in_the_period(take, used, calendar):
    await take("a", calendar(10, 9))
    assert (await take("b", calendar(20, 9))).held
    assert await used(calendar(10)) == [18]


async def test_64_takes_at_once_never_exceed_a_month_nor_a_lifetime(take, used, calendar, lifetime):
    claims = calendar(10, period="month"), lifetime(11)
    taken = await asyncio.gather(*[take(f"{n}", *claims) for n in range(64)])
    assert sum(answer.held for answer in taken) == 10
    assert await used(*claims) == [10, 10]


# ── Lifetime ────────────────────────────────────────────────────────────────────────────────────


async def test_a_lifetime_budget_never_comes_back(bench, take, lifetime):
    claim = lifetime(10, 10)
    (state,) = (await take("a", claim)).states
    assert (state.used, state.remaining, state.reset_us) == (10, 0, -1)
    await bench.advance(1000 * DAY)
    (refused,) = (await take("b", claim)).states
    assert (refused.fitted, refused.used, refused.retry_us) == (False, 10, -1)


async def test_a_lifetime_is_refunded_and_overdrawn_like_any_other(take, settle, used, lifetime):
    claim = lifetime(10, 6)
    await take("a", claim)
    await settle("a", claim, tokens=2)
    assert await used(claim) == [2]
    await take("b", claim)
    await settle("b", claim, tokens=50)
    assert await used(claim) == [52]
    await take("c", replace(claim, want=0))
    assert await used(claim) == [52]


async def test_a_spent_budget_refuses_the_whole_hold(take, used, calendar, lifetime):
    """Pitfall 2."""
    await take("a", lifetime(10, 10))
    assert not (await take("b", calendar(10, 5), lifetime(10, 1))).held
    assert await used(calendar(10), lifetime(10)) == [0, 10]


# ── Weights and counts ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("weight", "charged"), [(0, 0), (1, 1), (500, 3), (1_000, 5), (1_001, 6), (3_000, 15)])
async def test_a_unit_counts_what_the_claim_says_rounded_up(take, settle, used, lifetime, weight, charged):
    claim = replace(lifetime(1_000, 20), weight=weight)
    await take("a", claim)
    await settle("a", claim, tokens=5)
    assert await used(claim) == [charged]


async def test_cached_input_reasoning_and_money_are_settled_by_their_own_amounts(bench, take, used, lifetime):
    counts = Count.CACHED_INPUT_TOKENS, Count.REASONING_TOKENS, Count.MONEY
    claims = tuple(lifetime(10**9, 10, name=count.value, count=count) for count in counts)
    await take("a", *claims)
    await bench.holds.settle(Hold("a", claims, 0), Amounts(1, 20, 30, 0, cached=7, reasoning=11, micro_cost=2**40))
    assert await used(*claims) == [7, 11, 2**40]
