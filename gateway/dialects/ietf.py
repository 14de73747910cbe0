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
from gateway.model.limit import Count, Limit, LimitState

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
    standings = ", ".join(map(_hurdle, shown) if refused else [_standing(state) for state in shown])
    return [(b"ratelimit-policy", _policies(shown)), (b"ratelimit", standings.encode("ascii"))]


def _shown(states: Sequence[LimitState]) -> list[LimitState]:
    shown = told(states)
    if len(shown) <= MAX_TOLD:
        return shown
    ranked = sorted(range(len(shown)), key=lambda at: (shown[at].fitted, ratio_left(shown[at]), at))
    return [shown[at] for at in sorted(ranked[:MAX_TOLD])]


_MOST_WRITTEN = 4096
_written: dict[tuple[object, ...], tuple[bytes, list[Limit]]] = {}
"""Policies as they were told of late, by limits and amounts: each is the same for many requests. The limits are kept along, so that
none comes to lie where another did."""


def _policies(shown: Sequence[LimitState]) -> bytes:
    terms: list[object] = []
    for state in shown:
        claim = state.claim
        terms += (id(claim.limit), claim.amount, claim.periods)
    name = tuple(terms)
    found = _written.get(name)
    if found is None:
        if len(_written) >= _MOST_WRITTEN:
            _written.clear()
        text = ", ".join(map(_policy, shown)).encode("ascii")
        found = _written[name] = text, [state.claim.limit for state in shown]
    return found[0]


def _policy(state: LimitState) -> str:
    """One policy. Open slots have no window: theirs would be the lease, which says nothing of when one is free. Nor has a lifetime."""
    limit = state.claim.limit
    endless = limit.count is Count.CONCURRENT or limit.window == "lifetime"
    window = "" if endless else f";w={_integer(retry_after_s(state.claim.window_us))}"
    unit = _UNITS.get(limit.count)
    return f"{sf_string(limit.id)};q={_integer(state.claim.amount)}{window}" + (f";qu={sf_string(unit)}" if unit else "")


def _standing(state: LimitState) -> str:
    """What is left, and the seconds until the limit is whole, where they can be said."""
    claim, left, reset = state.claim, state.remaining, state.reset_us
    if not 0 <= left < claim.amount:
        left = remaining(state)
    left = min(left, _MAX_INTEGER)
    if reset < 0 or claim.limit.window == "slots":
        return f"{sf_string(claim.limit.id)};r={left}"
    return f"{sf_string(claim.limit.id)};r={left};t={_integer(-(-reset // 1_000_000))}"


def _hurdle(state: LimitState) -> str:
    """In a refusal: what is left, and where the limit is in the way the seconds until the claim would fit."""
    head = f"{sf_string(state.claim.limit.id)};r={_integer(remaining(state))}"
    return head if state.fitted or state.retry_us < 0 else f"{head};t={_integer(retry_after_s(state.retry_us))}"


def _integer(value: int) -> int:
    return min(value, _MAX_INTEGER)


@lru_cache(maxsize=4096)
def sf_string(text: str) -> str:
    """A structured-field string: quoted, `"` and `\\` escaped, what is not printable ASCII percent-encoded."""
    plain = "".join(c if " " <= c <= "~" else quote(c, safe="") for c in text[:64])
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
