"""The gateway's words to Anthropic clients, heard by the official SDK: which error it raises, and that it never sleeps for hours."""

from __future__ import annotations

import json
from datetime import datetime

import anthropic
import httpx2
import pytest
from anthropic.types import RawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.anthropic_words import error_event, error_type, limit_headers, refuse, retry_headers, rfc3339, wire_status
from gateway.model.decision import Refusal
from gateway.model.limit import Count
from tests.dialects.states import NOW, SECOND, a_refusal, a_state


@pytest.fixture(scope="module")
def sdk():
    with anthropic.Anthropic(api_key="k", base_url="http://127.0.0.1:9") as client:
        yield client


def heard(answer):
    """The answer as it reaches the SDK."""
    return httpx2.Response(
        answer.status, headers=answer.headers, content=answer.body, request=httpx2.Request("POST", "http://gateway/v1/messages")
    )


def test_the_envelope_is_anthropics():
    answer = refuse(a_refusal(retry_us=SECOND), request_id="req_1")
    assert json.loads(answer.body) == {
        "type": "error",
        "error": {"type": "rate_limit_error", "message": "Rate limit reached."},
        "request_id": "req_1",
    }
    headers = dict(answer.headers)
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"content-length"] == str(len(answer.body)).encode()
    assert (headers[b"request-id"], headers[b"retry-after"]) == (b"req_1", b"1")


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, anthropic.BadRequestError, "invalid_request_error"),
        (401, anthropic.AuthenticationError, "authentication_error"),
        (403, anthropic.PermissionDeniedError, "permission_error"),
        (404, anthropic.NotFoundError, "not_found_error"),
        (413, anthropic.APIStatusError, "request_too_large"),
        (415, anthropic.APIStatusError, "invalid_request_error"),
        (429, anthropic.RateLimitError, "rate_limit_error"),
        (500, anthropic.InternalServerError, "api_error"),
        (502, anthropic.InternalServerError, "api_error"),
        (503, anthropic.APIStatusError, "overloaded_error"),
        (504, anthropic.APIStatusError, "timeout_error"),
    ],
)
def test_the_sdk_raises_the_error_of_its_kind(sdk, status, error, kind):
    raised = sdk._make_status_error_from_response(heard(refuse(a_refusal(status=status), request_id="req_1")))
    assert isinstance(raised, error)
    assert raised.body["error"] == {"type": kind, "message": "Rate limit reached."}
    assert raised.request_id == "req_1"


@pytest.mark.parametrize("kind", ["limit_money", "limit_spent"])
def test_a_spent_budget_is_a_matter_of_billing(sdk, kind):
    raised = sdk._make_status_error_from_response(heard(refuse(a_refusal(kind, final=True), request_id="r")))
    assert isinstance(raised, anthropic.RateLimitError)
    assert raised.body["error"]["type"] == "billing_error"
    assert b'"billing_error"' in error_event(a_refusal(kind))


def test_lacking_capacity_is_529_here():
    assert wire_status(a_refusal(status=503)) == 529
    assert wire_status(a_refusal(status=504)) == 504
    assert refuse(a_refusal(status=503), request_id="r").status == 529
    assert error_type(529) == "overloaded_error"


@pytest.mark.parametrize("retry_us", [1, SECOND, 59_000_001, 60 * SECOND])
def test_the_sdk_asks_again_after_the_time_it_was_told(sdk, retry_us):
    response = heard(refuse(a_refusal(retry_us=retry_us), request_id="r"))
    assert sdk._should_retry(response)
    options = anthropic._models.FinalRequestOptions(method="post", url="/x")
    assert 0 <= sdk._calculate_retry_timeout(2, options, response.headers) - retry_us / SECOND < 1


@pytest.mark.parametrize("other", [{"retry_us": 60 * SECOND + 1}, {"retry_us": 86_400 * SECOND}, {"final": True}])
def test_the_sdk_never_sleeps_for_hours_nor_asks_again_in_vain(sdk, other):
    assert not sdk._should_retry(heard(refuse(a_refusal(**other), request_id="r")))


@pytest.mark.parametrize("request_id", ["größe", "a\r\nset-cookie: x"])
def test_a_strange_request_id_makes_no_header_of_its_own(request_id):
    values = [value for name, value in refuse(a_refusal(), request_id=request_id).headers if name == b"request-id"]
    assert len(values) == 1
    assert values[0].isascii()
    assert b"\n" not in values[0]


def test_limits_are_told_as_anthropic_tells_them():
    states = [a_state("rpm"), a_state("in", Count.INPUT_TOKENS, 1000, 100), a_state("all", Count.TOKENS, 2000, 1000)]
    headers = dict(limit_headers(states, now_us=NOW))
    start = b"anthropic-ratelimit-"
    assert headers[start + b"requests-limit"] == b"50"
    assert headers[start + b"requests-remaining"] == b"20"
    assert headers[start + b"requests-reset"] == b"2025-11-24T16:00:23Z"
    assert headers[start + b"input-tokens-remaining"] == b"100"
    assert (headers[start + b"tokens-limit"], headers[start + b"tokens-remaining"]) == (b"1000", b"100"), (
        "the tightest of all token limits"
    )
    assert start + b"output-tokens-limit" not in headers


def test_limits_that_are_not_told_stay_silent():
    silent = [a_state("x", Count.BYTES), a_state("x", Count.CONCURRENT), a_state(shadow=True), a_state(per=("campaign",))]
    assert limit_headers(silent, now_us=NOW) == []


@given(us=st.integers(0, 10**18))
def test_instants_are_rfc_3339_and_never_early(us):
    told = datetime.fromisoformat(rfc3339(us)).timestamp()
    assert rfc3339(us).endswith("Z")
    assert told * SECOND >= us or told == 253_402_300_799
    assert told * SECOND - us < SECOND


def test_the_sdk_raises_on_an_error_in_a_stream(sdk):
    ping = b'event: ping\ndata: {"type": "ping"}\n\n'
    content = ping + error_event(a_refusal("upstream_broken", 502))
    response = httpx2.Response(200, content=content, request=httpx2.Request("POST", "http://gateway/v1/messages"))
    with pytest.raises(anthropic.APIStatusError) as caught:
        list(anthropic.Stream(cast_to=RawMessageStreamEvent, response=response, client=sdk))
    assert caught.value.status_code == 200
    assert caught.value.body["error"] == {"type": "api_error", "message": "Rate limit reached."}


def test_a_wait_is_told_in_milliseconds_and_in_whole_seconds():
    told = dict(retry_headers(Refusal("limit_requests", 429, "wait", "limit.rpm", retry_us=374_000)))
    assert told == {b"retry-after-ms": b"374", b"retry-after": b"1"}
