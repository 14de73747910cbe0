"""Limits in the IETF's `RateLimit-Policy` and `RateLimit` fields, common to all dialects.

After draft-ietf-httpapi-ratelimit-headers (the texts of -10 and -11): lists of strings with parameters as structured fields (RFC 9651)
have them. `q` quota and `w` window of a policy; `r` what remains and `t` seconds. There is no unit for tokens, so limits on
tokens are known by their name alone. A lifetime budget has neither `w` nor `t`. Retry-After must not be earlier than a `t` beside it,
so in a refusal only the limits that did not fit carry one: the time after which they would.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import quote

from gateway.dialects.base import Headers
from gateway.dialects.told import ratio_left, remaining, retry_after_s, told
from gateway.model.limit import Count, LimitState

__all__ = ["MAX_TOLD", "ietf_headers", "sf_string"]

MAX_TOLD = 16
"""Limits told in one answer; of more, the tightest. Keeps both fields under about 2 KB with names of 64 letters."""

_MAX_INTEGER = 999_999_999_999_999
"""The largest integer a structured field can hold."""

_UNITS = {Count.REQUESTS: "requests", Count.BYTES: "content-bytes", Count.CONCURRENT: "concurrent-requests"}


def ietf_headers(states: Sequence[LimitState], *, now_us: int) -> Headers:
    """`ratelimit-policy` and `ratelimit` for the limits in force, in the order of the states; nothing where there are none.

    `t` is a delta, so `now_us` (Unix microseconds) is not looked at.
    """
    shown = _shown(states)
    if not shown:
        return []
    refused = any(not state.fitted and not state.claim.limit.shadow for state in states)
    policies = ", ".join([_policy(state) for state in shown])
    standings = ", ".join([_standing(state, refused=refused) for state in shown])
    return [(b"ratelimit-policy", policies.encode("ascii")), (b"ratelimit", standings.encode("ascii"))]


def _shown(states: Sequence[LimitState]) -> list[LimitState]:
    shown = told(states)
    if len(shown) <= MAX_TOLD:
        return shown
    ranked = sorted(range(len(shown)), key=lambda at: (shown[at].fitted, ratio_left(shown[at]), at))
    return [shown[at] for at in sorted(ranked[:MAX_TOLD])]


def _policy(state: LimitState) -> str:
    """One policy. Open slots have no window: theirs would be the lease, which says nothing of when one is free. Nor has a lifetime."""
    limit = state.claim.limit
    endless = limit.count is Count.CONCURRENT or limit.window == "lifetime"
    return _written_policy(limit.id, limit.count, state.claim.amount, None if endless else state.claim.window_us)


@lru_cache(maxsize=4096)
def _written_policy(limit_id: str, count: Count, amount: int, window_us: int | None) -> str:
    """The same for every request that the policy gives the same amount: written once."""
    window = "" if window_us is None else f";w={_integer(retry_after_s(window_us))}"
    unit = _UNITS.get(count)
    return f"{sf_string(limit_id)};q={_integer(amount)}{window}" + (f";qu={sf_string(unit)}" if unit else "")


def _standing(state: LimitState, *, refused: bool) -> str:
    head = f"{sf_string(state.claim.limit.id)};r={_integer(remaining(state))}"
    wait = _seconds(state, refused=refused)
    return head if wait is None else f"{head};t={_integer(wait)}"


def _seconds(state: LimitState, *, refused: bool) -> int | None:
    """Seconds until the claim would fit, in a refusal; until the limit is whole, in an answer; None where neither can be said."""
    if not refused:
        return None if state.claim.limit.count is Count.CONCURRENT or state.reset_us < 0 else -(-state.reset_us // 1_000_000)
    return None if state.fitted or state.retry_us < 0 else retry_after_s(state.retry_us)


def _integer(value: int) -> int:
    return min(value, _MAX_INTEGER)


@lru_cache(maxsize=4096)
def sf_string(text: str) -> str:
    """A structured-field string: quoted, `"` and `\\` escaped, what is not printable ASCII percent-encoded."""
    plain = "".join(c if " " <= c <= "~" else quote(c, safe="") for c in text[:64])
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
