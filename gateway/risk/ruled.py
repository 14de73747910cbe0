"""What a person's decision makes of a verdict: evidence from before a false alarm is gone, a confirmed suspicion stands."""

from __future__ import annotations

from gateway.model.evidence import NO_VERDICT, Verdict
from gateway.model.ruling import Ruling
from gateway.model.value import replace

__all__ = ["LET_GO_US", "let_go", "ruled"]

LET_GO_US = 7 * 86_400 * 1_000_000
"""How long a cleared caller is not drawn in by its campaign: a week, or until evidence of its own is the larger."""


def ruled(verdict: Verdict, ruling: Ruling | None) -> Verdict:
    """The verdict to go by. One from before the caller was cleared is none, and so is its campaign's for a week; a confirmed
    caller's says so."""
    if ruling is None:
        return verdict
    if ruling.finding == "confirmed":
        return replace(verdict, confirmed=True)
    gone = verdict.at_us <= ruling.at_us or let_go(ruling, verdict)
    return NO_VERDICT if gone else replace(verdict, confirmed=False)


def let_go(ruling: Ruling | None, verdict: Verdict) -> bool:
    """Whether a verdict is that of a campaign which a cleared caller is let go from: then that it is linked counts in it."""
    if ruling is None or ruling.finding != "cleared" or verdict.at_us - ruling.at_us >= LET_GO_US:
        return False
    return any(reason.signal == "linkage" and reason.counted for reason in verdict.reasons)
