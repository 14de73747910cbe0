"""The demo's ASGI application: paths, bodies, other scopes, and that it stops speaking when nobody listens."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.demo import demo_app
from gateway.demo.endpoint import Endpoint

ASK = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def scope(path="/v1/chat/completions", method="POST"):
    return {"type": "http", "method": method, "path": path, "query_string": b"", "headers": []}


class Listener:
    """A client by hand: sends a body, takes messages, leaves when told to."""

    def __init__(self, body):
        self.messages = []
        self.gone = asyncio.Event()
        self._body = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]

    async def receive(self):
        if self._body:
            return self._body.pop()
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        self.messages.append(message)


@pytest.mark.parametrize("prefix", ["", "/v1"])
@pytest.mark.parametrize("path", ["/chat/completions", "/responses", "/messages", "/completions", "/embeddings"])
def test_every_api_answers_with_and_without_v1(http, prefix, path):
    body = {**ASK, "max_tokens": 5, "prompt": "x", "input": "x"}
    assert http.post(prefix + path, json=body).status_code == 200


def test_an_unknown_path_is_404_in_the_shape_of_its_family(http):
    openai = http.get("/v1/no/such/thing")
    assert openai.status_code == 404
    assert openai.json()["error"]["code"] == "unknown_url"
    anthropic = http.get("/v1/messages/batches", headers={"anthropic-version": "2023-06-01"})
    assert anthropic.status_code == 404
    assert anthropic.json()["error"]["type"] == "not_found_error"


def test_a_known_path_with_another_method_is_405(http):
    assert http.get("/v1/chat/completions").status_code == 405
    assert http.post("/v1/models", json={}).status_code == 405


def test_head_tells_the_length_and_sends_no_body(http):
    told = http.head("/v1/models")
    assert told.status_code == 200
    assert int(told.headers["content-length"]) == len(http.get("/v1/models").content)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"x"', b'{"a": NaN}', b'{"model": "\xff"}', b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_400(http, raw):
    answer = http.post("/v1/chat/completions", content=raw)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_a_body_beyond_all_bounds_is_413(http):
    answer = http.post("/v1/chat/completions", content=b" " * (32 * 1024 * 1024 + 1))
    assert answer.status_code == 413


def test_each_answer_has_an_id_in_its_familys_header(http):
    assert http.post("/v1/chat/completions", json=ASK).headers["x-request-id"].startswith("req_")
    assert http.post("/v1/messages", json=ASK).headers["request-id"].startswith("req_")


async def test_any_credential_or_none_will_do():
    transport = httpx.ASGITransport(demo_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://demo") as client:
        for headers in ({}, {"authorization": "Bearer x"}, {"x-api-key": "y"}):
            assert (await client.post("/v1/chat/completions", json=ASK, headers=headers)).status_code == 200


async def test_it_stops_speaking_when_the_client_leaves():
    client = Listener({**ASK, "stream": True, "max_tokens": 30_000, "ignore_eos": True})
    call = asyncio.ensure_future(demo_app()(scope(), client.receive, client.send))
    while len(client.messages) < 5:
        await asyncio.sleep(0)
    client.gone.set()
    await call
    assert len(client.messages) < 200
    assert client.messages[-1]["more_body"] is True


async def test_it_stops_when_sending_fails():
    client = Listener({**ASK, "stream": True, "max_tokens": 30_000, "ignore_eos": True})

    async def broken(message):
        if len(client.messages) == 3:
            raise ConnectionResetError
        client.messages.append(message)

    with pytest.raises(ConnectionResetError):
        await demo_app()(scope(), client.receive, broken)
    assert len(client.messages) == 3


async def test_an_answer_in_one_piece_is_given_up_too_when_the_client_leaves():
    client = Listener({**ASK, "max_tokens": 30_000, "ignore_eos": True})
    call = asyncio.ensure_future(demo_app()(scope(), client.receive, client.send))
    for _ in range(5):
        await asyncio.sleep(0)
    client.gone.set()
    await call
    assert client.messages == []


async def test_a_cancelled_call_leaves_no_task_behind():
    client = Listener({**ASK, "stream": True, "max_tokens": 30_000, "ignore_eos": True})
    call = asyncio.ensure_future(demo_app()(scope(), client.receive, client.send))
    while len(client.messages) < 5:
        await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_client_that_leaves_before_its_body_is_whole_is_not_answered():
    messages = []
    client = Listener(ASK)
    client._body = [{"type": "http.disconnect"}]
    await demo_app()(scope(), client.receive, messages.append)
    assert messages == []


async def test_websockets_are_turned_away_and_the_lifespan_is_answered():
    sent = []

    async def send(message):
        sent.append(message["type"])

    incoming = iter(["websocket.connect", "lifespan.startup", "lifespan.shutdown"])

    async def receive():
        return {"type": next(incoming)}

    app = Endpoint(float("inf"))
    await app({"type": "websocket"}, receive, send)
    await app({"type": "lifespan"}, receive, send)
    assert sent == ["websocket.close", "lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_two_answers_share_the_loop():
    app = demo_app()
    clients = [Listener({**ASK, "stream": True, "max_tokens": 100, "ignore_eos": True}) for _ in range(2)]
    calls = [asyncio.ensure_future(app(scope(), client.receive, client.send)) for client in clients]
    while len(clients[1].messages) < 20:
        await asyncio.sleep(0)
    assert not calls[0].done()
    await asyncio.gather(*calls)


WORDS = ["m", "x", "user", "auto", "required", "function", "json_schema", "json_object", "text", "enabled", "tool", "adaptive"]
NAMES = ["type", "role", "content", "name", "schema", "properties", "items", "format", "minimum", "anyOf", "$ref", "enum", "5"]
NUMBERS = st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False)
LEAF = st.none() | st.booleans() | NUMBERS | st.sampled_from(WORDS) | st.text(max_size=5)
TREE = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4), max_leaves=8
)
FIELDS = st.sampled_from(
    ["messages", "input", "prompt", "tools", "tool_choice", "response_format", "text", "thinking", "reasoning", "stop",
     "stop_sequences", "n", "logprobs", "top_logprobs", "logit_bias", "system", "instructions", "stream_options",
     "output_config", "previous_response_id", "include", "best_of", "suffix", "echo", "dimensions", "encoding_format",
     "seed", "temperature", "top_p", "reasoning_effort", "metadata", "store"]
)  # fmt: skip


@given(
    path=st.sampled_from(["/chat/completions", "/completions", "/responses", "/messages", "/embeddings", "/messages/count_tokens"]),
    odd=st.dictionaries(FIELDS, TREE, max_size=4),
    stream=st.booleans(),
)
async def test_no_body_however_odd_makes_it_fail(path, odd, stream):
    transport = httpx.ASGITransport(demo_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://demo") as client:
        answer = await client.post(path, json={**ASK, "prompt": "x", "input": "x", "max_tokens": 9, "stream": stream, **odd})
    assert answer.status_code in {200, 400}
