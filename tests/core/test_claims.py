"""Claims: who is counted, how much is held, what a share leaves, and the words of a refusal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.claims import claims_for, refusal_for
from gateway.model.caller import Caller
from gateway.model.decision import Action, Decision
from gateway.model.evidence import NO_VERDICT, Verdict
from gateway.model.limit import Count, LimitState
from gateway.model.request import Estimate, RequestFacts

NOON_US = 1_790_000_000_000_000
CALLER = Caller("ab" * 16, "acme", peer="192.0.2.1")


def decision(share=1.0):
    return Decision("forward", Action.ALLOW, Action.ALLOW, "open", "open", "p", share=share)


def claims(make, *limits, facts=None, share=1.0, verdict=NO_VERDICT, mode="enforce", caller=CALLER):
    policy = make.policy(*limits, mode=mode)
    facts = facts or RequestFacts("openai", "openai.chat", model="m", body_size=70, estimate=Estimate(10, 20, True))
    return claims_for(policy, policy.tiers["standard"], caller, facts, decision(share), verdict, at_us=NOON_US)


@pytest.mark.parametrize(
    ("count", "want"),
    [
        (Count.REQUESTS, 1),
        (Count.TOKENS, 30),
        (Count.INPUT_TOKENS, 10),
        (Count.OUTPUT_TOKENS, 20),
        (Count.BYTES, 70),
        (Count.CONCURRENT, 1),
    ],
)
def test_each_count_holds_its_own_estimate(make, count, want):
    (claim,) = claims(make, make.limit(count=count, amount=100))
    assert claim.want == want


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
