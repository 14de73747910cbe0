"""A flagged caller before a real model: what his answers lose, and that nobody else's are touched."""

from __future__ import annotations

import base64
import json
import re
import struct
import urllib.request

import pytest

from gateway.asgi.altered import altered
from gateway.demo import demo_app
from gateway.errors import UpstreamError
from gateway.model.caller import key_id_of
from gateway.model.evidence import NO_VERDICT, Verdict
from tests.support.live_server import live_server
from tests.support.writer import writer

__all__ = ["writer"]

FLAGGED = Verdict(35.0, frozenset({"wording", "arrival"}), high=35.0)
CHAT = {"model": "demo", "messages": [{"role": "user", "content": "Explain how tides work, please."}], "seed": 7, "max_tokens": 120}
THINKING = {
    "model": "demo-reasoning",
    "max_tokens": 2000,
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "messages": [{"role": "user", "content": "Explain how tides work, please."}],
}
REASONED = {"model": "demo-reasoning", "input": "Explain how tides work.", "include": ["reasoning.encrypted_content"], "seed": 3}
ASKED = {
    "openai.chat": ("/v1/chat/completions", {**CHAT, "logprobs": True, "top_logprobs": 5, "n": 2}),
    "openai.completions": ("/v1/completions", {"model": "demo", "prompt": "The tide", "max_tokens": 60, "logprobs": 3, "seed": 1}),
    "openai.responses": ("/v1/responses", {**REASONED, "top_logprobs": 3}),
    "openai.embeddings": ("/v1/embeddings", {"model": "demo-embedding", "input": ["tide", "moon"]}),
    "anthropic.messages": ("/v1/messages", THINKING),
}


@pytest.fixture(scope="module")
def model():
    with live_server(demo_app(tokens_per_second=1_000_000)) as url:
        yield url


@pytest.fixture
def flagged(before, model):
    """`flagged(perturbations, response)` is a front before the demo model whose key stands on the rung that does these."""
    fronts = []

    def made(names, response="", shadow=False, verdict=FLAGGED, url=model):
        mark = ", shadow: true" if shadow else ""
        ladder = f"ladder:\n  - {{ id: open, at: 0, do: allow }}\n  - {{ id: x, at: 30, do: perturb, with: [{names}]{mark} }}\n"
        context = before(url, f"usage: count\n{ladder}" + (f"response: {{ {response} }}\n" if response else ""))
        front = context.__enter__()
        fronts.append(context)
        key_id = key_id_of(front.running.engine.secret, front.key.encode())
        front.running.world.history.put(key_id, verdict)
        return front

    yield made
    for context in reversed(fronts):
        context.__exit__(None, None, None)


async def ask(front, path, body, **changes):
    status, fields, raw = await front.ask(path=path, body=json.dumps({**body, **changes}).encode())
    return status, fields, raw


async def told(front, path, body, **changes):
    """The answer as a document, or the documents of its events."""
    status, fields, raw = await ask(front, path, body, **changes)
    assert status == 200, raw
    if not fields["content-type"].startswith("text/event-stream"):
        return json.loads(raw)
    data = [line[6:] for line in raw.decode().split("\n") if line.startswith("data: ")]
    return [json.loads(line) for line in data if line != "[DONE]"]


EVERYTHING = "logprobs, reasoning, fingerprint, samples, embeddings, canary, marker, truncate"


class Recorded:
    """An upstream that says the same each time, in chunks of `size` bytes. `encodings`: what it was asked to answer in."""

    def __init__(self, kind, body):
        self.kind, self.body, self.size = kind, body, len(body)
        self.encodings = []

    async def __call__(self, scope, receive, send):
        self.encodings.append(dict(scope["headers"]).get(b"accept-encoding"))
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", self.kind)]})
        for start in range(0, len(self.body), self.size):
            await send({"type": "http.response.body", "body": self.body[start : start + self.size], "more_body": True})
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def recorded(model):
    """`recorded(path, body)` is what the demo model answered, played again by an upstream of its own."""

    def made(path, body):
        fields = {"content-type": "application/json", "authorization": "Bearer k", "anthropic-version": "2023-06-01"}
        request = urllib.request.Request(model + path, json.dumps(body).encode(), fields)
        with urllib.request.urlopen(request) as answer:
            return Recorded(answer.headers["content-type"].encode(), answer.read())

    return made


