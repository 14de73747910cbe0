"""What the gateway itself says to OpenAI clients: refusals, limit headers and errors in the middle of a stream.

Shapes as the official SDKs read them: `{"error": {"message", "type", "param", "code"}}`, `x-ratelimit-*` with durations as Go
prints them (`12ms`, `6m0s`), `retry-after-ms` before `retry-after`, and `x-should-retry: false` where a retry would be in vain.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import msgspec

from gateway.dialects.base import Answer, Headers
from gateway.dialects.told import field_text, pointless_to_retry, remaining, retry_after_ms, retry_after_s, tightest
from gateway.model.decision import Refusal, RefusalKind
from gateway.model.limit import Count, LimitState

__all__ = ["duration", "error_event", "error_object", "limit_headers", "refuse", "retry_headers"]

_BY_KIND: dict[RefusalKind, tuple[str, str]] = {
    "credential_missing": ("invalid_request_error", "invalid_api_key"),
    "credential_invalid": ("invalid_request_error", "invalid_api_key"),
    "credential_revoked": ("invalid_request_error", "invalid_api_key"),
    "credential_expired": ("invalid_request_error", "invalid_api_key"),
    "caller_unknown": ("request_forbidden", "request_forbidden"),
    "caller_blocked": ("request_forbidden", "request_forbidden"),
    "model_denied": ("invalid_request_error", "model_not_found"),
    "route_denied": ("request_forbidden", "request_forbidden"),
    "feature_denied": ("invalid_request_error", "unsupported_parameter"),
    "challenge": ("request_forbidden", "challenge_required"),
    "body_invalid": ("invalid_request_error", "invalid_request"),
    "body_too_large": ("invalid_request_error", "request_too_large"),
    "encoding_unsupported": ("invalid_request_error", "unsupported_media_type"),
    "method_unsupported": ("invalid_request_error", "method_not_supported"),
    "limit_requests": ("requests", "rate_limit_exceeded"),
    "limit_tokens": ("tokens", "rate_limit_exceeded"),
    "limit_concurrent": ("requests", "rate_limit_exceeded"),
    "limit_bytes": ("requests", "rate_limit_exceeded"),
    "limit_money": ("insufficient_quota", "insufficient_quota"),
    "limit_never_fits": ("tokens", "rate_limit_exceeded"),
    "limit_spent": ("insufficient_quota", "insufficient_quota"),
    "abuse_door": ("requests", "rate_limit_exceeded"),
    "saturated": ("server_error", "service_unavailable"),
    "state_lost": ("server_error", "service_unavailable"),
    "audit_lost": ("server_error", "service_unavailable"),
    "upstream_unreachable": ("server_error", "upstream_unreachable"),
    "upstream_timeout": ("server_error", "upstream_timeout"),
    "upstream_broken": ("server_error", "upstream_broken"),
    "shutting_down": ("server_error", "service_unavailable"),
    "websocket": ("invalid_request_error", "websocket_unsupported"),
    "internal": ("server_error", "internal_error"),
}
"""`type` and `code` of each kind of refusal; a code of the refusal's own goes before."""

_TOLD = (
    ((Count.REQUESTS,), (b"x-ratelimit-limit-requests", b"x-ratelimit-remaining-requests", b"x-ratelimit-reset-requests")),
    ((Count.TOKENS,), (b"x-ratelimit-limit-tokens", b"x-ratelimit-remaining-tokens", b"x-ratelimit-reset-tokens")),
)


def error_object(refusal: Refusal) -> dict[str, str | None]:
    """The `error` member: message, type, param, code."""
    kind, code = _BY_KIND[refusal.kind]
    return {"message": refusal.message, "type": kind, "param": refusal.param, "code": refusal.code or code}


def retry_headers(refusal: Refusal) -> Headers:
    """`retry-after-ms` and `retry-after` where there is a wait, `x-should-retry: false` where a retry is in vain."""
    headers: Headers = []
    if refusal.retry_us is not None:
        headers.append((b"retry-after-ms", b"%d" % retry_after_ms(refusal.retry_us)))
        headers.append((b"retry-after", b"%d" % retry_after_s(refusal.retry_us)))
    if pointless_to_retry(refusal):
        headers.append((b"x-should-retry", b"false"))
    return headers


def refuse(refusal: Refusal, *, request_id: str) -> Answer:
    """The whole answer, with the refusal's own status. The limit headers are added by who knows the limits."""
    body = msgspec.json.encode({"error": error_object(refusal)})
    headers: Headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", field_text(request_id)),
    ]
    return Answer(refusal.status, headers + retry_headers(refusal), body)


def limit_headers(states: Sequence[LimitState], *, now_us: int) -> Headers:
    """`x-ratelimit-{limit,remaining,reset}-{requests,tokens}`; of several limits on one count the tightest is told.

    Limits on input or output tokens alone, bytes and concurrency have no field here: the IETF fields tell them. Resets are
    durations, so `now_us` (Unix microseconds) is not looked at.
    """
    headers: Headers = []
    for counts, (limit, left, reset) in _TOLD:
        state = tightest(states, counts)
        if state is not None:
            headers.append((limit, b"%d" % state.claim.amount))
            headers.append((left, b"%d" % remaining(state)))
            headers.append((reset, duration(state.reset_us).encode()))
    return headers


@lru_cache(maxsize=1024)
def duration(us: int) -> str:
    """Microseconds as Go prints a duration, rounded up to milliseconds: `12ms`, `1.5s`, `6m0s`, `26h3m4s`."""
    ms = max(0, -(-us // 1_000))
    if 0 < ms < 1_000:
        return f"{ms}ms"
    whole, rest = divmod(ms, 1_000)
    minutes, seconds = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{rest:03d}".rstrip("0") if rest else ""
    head = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{head}{seconds}{fraction}s"


def error_event(refusal: Refusal, *, kind: Literal["chat", "responses"], sequence: int = 0) -> bytes:
    """An error in the middle of a stream. `chat` (and completions): the SDK raises APIError; `responses`: it yields the event.

    `sequence` is the `sequence_number` that follows the last event handed on, for `responses` only.
    """
    error = error_object(refusal)
    if kind == "chat":
        return b"data: " + msgspec.json.encode({"error": error}) + b"\n\n"
    event = {"type": "error", "sequence_number": sequence, "code": error["code"], "message": error["message"], "param": error["param"]}
    return b"event: error\ndata: " + msgspec.json.encode(event) + b"\n\n"
