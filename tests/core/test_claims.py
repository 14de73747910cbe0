"""Claims: who is counted, how much is held, what a share leaves, and the words of a refusal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import claims as module
from gateway.core.claims import claims_for, refusal_for
from gateway.model.caller import Caller
from gateway.model.decision import Action, Decision
from gateway.model.evidence import NO_VERDICT, Verdict
from gateway.model.limit import Count, LimitState
from gateway.model.policy import Price
from gateway.model.request import Estimate, RequestFacts
from gateway.quota.calendar import period_starts

NOON_US = 1_790_000_000_000_000
CALLER = Caller("ab" * 16, "acme", peer="192.0.2.1")


def decision(share=1.0):
    return Decision("forward", Action.ALLOW, Action.ALLOW, "open", "open", "p", share=share)


def claims(make, *limits, facts=None, share=1.0, verdict=NO_VERDICT, mode="enforce", caller=CALLER, **policy):
    policy = make.policy(*limits, mode=mode, **policy)
    facts = facts or RequestFacts("openai", "openai.chat", model="m", body_size=70, estimate=Estimate(10, 20, True))
    return claims_for(policy, policy.tiers["standard"], caller, facts, decision(share), verdict, at_us=NOON_US)


@pytest.mark.parametrize(
    ("count", "want"),
    [
        (Count.REQUESTS, 1),
        (Count.TOKENS, 30),
        (Count.INPUT_TOKENS, 10),
        (Count.OUTPUT_TOKENS, 20),
        (Count.CACHED_INPUT_TOKENS, 10),
        (Count.REASONING_TOKENS, 20),
        (Count.MONEY, 0),
        (Count.BYTES, 70),
        (Count.CONCURRENT, 1),
    ],
)
def test_each_count_holds_its_own_estimate(make, count, want):
    (claim,) = claims(make, make.limit(count=count, amount=100))
    assert claim.want == want


PRICES = (Price("m*", 1_000_000, 3_000_000, cached=100_000),)


def test_money_is_held_as_if_nothing_were_cached(make):
    money = make.limit(count=Count.MONEY, amount=100)
    assert claims(make, money, prices=PRICES)[0].want == 10 * 1 + 20 * 3
    assert claims(make, money, prices=PRICES, facts=RequestFacts("o", "o.c", model="other", estimate=Estimate(9, 9, True)))[0].want == 0


@pytest.mark.parametrize("count", [Count.CACHED_INPUT_TOKENS, Count.REASONING_TOKENS, Count.MONEY])
def test_what_nobody_can_know_beforehand_never_refuses_by_itself(make, count):
    facts = RequestFacts("openai", "openai.chat", model="m", estimate=Estimate(4, 900, False))
    assert claims(make, make.limit(count=count, amount=5), facts=facts, prices=PRICES)[0].want in {4, 5}


def test_money_that_the_client_itself_asks_to_spend_is_taken_at_its_word(make):
    facts = RequestFacts("openai", "openai.chat", model="m", estimate=Estimate(1_000_000, 5_000_000, True))
    (claim,) = claims(make, make.limit(count=Count.MONEY, amount=2_500_000, window="lifetime", window_us=0), facts=facts, prices=PRICES)
    refusal = refusal_for((LimitState(claim, False, 0, 100, 0, -1),), facts)
    assert (refusal.kind, refusal.final) == ("limit_never_fits", True)
    assert "money in all: Limit 2.5, Requested 16." in refusal.message


@pytest.mark.parametrize(
    ("weights", "weight", "want"),
    [((("m*", 3_000), ("m", 1)), 3_000, 90), ((("x", 3_000),), 1_000, 30), ((("m", 500),), 500, 15), ((("m", 1_001),), 1_001, 31)],
)
def test_a_model_weighs_what_the_first_glob_that_fits_it_says(make, weights, weight, want):
    (claim,) = claims(make, make.limit(count=Count.TOKENS, amount=100, weights=weights))
    assert (claim.weight, claim.want) == (weight, want)


def test_a_heavy_models_guess_is_cut_too(make):
    facts = RequestFacts("openai", "openai.chat", model="m", estimate=Estimate(10, 1024, False))
    (claim,) = claims(make, make.limit(count=Count.TOKENS, amount=100, weights=(("m", 5_000),)), facts=facts)
    assert claim.want == 100


def test_calendar_claims_carry_the_periods_around_the_arrival_in_their_zone(make):
    day, month = (make.limit(period, window="calendar", window_us=1, period=period, zone="Asia/Tokyo") for period in ("day", "month"))
    found = claims(make, day, month, make.limit("rpm"))
    assert [claim.periods for claim in found] == [
        period_starts("day", "Asia/Tokyo", NOON_US), period_starts("month", "Asia/Tokyo", NOON_US), (),
    ]  # fmt: skip
    assert [claim.window_us for claim in found] == [86_400_000_000, 30 * 86_400_000_000, 60_000_000]


def test_another_zone_or_period_is_another_counter(make):
    spans = [("day", "UTC"), ("day", "Asia/Tokyo"), ("week", "UTC")]
    limits = [make.limit(window="calendar", window_us=1, period=period, zone=zone) for period, zone in spans]
    assert len({claims(make, limit)[0].key for limit in limits}) == 3


RICH = Caller("ab" * 16, "acme", peer="192.0.2.1", limits={"rpm": 50, "usd": 7, "tpm": 0})


@pytest.mark.parametrize(("per", "amount"), [(("key",), 50), (("account", "model"), 50), (("peer",), 10), (("everyone",), 10)])
def test_a_callers_own_amount_stands_in_where_the_limit_is_counted_for_it(make, per, amount):
    (theirs,), (ours,) = claims(make, make.limit(per=per), caller=RICH), claims(make, make.limit(per=per))
    assert (theirs.amount, theirs.key) == (amount, ours.key)


def test_an_own_amount_of_a_bucket_deepens_it_and_of_money_is_in_units(make):
    (bucket,) = claims(make, make.limit(window="bucket", burst=25), caller=RICH)
    assert (bucket.amount, bucket.burst) == (50, 125)
    (money,) = claims(make, make.limit("usd", count=Count.MONEY), caller=RICH)
    assert money.amount == 7_000_000
    (none,) = claims(make, make.limit("tpm", count=Count.TOKENS), caller=RICH)
    assert (none.amount, none.capacity) == (0, 0)


def test_an_own_amount_is_scaled_by_the_share_like_any_other(make):
    (claim,) = claims(make, make.limit(), caller=RICH, share=0.5)
    assert claim.amount == 25


def test_requests_of_one_policy_differ_in_all_that_a_claim_depends_on(make):
    """What a caller's requests have in common is worked out once: nothing else may be taken for the same."""
    limits = [make.limit("rpm", per=("account",)), make.limit("by model", per=("model",)), make.limit("by peer", per=("peer",))]
    linked = make.replace(make.limit("linked"), per=("campaign",))
    policy = make.policy(*limits, linked)
    tier, facts = policy.tiers["standard"], RequestFacts("openai", "openai.chat", model="m")

    def ask(**other):
        of = {"policy": policy, "tier": tier, "caller": CALLER, "facts": facts, "decision": decision(), "verdict": NO_VERDICT, **other}
        return [(claim.key, claim.amount) for claim in claims_for(*of.values(), at_us=NOON_US)]

    once = ask()
    asked = [
        once,
        ask(facts=make.replace(facts, model="other")),
        ask(caller=make.replace(CALLER, account="other")),
        ask(caller=make.replace(CALLER, peer="192.0.2.2")),
        ask(caller=make.replace(CALLER, limits={"rpm": 3})),
        ask(decision=decision(0.5)),
        ask(verdict=Verdict(50, campaign="c1")),
        ask(tier=make.replace(tier, limits=(make.replace(limits[0], amount=77), *tier.limits[1:]))),
    ]
    assert all(one != other for place, one in enumerate(asked) for other in asked[place + 1 :])
    assert ask() == once