WAYS = [(dialect, stream) for dialect in ASKED for stream in (False, True) if not (stream and dialect == "openai.embeddings")]


@pytest.mark.parametrize("shadow", [False, True])
@pytest.mark.parametrize(("dialect", "stream"), WAYS)
async def test_below_the_rung_and_in_shadow_an_answer_is_what_the_model_said_byte_for_byte(flagged, recorded, dialect, stream, shadow):
    path, body = ASKED[dialect]
    body = {**body, **({"stream": True} if stream else {})}
    upstream = recorded(path, body)
    with live_server(upstream) as url:
        front = flagged(EVERYTHING, shadow=shadow, verdict=FLAGGED if shadow else NO_VERDICT, url=url)
        for size in (1 << 20, 61):
            upstream.size = size
            status, fields, raw = await ask(front, path, body)
            assert (status, raw) == (200, upstream.body)
            record = front.record(fields["x-gateway-decision"])
            assert (record["perturbed"], record["changed"]) == ([], [])
    assert b"identity" not in upstream.encodings


@pytest.mark.parametrize(("dialect", "stream"), WAYS)
async def test_an_altered_answer_is_the_same_in_any_chunks_and_keeps_usage_and_reasons(flagged, recorded, dialect, stream):
    path, body = ASKED[dialect]
    body = {**body, **({"stream": True} if stream else {})}
    upstream = recorded(path, body)
    with live_server(upstream) as url:
        front = flagged(EVERYTHING, url=url)
        came = []
        for size in (1 << 20, 1000, 31):
            upstream.size = size
            status, _, raw = await ask(front, path, body)
            assert status == 200
            came.append(raw)
    assert came[0] == came[1] == came[2] != upstream.body
    assert upstream.encodings == [b"identity"] * 3
    for kept in (
        rb'"usage":\s*(\{[^{}]*\{?[^{}]*\}?[^{}]*\})',
        rb'"(?:finish_reason|stop_reason)":\s*"([^"]*)"',
        rb'"id":\s*"([^"]*)"',
    ):
        assert set(re.findall(kept, compact(came[0]))) == set(re.findall(kept, compact(upstream.body)))


def compact(raw):
    """JSON without the spaces between its marks, which a document that is written anew does not keep."""
    return re.sub(rb'([:,{}\[\]"])[ ]+(?=["\d{\[\-ntf])', rb"\1", raw)


@pytest.mark.parametrize("stream", [False, True])
async def test_logprobs_are_fewer_and_round_and_the_words_stay(flagged, stream):
    front = flagged("logprobs", "logprobs: { keep: 2, round: 0.5 }")
    answer = await told(front, "/v1/chat/completions", {**CHAT, "logprobs": True, "top_logprobs": 5}, stream=stream)
    chunks = answer if stream else [answer]
    tokens = [token for chunk in chunks for choice in chunk["choices"] for token in (choice.get("logprobs") or {}).get("content", [])]
    assert tokens
    for token in tokens:
        values = [entry["logprob"] for entry in token["top_logprobs"]]
        assert len(values) <= 2
        assert values == sorted(values, reverse=True)
        assert all((value * 2).is_integer() for value in [token["logprob"], *values])


async def test_the_record_says_what_was_altered(flagged):
    front = flagged("logprobs, samples")
    _, fields, _ = await ask(front, "/v1/chat/completions", {**CHAT, "logprobs": True, "n": 3})
    record = front.record(fields["x-gateway-decision"])
    assert record["decision"]["perturbations"] == ["logprobs", "samples"]
    perturbed = record["perturbed"]
    assert perturbed[0].startswith("epoch=")
    assert {"logprobs@1", "samples@1", "samples.n", "samples=2"} <= set(perturbed)
    assert any(entry.startswith("logprobs=") for entry in perturbed)
    assert record["changed"] == ["perturbed"]


