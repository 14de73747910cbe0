"""Limits as they stand and refusals, in as few words as a test of what is told about them needs."""

from __future__ import annotations

from gateway.model.decision import Refusal
from gateway.model.limit import Claim, Count, Limit, LimitState

SECOND = 1_000_000
NOW = 1_764_000_000 * SECOND
"""2025-11-24T16:00:00Z."""


def a_state(limit_id="rpm", count=Count.REQUESTS, amount=50, left=20, *, reset=23 * SECOND, retry=0, **limit):
    """A limit of 50 a minute with 20 left, whole again in 23 s; `retry` other than 0 means that the claim did not fit."""
    window = "slots" if count is Count.CONCURRENT else "sliding"
    values = {"id": limit_id, "count": count, "window": window, "amount": amount, "window_us": 60 * SECOND, "per": ("key",), **limit}
    claim = Claim(Limit(**values), key=limit_id, slot="a", amount=amount, burst=0, want=1)
    return LimitState(claim, fitted=retry == 0, used=max(0, amount - left), remaining=left, reset_us=reset, retry_us=retry)


def a_refusal(kind="limit_requests", status=429, reason="limit.rpm", **other):
    """A refusal by a limit, unless it is said otherwise."""
    return Refusal(kind, status, "Rate limit reached.", reason, **other)
