"""The gateway's words to OpenAI clients, heard by the official SDK: which error it raises, what it reads in it, when it asks again."""

from __future__ import annotations

import json
from typing import get_args

import httpx2
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionChunk
from openai.types.responses import ResponseStreamEvent

from gateway.dialects.openai_words import duration, error_event, error_object, limit_headers, refuse
from gateway.model.decision import RefusalKind
from gateway.model.limit import Count
from tests.dialects.states import NOW, SECOND, a_refusal, a_state


@pytest.fixture(scope="module")
def sdk():
    with openai.OpenAI(api_key="k", base_url="http://127.0.0.1:9/v1") as client:
        yield client


def heard(answer):
    """The answer as it reaches the SDK."""
    return httpx2.Response(
        answer.status, headers=answer.headers, content=answer.body, request=httpx2.Request("POST", "http://gateway/v1/chat/completions")
    )


def test_the_error_has_the_shape_of_the_real_one():
    answer = refuse(a_refusal("limit_tokens", code="rate_limit_exceeded", retry_us=374_000), request_id="req-1")
    assert json.loads(answer.body) == {
        "error": {"message": "Rate limit reached.", "type": "tokens", "param": None, "code": "rate_limit_exceeded"}
    }
    headers = dict(answer.headers)
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"content-length"] == str(len(answer.body)).encode()
    assert headers[b"x-request-id"] == b"req-1"


@pytest.mark.parametrize(
    ("kind", "status", "error", "code"),
    [
        ("credential_missing", 401, openai.AuthenticationError, "invalid_api_key"),
        ("credential_revoked", 401, openai.AuthenticationError, "invalid_api_key"),
        ("caller_blocked", 403, openai.PermissionDeniedError, "request_forbidden"),
        ("model_denied", 404, openai.NotFoundError, "model_not_found"),
        ("feature_denied", 400, openai.BadRequestError, "unsupported_parameter"),
        ("limit_tokens", 429, openai.RateLimitError, "rate_limit_exceeded"),
        ("state_lost", 503, openai.InternalServerError, "service_unavailable"),
        ("upstream_timeout", 504, openai.InternalServerError, "upstream_timeout"),
    ],
)
def test_the_sdk_raises_the_error_of_its_kind_with_code_and_request_id(sdk, kind, status, error, code):
    answer = refuse(a_refusal(kind, status, param="model"), request_id="req-1")
    raised = sdk._make_status_error_from_response(heard(answer))
    assert type(raised) is error
    assert (raised.code, raised.param, raised.request_id) == (code, "model", "req-1")
    assert "Rate limit reached." in str(raised)


@pytest.mark.parametrize("kind", get_args(RefusalKind))
def test_every_kind_of_refusal_has_a_type_and_a_code_and_a_code_of_its_own_goes_before(kind):
    assert error_object(a_refusal(kind))["type"]
    assert error_object(a_refusal(kind))["code"]
    assert error_object(a_refusal(kind, code="insufficient_quota"))["code"] == "insufficient_quota"


@pytest.mark.parametrize("retry_us", [1, 374_000, SECOND, 59_999_999, 60 * SECOND])
def test_the_sdk_asks_again_after_the_time_it_was_told(sdk, retry_us):
    response = heard(refuse(a_refusal(retry_us=retry_us), request_id="r"))
    assert sdk._should_retry(response)
    options = openai._models.FinalRequestOptions(method="post", url="/x")
    wait = sdk._calculate_retry_timeout(2, options, response.headers)
    assert retry_us / SECOND <= wait <= retry_us / SECOND + 0.001


@pytest.mark.parametrize(
    "other", [{"retry_us": 60 * SECOND + 1}, {"retry_us": 86_400 * SECOND}, {"final": True}, {"final": True, "retry_us": SECOND}]
)
def test_the_sdk_does_not_ask_again_in_vain(sdk, other):
    answer = refuse(a_refusal(**other), request_id="r")
    assert not sdk._should_retry(heard(answer))
    assert (b"x-should-retry", b"false") in answer.headers


