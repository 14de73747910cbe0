"""All of OpenAI's operations speak to the official SDK: chunks, errors in the midst of a stream, and refusals."""

from __future__ import annotations

import httpx
import openai
import pytest

from gateway.dialects.openai_chat import OpenAIChat
from gateway.model.decision import Refusal
from gateway.model.limit import Claim, Count, Limit, LimitState
from gateway.registry import resolve
from tests.dialects.streams import DELTAS, EVENTS, chat_stream

OPERATIONS = ("openai.chat", "openai.completions", "openai.responses", "openai.embeddings")
ROUTES = {
    "openai.chat": "/chat/completions",
    "openai.completions": "/completions",
    "openai.responses": "/responses",
    "openai.embeddings": "/embeddings",
}
BROKE = Refusal("upstream_broken", 502, "The model endpoint broke off.", "upstream.broken")
LIMITED = Refusal("limit_tokens", 429, "Rate limit reached.", "limit.tpm", code="rate_limit_exceeded", retry_us=374_000)


def client(answer):
    """An SDK client whose every request is answered so."""
    transport = httpx.MockTransport(lambda request: answer)
    return openai.OpenAI(api_key="k", base_url="http://gateway/v1", max_retries=0, http_client=httpx.Client(transport=transport))


def streamed(body):
    with client(httpx.Response(200, headers={"content-type": "text/event-stream"}, content=body)) as sdk:
        yield from sdk.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}], stream=True)


def watched():
    chat = OpenAIChat()
    return chat.relay(chat.parse(b'{"model":"m","stream":true}', length=0), 200, EVENTS, hide_usage=True)


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_operation_is_registered_and_has_its_route(name):
    dialect = resolve("dialects", name)()
    assert (dialect.name, dialect.routes) == (name, (("POST", ROUTES[name]),))
    assert dialect.max_output_default >= 0


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_refusal_raises_the_sdks_own_error(name):
    answer = resolve("dialects", name)().refuse(LIMITED, request_id="d1", problem=True)
    headers = [(key.decode(), value.decode()) for key, value in answer.headers]
    with (
        client(httpx.Response(answer.status, headers=headers, content=answer.body)) as sdk,
        pytest.raises(openai.RateLimitError) as caught,
    ):
        sdk.models.list()
    assert (caught.value.code, caught.value.type, caught.value.request_id) == ("rate_limit_exceeded", "tokens", "d1")


@pytest.mark.parametrize("name", OPERATIONS)
def test_limits_are_told_in_openais_headers(name):
    limit = Limit("rpm", Count.REQUESTS, "sliding", 10, 60_000_000, ("key",))
    state = LimitState(Claim(limit, "k", "s", 10, 0, 1), True, 1, 9, 6_000_000, 0)
    told = dict(resolve("dialects", name)().limit_headers((state,), now_us=0))
    assert told[b"x-ratelimit-remaining-requests"] == b"9"


def test_the_sdk_sees_the_chunks_of_a_stream_whose_usage_was_hidden():
    relay = watched()
    body = relay.feed(chat_stream(asked=True)) + relay.finish()
    chunks = list(streamed(body))
    assert [chunk.choices[0].delta.content for chunk in chunks] == [delta["content"] for delta in DELTAS] + [None]
    assert all(chunk.usage is None and "usage" not in chunk.model_fields_set for chunk in chunks)


def test_the_sdk_raises_on_the_error_that_ends_a_broken_stream():
    """A connection that is merely cut, or ended cleanly, would hide that the answer lacks its rest."""
    relay = watched()
    body = relay.feed(chat_stream(asked=True)[:700]) + relay.fail(BROKE)
    chunks = streamed(body)
    assert next(chunks).choices
    with pytest.raises(openai.APIError, match="broke off"):
        list(chunks)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_error_of_the_upstream_passes_and_used_nothing(name):
    dialect = resolve("dialects", name)()
    relay = dialect.relay(dialect.parse(b'{"model":"m"}', length=13), 500, EVENTS, hide_usage=False)
    assert relay.feed(b"oops") + relay.finish() == b"oops"
    assert relay.seen().usage.total == 0
