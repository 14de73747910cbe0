"""Slices: what a hold covers, how the next slices grow, and what is left when one does not fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.claims import claims_for
from gateway.core.extending import Cover, cover_by, covered, ends_when_lost, further, in_the_way, next_slice, rest_slice
from gateway.model.caller import Caller
from gateway.model.decision import Action, Decision
from gateway.model.evidence import NO_VERDICT
from gateway.model.limit import Count, LimitState
from gateway.model.policy import Price
from gateway.model.request import Estimate, RequestFacts
from gateway.model.value import replace

PRICES = (Price("m*", 1_000_000, 3_000_000),)
DECISION = Decision("forward", Action.ALLOW, Action.ALLOW, "open", "open", "p")


def facts(output=1024, *, given=False, stream=True, model="m", tokens_in=10):
    return RequestFacts("openai.chat", "chat", model=model, stream=stream, estimate=Estimate(tokens_in, output, given))


def taken(make, asked, *limits, share=1.0):
    """The states of a take that held everything, as a store gives them."""
    policy = make.policy(*limits, prices=PRICES)
    decision = replace(DECISION, share=share)
    claims = claims_for(policy, policy.tiers["standard"], Caller("k", "acme"), asked, decision, NO_VERDICT, at_us=1)
    return tuple(LimitState(claim, True, claim.want, claim.amount - claim.want, 9, 0) for claim in claims)


def finishing(make, count=Count.TOKENS, amount=1000, limit_id="tpm", **more):
    return make.limit(limit_id, count, amount, **{"when_spent": "finish", **more})


@pytest.mark.parametrize(
    ("count", "amount", "want", "tokens"),
    [
        (Count.TOKENS, 100_000, 10 + 1024, 1024),
        (Count.TOKENS, 1000, 10 + 250, 250),
        (Count.OUTPUT_TOKENS, 1000, 250, 250),
        (Count.MONEY, 4000, 10 + 1000, 333),
    ],
)
def test_a_stream_that_ends_at_its_budget_holds_a_first_part_whatever_it_may_come_to(make, count, amount, want, tokens):
    for asked in (facts(1024), facts(50_000, given=True)):
        states = taken(make, asked, finishing(make, count, amount))
        assert states[0].claim.want == want
        assert cover_by(states, asked, PRICES).tokens == tokens


def test_others_hold_what_the_client_asks_for_and_are_not_watched(make):
    asked = facts(500, given=True)
    states = taken(make, asked, finishing(make, when_spent="continue"))
    assert states[0].claim.want == 510
    assert cover_by(states, asked, PRICES) is None
    assert cover_by(taken(make, replace(asked, stream=False), finishing(make)), replace(asked, stream=False), PRICES) is None


def test_what_the_ladder_s_share_cut_is_watched(make):
    asked = facts(500, given=True)
    states = taken(make, asked, finishing(make, when_spent="continue"), share=0.3)
    assert cover_by(states, asked, PRICES).tokens == 300 - 10


@pytest.mark.parametrize("count", [Count.REQUESTS, Count.CONCURRENT, Count.BYTES, Count.INPUT_TOKENS])
def test_limits_that_output_does_not_move_watch_nothing(make, count):
    assert cover_by(taken(make, facts(), finishing(make, count)), facts(), PRICES) is None


def test_a_model_without_a_price_spends_no_money(make):
    asked = facts(model="other")
    assert cover_by(taken(make, asked, finishing(make, Count.MONEY)), asked, PRICES) is None


@given(
    count=st.sampled_from([Count.TOKENS, Count.OUTPUT_TOKENS, Count.MONEY]),
    weight=st.sampled_from([1, 333, 1000, 2500]),
    held=st.integers(0, 10_000),
    size=st.integers(1, 5000),
)
def test_what_a_slice_adds_covers_what_it_is_for_and_hardly_more(make, count, weight, held, size):
    (state,) = taken(make, facts(), finishing(make, count, 10**6, weights=(("m", weight),)))
    cover = cover_by((state,), facts(), PRICES)
    asked = replace(next_slice(cover, (state,), facts(), PRICES, cover.tokens + held), counted=0)
    total = state.claim.want + asked.wants[0]
    assert covered(state.claim, total, facts(), PRICES) >= asked.tokens
    assert covered(state.claim, total - 1 - -(-weight // 1000) * 3, facts(), PRICES) < asked.tokens


def test_a_claim_that_holds_more_than_the_others_lacks_less(make):
    asked = facts(5000, given=True)
    states = taken(make, asked, finishing(make), make.limit("day", Count.TOKENS, 10**6))
    cover = cover_by(states, asked, PRICES)
    assert cover.tokens == 250
    assert next_slice(cover, states, asked, PRICES, 251).wants == (65, 0)


def test_a_long_stream_asks_a_logarithmic_number_of_times(make):
    states, asked = taken(make, facts(), finishing(make, amount=10**9)), facts()
    cover, times = cover_by(states, asked, PRICES), 0
    while cover.tokens < 1_000_000:
        cover = further(next_slice(cover, states, asked, PRICES, cover.tokens + 1), asked)
        times += 1
    assert times < 40
    assert cover.number == times


def test_once_all_that_the_client_asked_for_is_held_nothing_is_watched_any_more(make):
    asked = facts(300, given=True)
    states = taken(make, asked, finishing(make))
    cover = cover_by(states, asked, PRICES)
    step = next_slice(cover, states, asked, PRICES, 251)
    assert (step.tokens, step.wants) == (300, (50,))
    assert further(step, asked) is None


def test_what_is_left_is_asked_for_once_and_only_if_it_is_worth_asking(make):
    asked = facts()
    states = taken(make, asked, finishing(make))
    step = next_slice(Cover(250), states, asked, PRICES, 255)

    def refused(remaining):
        return [replace(states[0], fitted=False, remaining=remaining, retry_us=5)]

    rest = rest_slice(step, refused(30), asked, PRICES)
    assert (rest.tokens, rest.wants, rest.number) == (280, (30,), 1)
    assert rest_slice(step, refused(20), asked, PRICES) is None
    assert rest_slice(rest, refused(30), asked, PRICES) is None
    later = next_slice(further(rest, asked), states, asked, PRICES, 281)
    assert rest_slice(later, refused(500), asked, PRICES) is None


def test_the_reason_is_the_limit_that_stays_in_the_way_longest(make):
    states = taken(make, facts(), finishing(make, limit_id="minute"), finishing(make, limit_id="life"), make.limit("on", Count.TOKENS))
    waits = [replace(state, fitted=False, retry_us=wait) for state, wait in zip(states, (5, -1, 99), strict=True)]
    assert in_the_way(waits) == "limit.life"
    assert in_the_way([waits[0], waits[2]]) == "limit.minute"


def test_lost_state_ends_only_what_asks_a_limit_that_says_so(make):
    states = taken(make, facts(), finishing(make, when_state_is_lost="allow"), finishing(make, limit_id="strict", amount=10**6))
    step = next_slice(Cover(250), states, facts(), PRICES, 251)
    assert step.wants[1] == 0
    assert not ends_when_lost(step, states)
    assert ends_when_lost(replace(step, wants=(1, 1)), states)
