"""What the ladder does with a verdict now, what would have to come for the next rung, and when what holds will have faded.

All of it is asked of `climb` and of `as_of`, which decide; nothing is worked out here a second way.
"""

from __future__ import annotations

from msgspec import Struct

from gateway.core.decide import Ladder, climb
from gateway.model.decision import Action
from gateway.model.evidence import Evidence, Verdict
from gateway.model.policy import Policy, Rung
from gateway.risk.fading import as_of

__all__ = ["Fades", "Lacks", "Part", "Standing", "standing"]

_STEPS = 48
_MOST_HALVINGS = 64


class Lacks(Struct, frozen=True):
    """What is missing for a rung: decibans (0.0 where the score would do) and kinds of evidence beyond those that speak."""

    rung: Rung
    decibans: float
    kinds: int


class Fades(Struct, frozen=True):
    """When a caller that sends nothing more will be below a rung (Unix microseconds), None for never."""

    rung: Rung
    at_us: int | None


class Part(Struct, frozen=True):
    """One signal's word: `left` decibans that it could still add before its cap, None where the policy does not name it."""

    told: Evidence
    cap: float | None
    left: float | None
    level: str


class Standing(Struct, frozen=True):
    """A verdict as of now (`verdict`) on the ladder of a policy (`ladder`). `next_` is None on the highest rung. `fades`: each rung
    that is reached, the highest first."""

    verdict: Verdict
    ladder: Ladder
    next_: Lacks | None
    fades: tuple[Fades, ...]
    parts: tuple[Part, ...]


def standing(policy: Policy, verdict: Verdict, now_us: int) -> Standing:
    """How a verdict, as it was put, stands now."""
    now = as_of(policy, verdict, now_us)
    ladder = climb(policy, now)
    reached = [rung for rung in policy.ladder if rung.do > Action.ALLOW and rung.at <= ladder.intended.at]
    return Standing(
        verdict=now,
        ladder=ladder,
        next_=_lacks(policy, now, ladder),
        fades=tuple(Fades(rung, _gone_us(policy, now, rung, now_us)) for rung in reversed(reached)),
        parts=tuple(_part(policy, reason) for reason in now.reasons),
    )


def _lacks(policy: Policy, verdict: Verdict, ladder: Ladder) -> Lacks | None:
    above = [rung for rung in policy.ladder if rung.at > ladder.intended.at]
    if not above:
        return None
    rung = above[0]
    score = max(verdict.score, verdict.high - policy.step_down.by)
    alters = rung.do >= Action.PERTURB and not verdict.confirmed
    return Lacks(rung, max(0.0, rung.at - score), max(0, policy.kinds_needed - len(verdict.kinds)) if alters else 0)


def _gone_us(policy: Policy, verdict: Verdict, rung: Rung, now_us: int) -> int | None:
    """The first moment at which the ladder is below a rung, found by halving: a verdict only ever fades."""
    longest = policy.half_life_us * _MOST_HALVINGS + policy.step_down.after_us

    def reached(after_us: int) -> bool:
        return climb(policy, as_of(policy, verdict, now_us + after_us)).intended.at >= rung.at

    if verdict.confirmed or not verdict.at_us or reached(longest):
        return None
    low, high = 0, longest
    for _ in range(_STEPS):
        middle = (low + high) // 2
        low, high = (middle, high) if reached(middle) else (low, middle)
    return now_us + high


def _part(policy: Policy, told: Evidence) -> Part:
    rule = policy.signals.get(told.signal)
    if rule is None:
        return Part(told, None, None, "watch")
    return Part(told, rule.cap, max(0.0, round(rule.cap - told.weight, 2)), rule.level)