@pytest.mark.parametrize("stream", [False, True])
async def test_samples_collapse_to_one_and_are_as_many_as_asked(flagged, stream):
    front = flagged("samples")
    answer = await told(front, "/v1/chat/completions", {**CHAT, "n": 3}, stream=stream)
    texts = {0: "", 1: "", 2: ""}
    for chunk in answer if stream else [answer]:
        for choice in chunk["choices"]:
            texts[choice["index"]] += (choice.get("delta") or choice.get("message") or {}).get("content") or ""
    assert texts[0]
    assert texts[0] == texts[1] == texts[2]


@pytest.mark.parametrize("stream", [False, True])
async def test_the_fingerprint_is_the_same_in_every_telling(flagged, stream):
    front = flagged("fingerprint", "fingerprint: { strength: 1.0 }")
    answer = await told(front, "/v1/responses", {**REASONED, "model": "demo", "max_output_tokens": 400}, stream=stream)
    if not stream:
        assert answer["output"][-1]["content"][0]["text"]
        return
    assert [event["sequence_number"] for event in answer] == list(range(len(answer)))
    deltas = "".join(event["delta"] for event in answer if event["type"] == "response.output_text.delta")
    done = [event["text"] for event in answer if event["type"] == "response.output_text.done"]
    item = [event["item"] for event in answer if event["type"] == "response.output_item.done"][-1]
    whole = answer[-1]["response"]["output"][-1]["content"][0]["text"]
    assert [deltas] == done == [item["content"][0]["text"]] == [whole]


async def test_json_mode_and_forced_tools_are_not_written_anew(flagged):
    front = flagged("fingerprint, canary", "canary: { share: 1, least_words: 1 }")
    _, fields, _ = await ask(front, "/v1/chat/completions", CHAT, response_format={"type": "json_object"})
    record = front.record(fields["x-gateway-decision"])
    assert not [entry for entry in record["perturbed"] if "=" in entry and not entry.startswith("epoch=")]
    _, fields, free = await ask(front, "/v1/chat/completions", {**CHAT, "max_tokens": 400})
    assert json.loads(free)["choices"][0]["logprobs"] is None


