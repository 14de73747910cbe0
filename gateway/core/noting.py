"""What a decision comes to say along the road: why it became a no, which limits in shadow would have refused, that state was lost."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.core.trail import Outcome, Trail
from gateway.model.decision import Action, Decision, Refusal
from gateway.model.limit import LimitState
from gateway.model.value import replace

__all__ = ["noted", "reasoned", "undecided", "with_shadow_ends", "with_shadow_limits"]


def with_shadow_limits(trail: Trail) -> Trail:
    """The trail after a take: limits in shadow that did not fit are named."""
    over = [f"limit.{state.claim.limit.id}" for state in trail.states if not state.fitted]
    decision = trail.decision
    if not over or decision is None:
        return trail
    return replace(trail, decision=replace(decision, shadowed=(*decision.shadowed, *over)))


def with_shadow_ends(trail: Trail, told: Sequence[LimitState]) -> Trail:
    """The trail after a slice: limits in shadow that would have ended the stream are named."""
    for state in told:
        limit = state.claim.limit
        if not state.fitted and limit.shadow and limit.when_spent == "finish":
            trail = noted(trail, f"limit.{limit.id}")
    return trail


def noted(trail: Trail, note: str) -> Trail:
    """The trail with a note beside the decision, once."""
    decision = trail.decision
    if decision is None or note in decision.shadowed:
        return trail
    return replace(trail, decision=replace(decision, shadowed=(*decision.shadowed, note)))


def reasoned(trail: Trail, refusal: Refusal) -> Trail:
    """The trail of a request that is refused after it was decided on."""
    decision = trail.decision
    if decision is None:
        return trail
    return replace(trail, decision=replace(decision, outcome="refuse", reason=refusal.reason))


def undecided(trail: Trail, outcome: Outcome) -> Decision:
    """The decision of a request that never got as far as the ladder."""
    refusal = outcome.refusal
    tier = trail.tier.id if trail.tier else ""
    if refusal is None:
        return Decision("forward", Action.ALLOW, Action.ALLOW, "", outcome.end, trail.policy.label, rule=trail.rule, tier=tier)
    return Decision("refuse", Action.ALLOW, Action.ALLOW, "", refusal.reason, trail.policy.label, rule=trail.rule, tier=tier)
