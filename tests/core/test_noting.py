"""What a decision comes to say along the road."""

from __future__ import annotations

from gateway.core.noting import noted, reasoned, undecided, with_shadow_ends, with_shadow_limits
from gateway.core.trail import Outcome
from gateway.model.decision import Action, Decision, Refusal
from gateway.model.limit import Claim, LimitState

REFUSAL = Refusal("saturated", 503, "full", "saturated.full")


def decided(make, **other):
    trail = make.door(make.policy()).trail
    return make.replace(trail, decision=Decision("forward", Action.ALLOW, Action.ALLOW, "open", "open", "test", **other))


def test_limits_in_shadow_that_did_not_fit_are_named(make):
    claims = [Claim(make.limit(name, shadow=True), name, "s", 10, 0, 1) for name in ("over", "under")]
    states = tuple(LimitState(claim, claim.key == "under", 1, 1, 0, 0) for claim in claims)
    trail = with_shadow_limits(make.replace(decided(make, shadowed=("rung.x",)), states=states))
    assert trail.decision.shadowed == ("rung.x", "limit.over")


def test_limits_in_shadow_that_would_have_ended_a_stream_are_named_once(make):
    limits = [make.limit("a", shadow=True, when_spent="finish"), make.limit("b", shadow=True), make.limit("c", when_spent="finish")]
    states = [LimitState(Claim(limit, limit.id, "s", 10, 0, 1), False, 1, 1, 0, 0) for limit in limits]
    trail = with_shadow_ends(with_shadow_ends(decided(make), states), states)
    assert trail.decision.shadowed == ("limit.a",)


def test_a_note_stands_beside_the_decision(make):
    assert noted(decided(make), "state.lost").decision.shadowed == ("state.lost",)
    assert noted(noted(decided(make), "state.lost"), "state.lost").decision.shadowed == ("state.lost",)


def test_a_refusal_after_the_decision_becomes_its_outcome_and_reason(make):
    decision = reasoned(decided(make), REFUSAL).decision
    assert (decision.outcome, decision.reason, decision.rung) == ("refuse", "saturated.full", "open")


def test_before_the_ladder_there_is_nothing_to_say_it_of(make):
    trail = make.door(make.policy()).trail
    assert reasoned(trail, REFUSAL) is noted(trail, "x") is trail


def test_a_request_that_never_got_to_the_ladder_has_a_decision_all_the_same(make):
    trail = make.door(make.policy()).trail
    assert undecided(trail, Outcome("refused", 503, REFUSAL)).reason == "saturated.full"
    assert undecided(trail, Outcome("client_gone", 0)).outcome == "forward"
