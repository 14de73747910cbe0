"""What a person's decision makes of a verdict: evidence from before a false alarm is gone, a confirmed suspicion stands."""

from __future__ import annotations

from gateway.model.evidence import NO_VERDICT, Verdict
from gateway.model.ruling import Ruling
from gateway.model.value import replace

__all__ = ["LET_GO_US", "let_go", "ruled"]

LET_GO_US = 7 * 86_400 * 1_000_000
"""How long a cleared caller is not drawn in by its campaign alone: a week, or until evidence of its own speaks again."""


def ruled(verdict: Verdict, ruling: Ruling | None) -> Verdict:
    """The verdict to go by. One from before the caller was cleared is none; a confirmed caller's says so."""
    if ruling is None:
        return verdict
    if ruling.finding == "confirmed":
        return replace(verdict, confirmed=True)
    return verdict if verdict.at_us > ruling.at_us else NO_VERDICT


def let_go(ruling: Ruling | None, own: Verdict, now_us: int) -> bool:
    """Whether a caller with this evidence of its own is left out of its campaign's verdict."""
    return ruling is not None and ruling.finding == "cleared" and now_us - ruling.at_us < LET_GO_US and not own.kinds