@pytest.mark.parametrize("stream", [False, True])
async def test_withheld_reasoning_is_not_told_and_the_conversation_goes_on(flagged, stream):
    front = flagged("reasoning")
    answer = await told(front, "/v1/messages", THINKING, stream=stream)
    if stream:
        assert not [event for event in answer if event.get("delta", {}).get("type") == "thinking_delta"]
        signature = "".join(event["delta"]["signature"] for event in answer if event.get("delta", {}).get("type") == "signature_delta")
        text = "".join(event["delta"]["text"] for event in answer if event.get("delta", {}).get("type") == "text_delta")
        blocks = [{"type": "thinking", "thinking": "", "signature": signature}, {"type": "text", "text": text}]
    else:
        blocks = answer["content"]
    assert blocks[0]["thinking"] == ""
    assert blocks[0]["signature"].startswith("azs1.")
    again = [*THINKING["messages"], {"role": "assistant", "content": blocks}, {"role": "user", "content": "And the moon?"}]
    await told(front, "/v1/messages", {**THINKING, "messages": again})
    # He comes down from the rung: what was sealed for him is opened all the same.
    key_id = key_id_of(front.running.engine.secret, front.key.encode())
    front.running.world.history.put(key_id, NO_VERDICT)
    _, fields, _ = await ask(front, "/v1/messages", {**THINKING, "messages": again})
    assert front.record(fields["x-gateway-decision"])["changed"] == ["opened"]
    # Another conversation is not what it was given for.
    elsewhere = [{"role": "user", "content": "Something else."}, *again[1:]]
    status, _, body = await ask(front, "/v1/messages", {**THINKING, "messages": elsewhere})
    assert status == 400
    assert json.loads(body)["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("do", ["withhold", "bind"])
@pytest.mark.parametrize("stream", [False, True])
async def test_sealed_items_of_a_response_are_taken_back(flagged, do, stream):
    front = flagged("reasoning", f"reasoning: {{ do: {do} }}")
    answer = await told(front, "/v1/responses", {**REASONED, "reasoning": {"summary": "auto"}, "store": False}, stream=stream)
    output = (answer[-1]["response"] if stream else answer)["output"]
    item = next(item for item in output if item["type"] == "reasoning")
    assert item["encrypted_content"].startswith("azs1.")
    assert bool(item["summary"]) == (do == "bind")
    if stream:
        assert any("reasoning_summary" in event["type"] for event in answer) == (do == "bind")
        assert [event["sequence_number"] for event in answer] == list(range(len(answer)))
    again = [{"role": "user", "content": REASONED["input"]}, *output, {"role": "user", "content": "And the moon?"}]
    await told(front, "/v1/responses", {**REASONED, "input": again, "store": False})


@pytest.mark.parametrize("stream", [False, True])
async def test_withheld_reasoning_of_chat_completions_is_left_out(flagged, stream):
    front = flagged("reasoning")
    answer = await told(front, "/v1/chat/completions", {**CHAT, "model": "demo-reasoning"}, stream=stream)
    assert "reasoning" not in json.dumps([chunk["choices"] for chunk in (answer if stream else [answer])])


@pytest.mark.parametrize("form", ["float", "base64"])
async def test_embeddings_are_altered_in_both_forms_and_keep_their_length(flagged, form):
    front = flagged("embeddings")
    body = {"model": "demo-embedding", "input": ["The tide comes in.", "The moon pulls."], "encoding_format": form}
    answer = await told(front, "/v1/embeddings", body)
    front.running.world.history.put(key_id_of(front.running.engine.secret, front.key.encode()), NO_VERDICT)
    plain = await told(front, "/v1/embeddings", body)
    for entry, other in zip(answer["data"], plain["data"], strict=True):
        vector, original = (vector_of(told["embedding"]) for told in (entry, other))
        assert vector != original
        assert sum(value * value for value in vector) == pytest.approx(1.0, abs=1e-4)
        assert sum(a * b for a, b in zip(vector, original, strict=True)) > 0.99
    assert answer["usage"] == plain["usage"]


def vector_of(told):
    if isinstance(told, str):
        raw = base64.b64decode(told)
        return list(struct.unpack(f"<{len(raw) // 4}f", raw))
    return told


async def test_a_stream_is_told_at_an_even_pace(flagged):
    front = flagged("pace", "pace: { tokens_per_second: 200, every: 0.05 }")
    answer = await told(front, "/v1/chat/completions", {**CHAT, "max_tokens": 20}, stream=True)
    assert answer[-1]["choices"][0]["finish_reason"] == "length"


# ── Reasoning told again ─────────────────────────────────────────────────────────────────────────

PONDERED = {
    "model": "demo-reasoning",
    "messages": [{"role": "user", "content": "Explain zanzibar tides, please."}],
    "seed": 3,
    "max_tokens": 200,
}


def said(model):
    """What the model answers to `PONDERED` when nobody stands before it."""
    fields = {"content-type": "application/json", "authorization": "Bearer k"}
    request = urllib.request.Request(f"{model}/v1/chat/completions", json.dumps(PONDERED).encode(), fields)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["choices"][0]["message"]["content"]


async def reasoned(front, *, stream):
    """Reasoning and answer that the client gets, and what the record says was altered."""
    status, fields, raw = await front.ask(path="/v1/chat/completions", body=json.dumps({**PONDERED, "stream": stream}).encode())
    assert status == 200, raw
    record = await front.running.world.sink.find(fields["x-gateway-decision"])
    lines = [line[6:] for line in raw.decode().split("\n") if line.startswith("data: {")] if stream else [raw]
    parts = [choice.get("delta") or choice.get("message") or {} for line in lines for choice in json.loads(line)["choices"]]
    texts = ["".join(part.get(key) or "" for part in parts) for key in ("reasoning_content", "content")]
    return *texts, record["perturbed"]


@pytest.mark.parametrize("stream", [False, True])
async def test_the_client_gets_the_retold_trace_and_the_same_answer(flagged, model, writer, stream):
    answer = said(model)
    assert answer
    writer.says = "The tide follows the moon."
    options = f"rewrite: {{ rewriter: {{ url: '{writer.url}', model: small }} }}"
    reasoning, same, perturbed = await reasoned(flagged("rewrite", options), stream=stream)
    assert (reasoning, same) == ("The tide follows the moon.", answer)
    assert {"rewrite@1", "rewrite:retold"} <= set(perturbed)
    sent = writer.asked[0][2]["messages"][1]["content"]
    assert answer in sent


@pytest.mark.parametrize("stream", [False, True])
async def test_a_rewriter_that_fails_costs_the_answer_nothing(flagged, model, writer, stream):
    answer = said(model)
    writer.status = 503
    options = f"rewrite: {{ rewriter: {{ url: '{writer.url}', model: small }} }}"
    reasoning, same, perturbed = await reasoned(flagged("rewrite", options), stream=stream)
    assert (reasoning, same) == ("", answer)
    assert "rewrite:withheld.fault" in perturbed


async def test_a_summary_by_the_demo_model_itself_passes_the_gate_or_is_withheld(flagged, model, caplog):
    options = f"reasoning: {{ do: summarise, rewriter: {{ url: '{model}', model: demo }} }}"
    reasoning, answer, perturbed = await reasoned(flagged("reasoning", options), stream=True)
    (note,) = [entry for entry in perturbed if entry.startswith("reasoning:")]
    assert note in {"reasoning:retold", "reasoning:withheld.gate"}
    assert answer
    assert bool(reasoning) == (note == "reasoning:retold")
    assert "zanzibar" not in caplog.text
    assert answer not in caplog.text


class Came:
    """An upstream's answer that gives these chunks."""

    def __init__(self, *chunks, status=200, kind=b"application/json", **fields):
        self.status = status
        self.headers = [(b"content-type", kind), *((name.replace("_", "-").encode(), value) for name, value in fields.items())]
        self.chunks = list(chunks)
        self.closed = False

    async def read(self):
        return self.chunks.pop(0) if self.chunks else b""

    async def aclose(self):
        self.closed = True


class Shouting:
    """Edits that write every text in capitals, and have something left at the end."""

    def event(self, document):
        return [{"text": document["text"].upper()}]

    def whole(self, document):
        document["text"] = document["text"].upper()

    def rest(self):
        return [{"text": "LEFT"}]

    def telling(self, document):
        return None


async def test_an_error_passes_as_it_is_and_so_does_what_is_no_document():
    for answer in (Came(status=500), Came(kind=b"audio/mpeg")):
        assert altered(answer, Shouting()) is answer


async def test_what_cannot_be_read_is_not_handed_on():
    for answer in (Came(b"[1]"), Came(b"{"), Came(b"\x1f\x8b", content_encoding=b"gzip")):
        through = altered(answer, Shouting())
        with pytest.raises(UpstreamError):
            await through.read()
        await through.aclose()
        assert answer.closed


async def test_what_is_left_goes_out_before_the_end():
    stream = altered(Came(b'data: {"text":"a"}\n\n', b"data: [DONE]\n\n", kind=b"text/event-stream"), Shouting())
    assert await stream.read() == b'data: {"text":"A"}\n\n'
    assert await stream.read() == b'data: {"text":"LEFT"}\n\ndata: [DONE]\n\n'
