"""Which limits a caller is told of, and the arithmetic that every way of telling shares.

A limit in shadow is not in force, so telling it would be untrue; one that is kept per campaign exists only for callers under
suspicion, so telling it would say so; one on money has no unit that a client knows, and would be read as tokens or requests. All three
stay silent, whatever the dialect; a refusal says when to come back all the same. Times round up: who waits as told is let in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from gateway.model.decision import Refusal
from gateway.model.limit import Count, LimitState

__all__ = [
    "LONGEST_PATIENCE_US", "field_text", "pointless_to_retry", "ratio_left", "remaining", "retry_after_ms", "retry_after_s", "tightest",
    "told",
]  # fmt: skip

LONGEST_PATIENCE_US = 60_000_000
"""A client library that is told to wait longer than this would hang its program: it is told not to retry by itself."""


def told(states: Iterable[LimitState]) -> list[LimitState]:
    """The states that may be told, in their order: neither in shadow, nor per campaign, nor on money, nor of an amount below one."""
    return [state for state in states if not (claim := state.claim).limit.untold and claim.amount > 0]


def remaining(state: LimitState) -> int:
    """What is left, between 0 and the amount: a bucket deeper than its rate must not look larger than its own limit."""
    left, amount = state.remaining, state.claim.amount
    return left if 0 <= left < amount else max(0, min(left, amount))


def ratio_left(state: LimitState) -> float:
    """The share of the limit that is left, 0.0 to 1.0."""
    return remaining(state) / state.claim.amount


def tightest(states: Iterable[LimitState], counts: Collection[Count]) -> LimitState | None:
    """Of the told limits on these counts, the one with the least share left; of equals the one that takes longest to be whole.

    Not of lifetime budgets: dialects tell with a limit when it is whole again, and these never are.
    """
    found: LimitState | None = None
    for state in states:
        claim, limit = state.claim, state.claim.limit
        if limit.count in counts and not limit.untold and claim.amount > 0 and limit.window != "lifetime":
            found = state if found is None or _tightness(state) < _tightness(found) else found
    return found


def _tightness(state: LimitState) -> tuple[float, int, str]:
    return ratio_left(state), -state.reset_us, state.claim.limit.id


def retry_after_s(retry_us: int) -> int:
    """Whole seconds for Retry-After: rounded up, at least 1."""
    return max(1, -(-retry_us // 1_000_000))


def retry_after_ms(retry_us: int) -> int:
    """Whole milliseconds for retry-after-ms: rounded up, at least 1."""
    return max(1, -(-retry_us // 1_000))


def field_text(text: str) -> bytes:
    """A client's own word as a header's value: printable ASCII, at most 200 letters, so that it cannot end the line."""
    return "".join(letter if " " < letter <= "~" else "?" for letter in text[:200]).encode()


def pointless_to_retry(refusal: Refusal) -> bool:
    """Whether a client library must not retry by itself: it is final, or the wait is longer than a program should hang."""
    return refusal.final or (refusal.retry_us is not None and refusal.retry_us > LONGEST_PATIENCE_US)
