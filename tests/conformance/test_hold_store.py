"""What `ports.HoldStore` promises, over every adapter."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from gateway.model.limit import Amounts, Count, Hold
from gateway.model.value import replace
from tests.support import quota

SECOND = 1_000_000
MINUTE = 60 * SECOND
LEASE = 120 * SECOND


@pytest.fixture
def sliding(bench):
    return partial(quota.sliding, **bench.limit_options)


@pytest.fixture
def bucket(bench):
    return partial(quota.bucket, **bench.limit_options)


@pytest.fixture
def slots(bench):
    return partial(quota.slots, **bench.limit_options)


@pytest.fixture
def take(bench):
    async def call(hold_id, *claims):
        return await bench.holds.take(Hold(hold_id, claims, quota.START_US))

    return call


@pytest.fixture
def settle(bench):
    async def call(hold_id, *claims, tokens=0, requests=1):
        amounts = Amounts(requests=requests, input=tokens, output=0, bytes=0)
        return (await bench.holds.settle(Hold(hold_id, claims, quota.START_US), amounts)).outcome

    return call


@pytest.fixture
def used(bench):
    async def call(*claims):
        return [state.used for state in await bench.holds.look(claims)]

    return call


# ── Take ────────────────────────────────────────────────────────────────────────────────────────


async def test_all_claims_of_a_hold_are_charged_together(take, used, sliding, bucket, slots):
    claims = sliding(10, 4), bucket(100, 30), slots(3)
    taken = await take("a", *claims)
    assert taken.held
    assert [state.claim for state in taken.states] == list(claims)
    assert [(state.used, state.remaining) for state in taken.states] == [(4, 6), (30, 70), (1, 2)]
    assert await used(*claims) == [4, 30, 1]


@pytest.mark.parametrize("full", [0, 1, 2])
async def test_one_claim_that_does_not_fit_charges_none(take, used, sliding, bucket, slots, full):
    claims = sliding(10, 10), bucket(100, 100), slots(1)
    await take("first", claims[full])
    before = await used(*claims)
    taken = await take("second", *claims)
    assert not taken.held
    assert not taken.settled
    assert [state.fitted for state in taken.states] == [place != full for place in range(3)]
    assert await used(*claims) == before


async def test_a_claim_in_shadow_never_refuses_and_is_always_charged(take, used, sliding, slots):
    shadow, real = sliding(10, 8, name="watched", shadow=True), slots(5)
    assert (await take("a", shadow, real)).held
    taken = await take("b", shadow, real)
    assert taken.held
    assert [state.fitted for state in taken.states] == [False, True]
    assert await used(shadow, real) == [16, 2]


async def test_a_refused_hold_does_not_charge_its_shadow_either(take, used, sliding):
    shadow, real = sliding(10, 8, name="watched", shadow=True), sliding(10, 8)
    await take("a", shadow, real)
    assert not (await take("b", shadow, real)).held
    assert await used(shadow, real) == [8, 8]


async def test_the_same_id_again_gets_the_same_answer_and_charges_nothing_more(bench, take, used, sliding, bucket, slots):
    claims = sliding(10, 4), bucket(100, 30), slots(3)
    first = await take("a", *claims)
    await take("b", *claims)
    await bench.advance(SECOND)
    assert await take("a", *claims) == first
    assert await used(*claims) == [8, 59, 2]


async def test_what_is_wanted_beyond_the_limit_can_never_fit(take, sliding, bucket, slots):
    taken = await take("a", sliding(10, 11), bucket(100, 101), slots(0))
    assert not taken.held
    assert [state.retry_us for state in taken.states] == [-1, -1, -1]


async def test_a_want_of_nothing_fits_until_there_is_debt(take, settle, sliding, bucket):
    for name, kind in (("s", sliding), ("b", bucket)):
        full, nothing = kind(10, 10, name=name), kind(10, 0, name=name)
        assert (await take(f"{name}1", full)).held
        assert (await take(f"{name}2", nothing)).held
        assert await settle(f"{name}1", full, tokens=11) == "settled"
        assert not (await take(f"{name}3", nothing)).held


async def test_64_takes_at_once_never_exceed_a_limit(take, used, sliding, bucket, slots):
    """Pitfall 1: concurrent requests slip past a limit."""
    claims = sliding(10), bucket(11), slots(12)
    taken = await asyncio.gather(*[take(f"{n}", *claims) for n in range(64)])
    assert sum(answer.held for answer in taken) == 10
    assert await used(*claims) == [10, 10, 10]


async def test_an_edited_amount_keeps_its_usage(take, used, sliding, bucket):
    """Pitfall 17: the key names the counter, the amount travels with the claim."""
    await take("a", sliding(10, 9), bucket(100, 90))
    taken = await take("b", sliding(20, 9), bucket(200, 90))
    assert taken.held
    assert [state.used for state in taken.states] == [18, 180]
    assert not (await take("c", sliding(10, 1), bucket(100, 1))).held


# ── Time ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_sliding_window_lets_go_of_a_charge_at_the_latest_one_slice_late(bench, take, sliding):
    assert (await take("a", sliding(10, 10))).held
    await bench.advance(MINUTE - 1)
    assert not (await take("b", sliding(10, 1))).held
    await bench.advance(1 + SECOND + bench.late_us)
    assert (await take("c", sliding(10, 10))).held


async def test_there_is_no_second_limit_at_a_windows_edge(bench, take, sliding):
    """Pitfall 14: what was charged in any minute is within the limit, wherever the minute begins."""
    times = []
    for step in range(150):
        if (await take(f"{step}", sliding(10))).held:
            times.append(step * SECOND)
        await bench.advance(SECOND)
    assert all(sum(start <= moment < start + MINUTE for moment in times) <= 10 for start in times)
    assert len(times) >= 20


async def test_a_bucket_drains_evenly(bench, take, bucket):
    assert (await take("a", bucket(60, 60))).held
    await bench.advance(SECOND - 1)
    assert not (await take("b", bucket(60, 1))).held
    await bench.advance(1)
    assert (await take("c", bucket(60, 1))).held
    assert not (await take("d", bucket(60, 1))).held


async def test_a_bucket_is_as_deep_as_its_burst(take, bucket):
    assert (await take("a", bucket(60, 5, burst=5))).held
    assert not (await take("b", bucket(60, 1, burst=5))).held


@pytest.mark.parametrize(("amount", "first", "want"), [(10, 10, 1), (7, 7, 3), (600_000, 599_999, 12_345), (1, 1, 1)])
@pytest.mark.parametrize("kind", ["sliding", "bucket"])
async def test_whoever_waits_as_told_is_let_in(bench, take, sliding, bucket, kind, amount, first, want):
    limit = {"sliding": sliding, "bucket": bucket}[kind]
    await bench.advance(123_457)
    await take("a", limit(amount, first))
    await bench.advance(777_777)
    retry = (await take("b", limit(amount, want))).states[0].retry_us
    assert retry > 0
    await bench.advance(retry - 2)
    assert not (await take("c", limit(amount, want))).held
    await bench.advance(2)
    assert (await take("d", limit(amount, want))).held


async def test_reset_is_when_a_limit_is_whole_again(bench, take, used, sliding, bucket, slots):
    claims = sliding(10, 4), bucket(7, 3), slots(3, lease_us=90_000_000)
    claims = claims[:2] if bench.late_us else claims  # a slot that is leased is renewed there, and ends here
    resets = [state.reset_us for state in (await take("a", *claims)).states]
    for claim, reset in sorted(zip(claims, resets, strict=True), key=lambda pair: pair[1]):
        now = await bench.holds.look([claim])
        await bench.advance(now[0].reset_us - 1)
        assert await used(claim) != [0]
        await bench.advance(1)
        state = (await bench.holds.look([claim]))[0]
        assert (state.used, state.reset_us, reset > 0) == (0, 0, True)


# ── Settle ──────────────────────────────────────────────────────────────────────────────────────


async def test_settling_refunds_what_was_held_too_much(take, settle, used, sliding, bucket, slots):
    claims = sliding(10, 8), bucket(100, 80), slots(1)
    await take("a", *claims)
    assert await settle("a", *claims, tokens=3) == "settled"
    assert await used(*claims) == [3, 3, 0]


async def test_an_answer_that_cost_more_is_charged_as_debt(bench, take, settle, used, sliding, bucket):
    claims = sliding(10, 8), bucket(60, 50)
    await take("a", *claims)
    assert await settle("a", *claims, tokens=120) == "settled"
    assert await used(*claims) == [120, 120]
    looked = await bench.holds.look(claims)
    assert [(state.remaining, state.fitted) for state in looked] == [(0, False), (0, False)]
    await bench.advance(60 * SECOND)
    assert await used(claims[1]) == [60]


async def test_each_count_is_settled_by_its_own_amount(bench, take, used, sliding):
    claims = tuple(sliding(1000, 10, name=count.value, count=count) for count in Count if count is not Count.CONCURRENT)
    await take("a", *claims)
    true = Amounts(requests=1, input=20, output=300, bytes=77, cached=5, reasoning=40, micro_cost=9)
    await bench.holds.settle(Hold("a", claims, 0), true)
    assert dict(zip([claim.limit.count for claim in claims], await used(*claims), strict=True)) == {
        Count.REQUESTS: 1, Count.TOKENS: 320, Count.INPUT_TOKENS: 20, Count.OUTPUT_TOKENS: 300, Count.BYTES: 77,
        Count.CACHED_INPUT_TOKENS: 5, Count.REASONING_TOKENS: 40, Count.MONEY: 9,
    }  # fmt: skip


async def test_a_refund_after_the_window_has_passed_takes_nothing_from_others(bench, take, settle, used, sliding):
    await take("a", sliding(10, 8))
    await bench.advance(MINUTE + SECOND + bench.late_us)
    await take("b", sliding(10, 8))
    assert await settle("a", sliding(10, 8), tokens=0) == "settled"
    assert await used(sliding(10)) == [8]


async def test_a_hold_is_settled_once_however_often_it_is_sent(take, settle, used, sliding, slots):
    claims = sliding(10, 8), slots(2)
    await take("a", *claims)
    await take("b", *claims[1:])
    assert await settle("a", *claims, tokens=3) == "settled"
    assert await settle("a", *claims, tokens=9) == "repeated"
    assert await used(*claims) == [3, 1]


async def test_a_settled_id_is_not_taken_again(take, settle, used, sliding):
    await take("a", sliding(10, 8))
    await settle("a", sliding(10, 8), tokens=3)
    taken = await take("a", sliding(10, 1))
    assert (taken.held, taken.settled) == (False, True)
    assert await used(sliding(10)) == [3]


async def test_an_id_settled_before_it_was_taken_is_refused_for_an_hour(bench, take, settle, used, sliding):
    assert await settle("a", sliding(10, 8), tokens=3) == "unknown_id"
    await bench.advance(3599 * SECOND)
    taken = await take("a", sliding(10, 8))
    assert (taken.held, taken.settled, len(taken.states)) == (False, True, 1)
    assert await settle("a", sliding(10, 8), tokens=3) == "repeated"
    assert await used(sliding(10)) == [0]


# ── Extend ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def extend(bench):
    async def call(hold_id, number, *parts):
        """`parts`: pairs of a claim and what is wanted of it further."""
        claims, wants = zip(*parts, strict=True)
        return await bench.holds.extend(Hold(hold_id, claims, quota.START_US), number, wants)

    return call


async def test_a_slice_is_charged_on_top_of_what_an_open_hold_has(take, extend, settle, used, sliding, bucket, slots):
    claims = sliding(100, 40), bucket(200, 40), slots(3)
    await take("a", *claims)
    for number, expected in ((1, [60, 60, 1]), (2, [80, 80, 1])):
        taken = await extend("a", number, (claims[0], 20), (claims[1], 20), (claims[2], 0))
        assert (taken.held, [state.used for state in taken.states]) == (True, expected)
        assert [state.fitted for state in taken.states] == [True, True, True]
    assert await settle("a", *claims, tokens=90) == "settled"
    assert await used(*claims) == [90, 90, 0]


@pytest.mark.parametrize("full", [0, 1])
async def test_a_slice_that_does_not_fit_one_limit_is_charged_to_none(take, extend, used, sliding, bucket, full):
    claims = [kind(100, 40, when_spent="finish") for kind in (sliding, bucket)]
    await take("a", *claims)
    await take("b", claims[full])
    for _ in range(2):
        taken = await extend("a", 1, (claims[0], 30), (claims[1], 30))
        assert (taken.held, taken.settled, [state.fitted for state in taken.states]) == (False, False, [full == 1, full == 0])
        assert [state.remaining for state in taken.states] == [20 if place == full else 60 for place in range(2)]
    assert (await extend("a", 1, (claims[0], 20), (claims[1], 20))).held
    assert await used(*claims) == [100 if place == full else 60 for place in range(2)]


async def test_only_limits_that_end_streams_can_refuse_a_slice(take, extend, used, sliding):
    on, shadow = sliding(50, 40), sliding(50, 40, name="watched", shadow=True, when_spent="finish")
    await take("a", on, shadow)
    taken = await extend("a", 1, (on, 30), (shadow, 30))
    assert (taken.held, [state.fitted for state in taken.states]) == (True, [False, False])
    assert await used(on, shadow) == [70, 70]


async def test_what_is_not_wanted_further_is_not_asked_for(take, extend, settle, used, sliding):
    full, open_ = sliding(10, 10, name="full", when_spent="finish"), sliding(50, 10, when_spent="finish")
    await take("a", full, open_)
    await take("b", open_)
    await settle("b", open_, tokens=15)
    assert (await extend("a", 1, (full, 0), (open_, 25))).held
    assert await used(full, open_) == [10, 50]


async def test_the_same_slice_again_gets_the_same_answer_and_charges_nothing_more(bench, take, extend, used, sliding):
    claim = sliding(100, 10)
    await take("a", claim)
    first = await extend("a", 1, (claim, 20))
    await bench.advance(SECOND)
    assert await extend("a", 1, (claim, 20)) == first
    second = await extend("a", 2, (claim, 20))
    assert await extend("a", 1, (claim, 20)) == second
    assert await used(claim) == [50]


async def test_only_an_open_hold_is_extended(bench, take, extend, settle, used, sliding):
    claim = sliding(100, 10, window_us=3600 * SECOND)
    assert (await extend("never", 1, (claim, 20))).settled
    await take("a", claim)
    await settle("a", claim, tokens=7)
    await take("b", claim)
    await bench.advance(LEASE)
    for name in "ab":
        taken = await extend(name, 1, (claim, 20))
        assert (taken.held, taken.settled) == (False, True)
    assert await used(claim) == [17]


async def test_settling_fills_the_take_first_and_refunds_the_slices_where_they_were_charged(bench, take, extend, settle, used, sliding):
    claim = sliding(1000, 100)
    await take("a", claim)
    await bench.advance(30 * SECOND)
    await extend("a", 1, (claim, 50))
    await extend("a", 2, (claim, 60))
    await bench.advance(10 * SECOND)
    assert await settle("a", claim, tokens=120) == "settled"
    assert await used(claim) == [120]
    await bench.advance(25 * SECOND)
    assert await used(claim) == [20]
    await bench.advance(30 * SECOND)
    assert await used(claim) == [0]


async def test_what_an_extended_hold_used_beyond_its_slices_is_debt(take, extend, settle, used, sliding, bucket):
    claims = sliding(100, 40), bucket(100, 40)
    await take("a", *claims)
    await extend("a", 1, (claims[0], 20), (claims[1], 20))
    assert await settle("a", *claims, tokens=150) == "settled"
    assert await used(*claims) == [150, 150]


async def test_an_extended_hold_whose_lease_is_over_stays_charged_with_its_slices(bench, take, extend, settle, used, sliding):
    claim = sliding(1000, 80, window_us=3600 * SECOND)
    await take("a", claim)
    await extend("a", 1, (claim, 50))
    await bench.advance(LEASE)
    assert await settle("a", claim, tokens=1) == "expired"
    assert await used(claim) == [130]


async def test_renewing_keeps_the_slices_too(bench, take, extend, settle, used, sliding, slots):
    claims = sliding(1000, 80, window_us=3600 * SECOND), slots(1, lease_us=3600 * SECOND)
    await take("a", *claims)
    await extend("a", 1, (claims[0], 50), (claims[1], 0))
    for _ in range(3):
        await bench.advance(100 * SECOND)
        assert await bench.holds.renew(Hold("a", claims, 0))
    assert (await extend("a", 2, (claims[0], 50), (claims[1], 0))).held
    assert await settle("a", *claims, tokens=7) == "settled"
    assert await used(*claims) == [7, 0]


async def test_64_slices_at_once_never_exceed_a_limit(take, extend, used, sliding):
    claim = sliding(1000, 10, when_spent="finish")
    for n in range(64):
        await take(f"{n}", claim)
    taken = await asyncio.gather(*[extend(f"{n}", 1, (claim, 10)) for n in range(64)])
    assert sum(answer.held for answer in taken) == 36
    assert await used(claim) == [1000]


# ── Leases ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_hold_whose_lease_is_over_stays_charged_and_says_so(bench, take, settle, used, sliding):
    """Pitfall 5: a lost settle must not be a phantom reservation for ever, nor a free answer."""
    claim = sliding(100, 80, window_us=3600 * SECOND)
    await take("a", claim)
    await bench.advance(LEASE)
    assert await settle("a", claim, tokens=1) == "expired"
    assert await settle("a", claim, tokens=1) == "repeated"
    assert await used(claim) == [80]


async def test_slots_that_nobody_settles_come_free_by_themselves(bench, take, used, slots):
    """Pitfall 3: a crash leaks no slot."""
    for n in range(3):
        assert (await take(f"{n}", slots(3))).held
    assert not (await take("x", slots(3))).held
    await bench.advance(MINUTE - 1)
    assert await used(slots(3)) == [3]
    await bench.advance(1)
    assert await used(slots(3)) == [0]
    assert (await take("y", slots(3))).held


async def test_a_late_settle_gives_back_a_slot_that_outlived_its_hold(bench, take, settle, used, slots):
    await take("a", slots(1, lease_us=10 * LEASE))
    await bench.advance(LEASE)
    assert await settle("a", slots(1, lease_us=10 * LEASE)) == "expired"
    assert await used(slots(1, lease_us=10 * LEASE)) == [0]


async def test_renewing_keeps_a_hold_and_its_slot_open(bench, take, settle, used, sliding, slots):
    claims = sliding(100, 80, window_us=3600 * SECOND), slots(1)
    await take("a", *claims)
    for _ in range(5):
        await bench.advance(50 * SECOND)
        assert await bench.holds.renew(Hold("a", claims, 0))
    assert await used(*claims) == [80, 1]
    assert await settle("a", *claims, tokens=5) == "settled"
    assert await used(*claims) == [5, 0]


async def test_a_hold_that_is_not_open_is_not_renewed(bench, take, settle, slots):
    renew = partial(bench.holds.renew, Hold("a", (slots(1),), 0))
    assert not await renew()
    await take("a", slots(1))
    await settle("a", slots(1))
    assert not await renew()
    hold = Hold("b", (slots(1),), 0)
    await bench.holds.take(hold)
    await bench.advance(LEASE)
    assert not await bench.holds.renew(hold)


async def test_a_slot_that_expired_is_not_taken_back_by_a_renewal(bench, take, used, slots):
    hold = Hold("a", (slots(1, lease_us=SECOND),), 0)
    await bench.holds.take(hold)
    await bench.advance(SECOND)
    assert (await take("b", *hold.claims)).held
    assert await bench.holds.renew(hold)
    assert await used(*hold.claims) == [1]


async def test_freeing_a_slot_frees_only_ones_own(take, settle, used, slots):
    await take("a", slots(2))
    await take("b", slots(2))
    await settle("a", slots(2))
    await settle("a", slots(2))
    assert await used(slots(2)) == [1]


# ── Look ────────────────────────────────────────────────────────────────────────────────────────


async def test_looking_charges_nothing_and_says_what_would_fit(bench, take, sliding, bucket, slots):
    claims = sliding(10, 6), bucket(100, 60), slots(1)
    await take("a", *claims)
    for _ in range(2):
        states = await bench.holds.look(claims)
        assert [(state.fitted, state.used) for state in states] == [(False, 6), (False, 60), (False, 1)]
    assert [state.fitted for state in await bench.holds.look([sliding(10, 4), bucket(100, 40), slots(2)])] == [True, True, True]


async def test_a_hold_without_claims_is_held_and_settled(take, settle):
    assert (await take("a")).held
    assert await settle("a") == "settled"


# ── Guesses (of leased limits none is cut: their slices are asked for what is wanted) ─────────────


@pytest.fixture
def exact(bench):
    if bench.limit_options.get("shared") == "leased":
        pytest.skip("a leased limit does not cut guesses")


@pytest.mark.parametrize("window", ["sliding", "bucket"])
async def test_a_guess_is_cut_to_what_is_left_and_what_was_said_is_not(exact, take, window, request):
    limit = request.getfixturevalue(window)
    assert (await take("a", limit(100, 70))).held
    assert not (await take("b", replace(limit(100, 60), guess=20))).held
    cut = await take("c", replace(limit(100, 60), guess=50))
    assert (cut.held, cut.states[0].fitted, cut.states[0].claim.want, cut.states[0].remaining) == (True, True, 30, 0)
    assert (await take("c", replace(limit(100, 60), guess=50))) == cut
    assert not (await take("d", replace(limit(100, 60), guess=60))).held, "of a guess something has to be left"


async def test_what_was_cut_is_settled_by_the_truth(exact, take, settle, used, sliding):
    await take("a", sliding(100, 70))
    guessed = replace(sliding(100, 60), guess=60)
    assert (await take("b", guessed)).held
    await settle("b", guessed, tokens=5)
    assert await used(sliding(100)) == [75]


async def test_a_refusal_of_a_guess_tells_when_the_least_of_it_would_fit(exact, take, bucket):
    await take("a", bucket(60, 60))
    refused = await take("b", replace(bucket(60, 40), guess=30))
    assert refused.states[0].retry_us == pytest.approx(10 * SECOND, abs=1_000_000)