def test_more_callers_than_are_remembered_have_their_claims_all_the_same(make):
    policy = make.policy(make.limit("rpm", per=("key",)))
    tier, facts = policy.tiers["standard"], RequestFacts("openai", "openai.chat", model="m")
    keys = {
        claims_for(policy, tier, Caller(f"{n:032x}", "a"), facts, decision(), NO_VERDICT, at_us=NOON_US)[0].key for n in range(2_100)
    }
    assert len(keys) == 2_100
    assert len(module._known) <= 2_048


def test_a_spent_budget_is_told_as_spent_and_final(make):
    (claim,) = claims(make, make.limit("life", count=Count.OUTPUT_TOKENS, amount=100, window="lifetime", window_us=0))
    refusal = refusal_for((LimitState(claim, False, 95, 5, -1, -1),), RequestFacts("openai", "openai.chat", model="m"))
    assert (refusal.kind, refusal.code, refusal.final, refusal.retry_us) == ("limit_spent", "insufficient_quota", True, None)
    assert refusal.message == (
        "Quota exceeded for m on output tokens in all: Limit 100, Used 95, Requested 20. It does not come back by waiting."
    )


def test_spent_money_of_a_month_comes_back_with_the_next(make):
    limit = make.limit("usd", count=Count.MONEY, amount=2_000_000_000, window="calendar", window_us=1, period="month")
    (claim,) = claims(make, limit, prices=PRICES)
    refusal = refusal_for((LimitState(claim, False, 1_999_999_990, 10, 1, 86_400_000_000),), RequestFacts("o", "o.c", model="m"))
    assert (refusal.kind, refusal.final, refusal.retry_us) == ("limit_money", False, 86_400_000_000)
    assert "on money per month: Limit 2000, Used 2000, Requested 0.0001." in refusal.message


