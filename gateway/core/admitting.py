"""What a request asks of the queue before its upstream, and what its end says of that upstream."""

from __future__ import annotations

from gateway.core.trail import Outcome, Trail
from gateway.model.admission import Ask, Ended, Fate, Group
from gateway.model.limit import Limit, Priority

__all__ = ["ask_of", "ended"]

_ORDER: dict[Priority, int] = {"high": 0, "normal": 1, "low": 2, "batch": 3}

_NO_ROOM = frozenset({429, 503, 529})
"""Answers that say: too much at once. 529 is Anthropic's."""

_TIMEOUTS = frozenset({"connect_timeout", "first_byte_timeout", "idle_timeout"})


def ask_of(trail: Trail) -> Ask:
    """The place that a request wants: its class, whose turn it takes, and the adaptive limits that it counts on."""
    caller, upstream, decision, hold = trail.caller, trail.upstream, trail.decision, trail.hold
    assert caller is not None  # Identify comes first
    assert upstream is not None  # Assess has chosen one
    priority: Priority = trail.tier.priority if trail.tier else "normal"
    groups: tuple[Group, ...] = ()
    if hold is not None and any(claim.limit.adaptive or claim.limit.priority for claim in hold.claims):
        limits = [claim.limit for claim in hold.claims if not claim.limit.shadow]
        priority = _priority(limits, priority)
        groups = tuple(
            Group(claim.key, claim.limit.adaptive, claim.amount)
            for claim in hold.claims
            if claim.limit.adaptive and not claim.limit.shadow
        )
    return Ask(
        id=trail.arrival.id,
        upstream=upstream,
        model=trail.facts.model if trail.facts else "",
        caller=caller.account or caller.key_id,
        priority=priority,
        weight=decision.share if decision else 1.0,
        groups=groups,
        acts=trail.policy.mode == "enforce",
        own_credential=caller.source in {"client", "anonymous"},
    )


def _priority(limits: list[Limit], tier: Priority) -> Priority:
    """The last class that one of the limits names, else the tier's."""
    named = [limit.priority for limit in limits if limit.priority is not None]
    return max(named, key=_ORDER.__getitem__) if named else tier


def ended(trail: Trail, outcome: Outcome) -> Ended:
    """What an end says. The pace of a throttled stream is ours and not the upstream's."""
    slowed = trail.decision is not None and trail.decision.share < 1.0
    return Ended(
        fate=_fate(outcome),
        first_us=outcome.first_byte_us,
        tokens=0 if slowed else outcome.seen.usage.output,
        stream=trail.facts is not None and trail.facts.stream,
        status=outcome.upstream_status,
        cooldown_us=outcome.cooldown_us,
    )


def _fate(outcome: Outcome) -> Fate:
    if outcome.upstream_status in _NO_ROOM or outcome.fault in _TIMEOUTS:
        return "dropped"
    whole = outcome.end == "complete" and 200 <= outcome.upstream_status < 300
    return "success" if whole and not outcome.seen.error else "ignored"
