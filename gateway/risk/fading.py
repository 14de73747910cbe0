"""What is left of a verdict some time after it was made: a caller that sends nothing more is suspected less and less.

A verdict says as of when it is true (`at_us`). From there its score, its reasons and what is observed fade by the policy's half-life,
so that nobody has to come by and judge a silent caller again: whoever reads one (Assess, a replay's report, `gateway risk`) asks here.
What a ladder steps down by fades as it would have, had the caller been judged all along: `high` is the highest score within
`step_down.after`, a faded one included.
"""

from __future__ import annotations

from gateway.model.evidence import Evidence, Kind, Verdict
from gateway.model.policy import Policy
from gateway.model.value import replace
from gateway.risk.sum import SPOKE, faded

__all__ = ["as_of"]

_A_MOMENT_US = 1_000_000
"""Whoever was judged within the last second is as judged."""


def as_of(policy: Policy, verdict: Verdict, now_us: int) -> Verdict:
    """The verdict at `now_us`. One without a time, or of a moment ago, is as it is; what speaks for a caller fades too."""
    age_us = now_us - verdict.at_us
    if not verdict.at_us or age_us < _A_MOMENT_US:
        return verdict
    half_life_us = policy.half_life_us
    left = faded(1.0, age_us, half_life_us)
    score = verdict.score * left
    after_us = policy.step_down.after_us
    since_us = now_us - after_us
    past = faded(verdict.score, max(0, age_us - after_us), half_life_us)  # the highest that it faded through within that time
    return replace(
        verdict,
        score=score,
        kinds=_speaking(verdict, left),
        reasons=tuple([_faded(reason, left) for reason in verdict.reasons]),
        high=max(score, past, *[peak for at_us, peak in verdict.peaks if at_us >= since_us]),
        observed=None if verdict.observed is None else verdict.observed * left,
        at_us=now_us,
        peaks=tuple([(at_us, peak) for at_us, peak in verdict.peaks if at_us >= since_us]),
    )


def _speaking(verdict: Verdict, left: float) -> frozenset[Kind]:
    """The kinds that still speak. One that no reason is told of speaks as long as the score does."""
    if left == 1.0 or not verdict.kinds:
        return verdict.kinds
    spoke: dict[Kind, float] = {}
    for reason in verdict.reasons:
        if reason.counted:
            spoke[reason.kind] = spoke.get(reason.kind, 0.0) + reason.weight
    return frozenset(kind for kind in verdict.kinds if spoke.get(kind, verdict.score) * left >= SPOKE)


def _faded(reason: Evidence, left: float) -> Evidence:
    return replace(reason, weight=round(reason.weight * left, 2))