def test_a_guess_is_cut_to_what_fits_and_never_refuses(make):
    facts = RequestFacts("openai", "openai.chat", model="m", estimate=Estimate(10, 1024, False))
    (claim,) = claims(make, make.limit(count=Count.TOKENS, amount=100), facts=facts)
    assert claim.want == 100


def test_what_the_client_itself_asks_for_is_taken_at_its_word(make):
    facts = RequestFacts("openai", "openai.chat", model="m", estimate=Estimate(10, 5000, True))
    (claim,) = claims(make, make.limit(count=Count.TOKENS, amount=100), facts=facts)
    assert claim.want == 5010
    refusal = refusal_for((LimitState(claim, False, 0, 100, 0, -1),), facts)
    assert refusal.kind == "limit_never_fits"
    assert refusal.final
    assert "can never fit" in refusal.message


def test_a_share_scales_amounts_and_a_claim_that_fits_the_whole_holds_the_share(make):
    facts = RequestFacts("openai", "openai.chat", model="m", estimate=Estimate(10, 70, True))
    (claim,) = claims(make, make.limit(count=Count.TOKENS, amount=100), facts=facts, share=0.5)
    assert (claim.amount, claim.want) == (50, 50)
    (slots,) = claims(make, make.limit(count=Count.CONCURRENT, amount=1), share=0.5)
    assert slots.amount == 1


def test_a_campaign_limit_applies_to_members_only(make):
    limit = make.limit(per=("campaign",))
    assert claims(make, limit) == ()
    (claim,) = claims(make, limit, verdict=Verdict(campaign="c-1"))
    assert claim.key.endswith(":c-1")


def test_an_edited_amount_keeps_its_counter_and_an_edited_kind_gets_a_new_one(make):
    (before,) = claims(make, make.limit(amount=10))
    (more,) = claims(make, make.limit(amount=20))
    (longer,) = claims(make, make.limit(amount=10, window_us=120_000_000))
    assert before.key == more.key != longer.key


def test_claims_of_one_account_share_a_slot(make):
    found = claims(make, make.limit("a"), make.limit("b", per=("account",)), make.limit("c", per=("account", "model")))
    assert {claim.slot for claim in found} == {"acme"}


def test_in_shadow_every_claim_is_in_shadow_and_off_makes_none(make):
    (claim,) = claims(make, make.limit(), mode="shadow")
    assert claim.limit.shadow
    assert claims(make, make.limit(), mode="off") == ()


@given(
    accounts=st.lists(st.text(min_size=1, max_size=300), min_size=2, max_size=2, unique=True),
    models=st.lists(st.text(max_size=20), min_size=2, max_size=2),
)
def test_different_subjects_never_share_a_counter(make, accounts, models):
    limit = make.limit(per=("account", "model"))
    first, second = (
        claims(make, limit, caller=Caller("ab" * 16, account), facts=RequestFacts("openai", "openai.chat", model=model))[0]
        for account, model in zip(accounts, models, strict=True)
    )
    assert first.key != second.key
    assert "{" not in first.key
    assert len(first.key) < 300


def test_of_several_limits_in_the_way_the_longest_is_told(make):
    facts = RequestFacts("openai", "openai.chat", model="m")
    rpm, tpm = claims(make, make.limit("rpm"), make.limit("tpm", count=Count.TOKENS), facts=facts)
    refusal = refusal_for((LimitState(rpm, False, 10, 0, 1, 374_000), LimitState(tpm, False, 10, 0, 1, 5_000_000)), facts)
    assert (refusal.reason, refusal.retry_us) == ("limit.tpm", 5_000_000)
    assert "Please try again in 5s" in refusal.message
    refusal = refusal_for((LimitState(rpm, False, 10, 0, 1, 374_000), LimitState(tpm, True, 10, 0, 1, 0)), facts)
    assert (refusal.reason, refusal.kind) == ("limit.rpm", "limit_requests")
    assert "requests per min (RPM): Limit 10, Used 10, Requested 1. Please try again in 374ms." in refusal.message


@pytest.mark.parametrize("retry_us", [5_000_000, -1])
def test_a_limit_per_campaign_is_not_to_be_named_to_who_runs_into_it(make, retry_us):
    facts = RequestFacts("openai", "openai.chat", model="m")
    (own,) = claims(make, make.limit("own"), facts=facts)
    linked = make.replace(own, limit=make.replace(own.limit, id="linked", per=("campaign",)))
    assert not refusal_for((LimitState(own, False, 10, 0, 1, retry_us),), facts).unnamed
    assert refusal_for((LimitState(linked, False, 10, 0, 1, retry_us),), facts).unnamed