@pytest.mark.parametrize("kind", ["limit_money", "limit_spent"])
def test_a_spent_budget_is_insufficient_quota_in_type_and_code(kind):
    error = error_object(a_refusal(kind))
    assert (error["type"], error["code"]) == ("insufficient_quota", "insufficient_quota")


def test_no_wait_is_told_where_there_is_none():
    names = {name for name, _ in refuse(a_refusal("internal", 500), request_id="r").headers}
    assert not names & {b"retry-after", b"retry-after-ms", b"x-should-retry"}


@pytest.mark.parametrize("request_id", ["größe", "a\r\nset-cookie: x"])
def test_a_strange_request_id_makes_no_header_of_its_own(request_id):
    values = [value for name, value in refuse(a_refusal(), request_id=request_id).headers if name == b"x-request-id"]
    assert len(values) == 1
    assert values[0].isascii()
    assert b"\n" not in values[0]


def test_limits_are_told_as_openai_tells_them():
    states = [a_state("rpm", reset=12_000), a_state("tpm", Count.TOKENS, 40_000, 39_000, reset=360 * SECOND)]
    assert limit_headers(states, now_us=NOW) == [
        (b"x-ratelimit-limit-requests", b"50"),
        (b"x-ratelimit-remaining-requests", b"20"),
        (b"x-ratelimit-reset-requests", b"12ms"),
        (b"x-ratelimit-limit-tokens", b"40000"),
        (b"x-ratelimit-remaining-tokens", b"39000"),
        (b"x-ratelimit-reset-tokens", b"6m0s"),
    ]


def test_limits_without_a_field_of_openais_are_left_to_the_ietfs():
    others = [a_state("x", count) for count in (Count.INPUT_TOKENS, Count.OUTPUT_TOKENS, Count.BYTES, Count.CONCURRENT)]
    assert limit_headers(others, now_us=NOW) == []
    assert limit_headers([a_state(shadow=True), a_state(per=("campaign",))], now_us=NOW) == []


@given(amount=st.integers(1, 2**53), left=st.integers(-5, 2**53), reset=st.integers(-5, 10**15))
def test_no_number_told_is_below_zero_or_above_the_limit(amount, left, reset):
    headers = dict(limit_headers([a_state(amount=amount, left=left, reset=reset)], now_us=NOW))
    assert 0 <= int(headers[b"x-ratelimit-remaining-requests"]) <= int(headers[b"x-ratelimit-limit-requests"])
    assert not headers[b"x-ratelimit-reset-requests"].startswith(b"-")


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (0, "0s"),
        (-5, "0s"),
        (1, "1ms"),
        (12_000, "12ms"),
        (SECOND, "1s"),
        (1_500_000, "1.5s"),
        (60 * SECOND, "1m0s"),
        (360 * SECOND, "6m0s"),
        (93_784 * SECOND, "26h3m4s"),
        (61_001_000, "1m1.001s"),
    ],
)
def test_durations_are_written_as_go_writes_them(us, text):
    assert duration(us) == text


def stream(sdk, events, kind):
    response = httpx2.Response(
        200, content=events, headers={"content-type": "text/event-stream"}, request=httpx2.Request("POST", "http://gateway")
    )
    return openai.Stream(cast_to=kind, response=response, client=sdk)


def test_the_sdk_raises_on_an_error_in_a_chat_stream(sdk):
    event = error_event(a_refusal("upstream_broken", 502), kind="chat")
    with pytest.raises(openai.APIError) as caught:
        list(stream(sdk, b'data: {"id":"c","choices":[]}\n\n' + event, ChatCompletionChunk))
    assert caught.value.code == "upstream_broken"
    assert caught.value.message == "Rate limit reached."


def test_the_sdk_yields_an_error_in_a_responses_stream(sdk):
    event = error_event(a_refusal("upstream_broken", 502), kind="responses", sequence=7)
    (error,) = stream(sdk, event, ResponseStreamEvent)
    assert (error.type, error.code, error.message, error.sequence_number) == ("error", "upstream_broken", "Rate limit reached.", 7)
