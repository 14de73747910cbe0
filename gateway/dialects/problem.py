"""Refusals as `application/problem+json` (RFC 9457), for clients that ask for it and for routes no dialect has a body for.

Spent quota and lacking capacity have types of their own (the IETF's draft on RateLimit fields), with the names of the policies that
were not kept in `violated-policies`. The draft's `abnormal-usage-detected` is never sent: it would tell a caller that it is suspected.
"""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from gateway.dialects.base import Answer, Headers
from gateway.dialects.openai_words import retry_headers
from gateway.dialects.told import field_text
from gateway.model.decision import Refusal

__all__ = ["problem_answer", "problem_type", "violated_policies"]

_REGISTRY = "https://iana.org/assignments/http-problem-types#"
_LIMIT_REASON = "limit."


def problem_type(refusal: Refusal) -> str:
    """`quota-exceeded` where a limit refused, `temporary-reduced-capacity` for 503s, else `about:blank`: the status says it all."""
    if refusal.kind.startswith("limit_"):
        return _REGISTRY + "quota-exceeded"
    return _REGISTRY + "temporary-reduced-capacity" if refusal.status == 503 else "about:blank"


def violated_policies(refusal: Refusal) -> tuple[str, ...]:
    """Names as in `RateLimit-Policy`, from a reason such as `limit.free-rpm`; none of a limit that may not be named."""
    if refusal.unnamed:
        return ()
    named = refusal.reason.removeprefix(_LIMIT_REASON)
    return (named,) if named != refusal.reason and refusal.kind.startswith("limit_") else ()


def problem_answer(refusal: Refusal, *, request_id: str) -> Answer:
    """The whole answer, with the refusal's own status."""
    kind = problem_type(refusal)
    problem: dict[str, object] = {
        "type": kind,
        "title": _title(refusal, kind),
        "status": refusal.status,
        "detail": refusal.message,
        "code": refusal.code or refusal.kind,
    }
    violated = violated_policies(refusal)
    if violated:
        problem["violated-policies"] = list(violated)
    body = msgspec.json.encode(problem)
    headers: Headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", field_text(request_id)),
    ]
    return Answer(refusal.status, headers + retry_headers(refusal), body)


def _title(refusal: Refusal, kind: str) -> str:
    """For `about:blank` the status's own phrase, as RFC 9457 asks."""
    if kind.endswith("quota-exceeded"):
        return "Request cannot be satisfied as assigned quota has been exceeded"
    if kind.endswith("temporary-reduced-capacity"):
        return "Request cannot be satisfied due to temporary server capacity constraints"
    phrases = {status.value: status.phrase for status in HTTPStatus}
    return phrases.get(refusal.status, "Error")
