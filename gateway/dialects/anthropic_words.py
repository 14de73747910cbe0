"""What the gateway itself says to Anthropic clients: refusals, limit headers and errors in the middle of a stream.

The envelope is `{"type": "error", "error": {"type", "message"}, "request_id"}`. The official SDK sleeps the whole of Retry-After
however long that is, so a long wait travels with `x-should-retry: false`, which it obeys first. Capacity that is lacking for
a moment is 529 here, not 503.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from gateway.dialects.base import Answer, Headers
from gateway.dialects.told import field_text, pointless_to_retry, remaining, retry_after_ms, retry_after_s, tightest
from gateway.model.decision import Refusal, RefusalKind
from gateway.model.limit import Count, LimitState

__all__ = [
    "AT_LENGTH",
    "end_at_length",
    "error_event",
    "error_type",
    "limit_headers",
    "refuse",
    "retry_headers",
    "rfc3339",
    "wire_status",
]

_TOKENS = (Count.TOKENS, Count.INPUT_TOKENS, Count.OUTPUT_TOKENS)
_TOLD: tuple[tuple[bytes, tuple[Count, ...]], ...] = (
    (b"requests", (Count.REQUESTS,)),
    (b"tokens", _TOKENS),
    (b"input-tokens", (Count.INPUT_TOKENS,)),
    (b"output-tokens", (Count.OUTPUT_TOKENS,)),
)
_BY_STATUS = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
AT_LENGTH = "max_tokens"
"""`stop_reason` of an answer that was as long as it may be."""

_SPENT: frozenset[RefusalKind] = frozenset({"limit_money", "limit_spent"})
"""Budgets: what is lacking is not time. The status stays 429, so that programs that mind limits notice it as one."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_SECOND = 253_402_300_799
"""9999-12-31T23:59:59Z, the last instant RFC 3339 can name."""


def wire_status(refusal: Refusal) -> int:
    """The refusal's status, 503 told as 529."""
    return 529 if refusal.status == 503 else refusal.status


def error_type(status: int) -> str:
    """`error.type` of a status on the wire."""
    return _BY_STATUS.get(status, "api_error" if status >= 500 else "invalid_request_error")


def retry_headers(refusal: Refusal) -> Headers:
    """`x-should-retry: false` where a retry is in vain or would hang, and `retry-after-ms` and `retry-after` where there is a wait."""
    headers: Headers = []
    if pointless_to_retry(refusal):
        headers.append((b"x-should-retry", b"false"))
    if refusal.retry_us is not None:
        headers.append((b"retry-after-ms", b"%d" % retry_after_ms(refusal.retry_us)))
        headers.append((b"retry-after", b"%d" % retry_after_s(refusal.retry_us)))
    return headers


def _error(refusal: Refusal) -> dict[str, str]:
    kind = "billing_error" if refusal.kind in _SPENT else error_type(wire_status(refusal))
    return {"type": kind, "message": refusal.message}


def refuse(refusal: Refusal, *, request_id: str) -> Answer:
    """The whole answer. The limit headers are added by who knows the limits."""
    body = msgspec.json.encode({"type": "error", "error": _error(refusal), "request_id": request_id})
    headers: Headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"request-id", field_text(request_id)),
    ]
    return Answer(wire_status(refusal), headers + retry_headers(refusal), body)


def limit_headers(states: Sequence[LimitState], *, now_us: int) -> Headers:
    """`anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining,reset}`.

    `tokens` tells the tightest of all token limits, as Anthropic's own does. Bytes and concurrency have no field here.
    """
    headers: Headers = []
    for name, counts in _TOLD:
        state = tightest(states, counts)
        if state is not None:
            start = b"anthropic-ratelimit-" + name
            headers.append((start + b"-limit", b"%d" % state.claim.amount))
            headers.append((start + b"-remaining", b"%d" % remaining(state)))
            headers.append((start + b"-reset", rfc3339(now_us + max(0, state.reset_us)).encode()))
    return headers


def rfc3339(us: int) -> str:
    """Unix microseconds as `2026-11-24T02:37:00Z`, rounded up to the second."""
    seconds = min(-(-us // 1_000_000), _LAST_SECOND)
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def error_event(refusal: Refusal) -> bytes:
    """An error in the middle of a stream; the SDK raises on it."""
    return b"event: error\ndata: " + msgspec.json.encode({"type": "error", "error": _error(refusal)}) + b"\n\n"


def end_at_length(open_blocks: Sequence[int], output: int | None) -> bytes:
    """The last events of a message that ends at its length. `output`: all its tokens, None where `message_delta` was told already."""
    events: list[dict[str, object]] = [{"type": "content_block_stop", "index": index} for index in open_blocks]
    if output is not None:
        delta = {"stop_reason": AT_LENGTH, "stop_sequence": None}
        events.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": output}})
    events.append({"type": "message_stop"})
    return b"".join(b"event: %s\ndata: %s\n\n" % (str(event["type"]).encode(), msgspec.json.encode(event)) for event in events)
