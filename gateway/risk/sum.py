"""What the evidence on one caller adds up to: the verdict that the ladder is climbed by.

Evidence adds, in decibans, each signal's at most its cap. It fades: half of it counts when the policy's half-life has passed since the
caller's last request. What is only watched, or what an exemption takes out, is told (`observed`, reasons with `counted` False) and
never counted. The score has a floor, so that nobody saves up innocence to spend later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from gateway.model.evidence import Evidence, Kind, Verdict
from gateway.model.policy import Policy
from gateway.model.value import replace

__all__ = ["FLOOR", "SPOKE", "Peaks", "exempt_signals", "faded", "larger", "summed", "with_peak"]

FLOOR = -10.0
"""The lowest score: ten to one for the caller, however much speaks for it."""

SPOKE = 3.0
"""Decibans, counted and faded, from which on a kind of evidence has spoken: two to one."""

_MOST_PEAKS = 8

Peaks = tuple[tuple[int, float], ...]
"""When, and how high: scores of the recent past, each lower than the one before it."""


class _Part(Struct, frozen=True):
    """One signal's share of a score."""

    kind: Kind
    weight: float
    told: Evidence


def faded(weight: float, age_us: int, half_life_us: int) -> float:
    """What is left of a weight after a time. A half-life of 0 never fades."""
    if half_life_us <= 0 or age_us <= 0:
        return weight
    halvings: float = age_us / half_life_us
    return weight * 0.5**halvings if halvings < 64 else 0.0


def exempt_signals(policy: Policy, rule: str, now_us: int) -> frozenset[str]:
    """The signals that do not count now for callers of one caller rule."""
    if not policy.exemptions:
        return frozenset()
    named = [exemption.signals for exemption in policy.exemptions if exemption.caller == rule and now_us < exemption.until_us]
    return frozenset().union(*named)


def summed(
    policy: Policy, rule: str, spoken: Sequence[Evidence], *, age_us: int, now_us: int, worth: Callable[[float], float] = float
) -> Verdict:
    """The verdict on what signals say of one caller under caller rule `rule`, `age_us` after its last request. `high` is the score.

    `worth`: what a sum of weights is worth where signals depend on each other, see `gateway.risk.baseline`; the sum itself where
    nothing is said."""
    exempt = exempt_signals(policy, rule, now_us)
    parts = [part for evidence in spoken if (part := _part(policy, evidence, exempt, age_us)) is not None]
    score, observed = 0.0, 0.0
    kinds: dict[Kind, float] = {}
    for part in parts:
        observed += part.weight
        if part.told.counted:
            score += part.weight
            kinds[part.kind] = kinds.get(part.kind, 0.0) + part.weight
    score = max(FLOOR, worth(score))
    reasons = sorted((part.told for part in parts), key=lambda told: (-told.weight, told.signal))
    return Verdict(
        score=score,
        kinds=frozenset(kind for kind, weight in kinds.items() if weight >= SPOKE),
        reasons=tuple(reasons),
        high=score,
        observed=max(FLOOR, worth(observed)),
        at_us=now_us,
    )


def _part(policy: Policy, evidence: Evidence, exempt: frozenset[str], age_us: int) -> _Part | None:
    rule = policy.signals.get(evidence.signal)
    if rule is None or rule.level == "off":
        return None
    weight = faded(max(-rule.cap, min(rule.cap, evidence.weight)), age_us, policy.half_life_us)
    counted = rule.level == "enforce" and evidence.signal not in exempt
    told = Evidence(
        evidence.signal, evidence.version, evidence.kind, round(weight, 2), evidence.seen, evidence.threshold, counted=counted
    )
    return _Part(rule.kind, weight, told)


def with_peak(policy: Policy, peaks: Peaks, verdict: Verdict, now_us: int) -> tuple[Verdict, Peaks]:
    """The verdict with the highest score within the policy's `step_down.after`, and the peaks to remember for the next one.

    A score hides those before it that are not higher. Of more than eight the lowest but the newest is forgotten.
    """
    since = now_us - policy.step_down.after_us
    kept = [(at_us, score) for at_us, score in peaks if at_us >= since and score > verdict.score]
    kept = [*kept[: _MOST_PEAKS - 1], (now_us, verdict.score)]
    return replace(verdict, high=kept[0][1], peaks=tuple(kept)), tuple(kept)


def larger(own: Verdict, campaign: Verdict) -> Verdict:
    """A caller's verdict as a member of a campaign: the larger of the two bodies of evidence, never their sum. It belongs to the
    campaign either way."""
    if campaign.score <= own.score:
        return replace(own, campaign=campaign.campaign, high=max(own.high, campaign.high))
    observed = max(own.observed or 0.0, campaign.observed or 0.0)
    return replace(campaign, high=max(own.high, campaign.high), observed=observed, peaks=own.peaks)
