"""A response that is cut ends as one that the model itself ended at the same place, event by event."""

from __future__ import annotations

import json

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.demo import demo_app
from gateway.dialects import openai_draft
from gateway.dialects.openai_draft import Draft, Said
from gateway.dialects.openai_responses import OpenAIResponses
from gateway.model.request import Usage
from tests.dialects.streams import CUTS, EVENTS, cut_at, datas, event

RESPONSES = OpenAIResponses()
TOOL = {"type": "function", "name": "find", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
ASKS = {
    "text": {},
    "text with chances": {"include": ["message.output_text.logprobs"], "top_logprobs": 2},
    "reasoning": {"reasoning": {"effort": "high"}},
    "a summary of reasoning": {"reasoning": {"effort": "high", "summary": "auto"}},
    "a call": {"tools": [TOOL], "tool_choice": "required"},
}


async def told(**asked):
    """What the demo model streams for a request."""
    body = {"model": "demo", "input": "Tell me about rivers.", "stream": True, "seed": 7, "ignore_eos": True, **asked}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(demo_app()), base_url="http://demo") as client:
        answer = await client.post("/v1/responses", json=body, headers={"authorization": "Bearer x"})
        assert answer.status_code == 200, answer.text
        return answer.content, json.dumps(body).encode()


def relayed(body):
    return RESPONSES.relay(RESPONSES.parse(body, length=len(body)), 200, EVENTS, hide_usage=False)


def plain(value):
    """A value without what differs from run to run: ids, times, what is sealed, and counts."""
    if isinstance(value, dict):
        skip = {"id", "item_id", "call_id", "created_at", "completed_at", "encrypted_content", "usage", "max_output_tokens"}
        return {name: plain(item) for name, item in value.items() if name not in skip}
    return [plain(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("asked", ASKS.values(), ids=ASKS)
async def test_a_cut_response_is_event_by_event_what_the_model_says_at_its_own_length(asked):
    stream, body = await told(max_output_tokens=200, **asked)
    relay = relayed(body)
    out, end = cut_at(relay, stream, 5)
    deltas = sum(".delta" in said["type"] for said in datas(out))
    own, _ = await told(max_output_tokens=deltas, **asked)
    assert datas(own)[-1]["type"] == "response.incomplete"
    assert plain(datas(out + end)) == plain(datas(own))
    whole = datas(end)[-1]["response"]
    assert whole["id"] == datas(out)[0]["response"]["id"]
    seen = relay.seen()
    assert (seen.finish, seen.terminal, seen.usage.source) == ("max_output_tokens", True, "counted")
    assert whole["usage"]["output_tokens"] == seen.usage.output > 5
    assert whole["usage"]["input_tokens"] == seen.usage.input


async def test_an_item_that_was_done_before_stays_as_it_was():
    stream, body = await told(max_output_tokens=300, reasoning={"effort": "high"})
    steps = datas(stream)
    done = next(number for number, said in enumerate(steps) if said["type"] == "response.output_item.done")
    before = sum(1 for said in steps[:done] if ".delta" in said["type"])
    out, end = cut_at(relayed(body), stream, 3 * before)
    output = datas(end)[-1]["response"]["output"]
    assert output[0] == steps[done]["item"]
    assert [item["status"] for item in output] == ["completed", "incomplete"]
    assert all(said.get("output_index", 1) == 1 for said in datas(end))
    assert [said["sequence_number"] for said in datas(out + end)] == list(range(len(datas(out + end))))


@given(bound=st.integers(0, 12), cuts=CUTS)
def test_any_chunking_is_cut_at_the_same_place(bound, cuts):
    item = {"id": "msg_1", "type": "message", "status": "in_progress", "role": "assistant", "content": []}
    at = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    steps = [
        {"type": "response.created", "response": {"id": "resp_1", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.content_part.added", **at, "part": {"type": "output_text", "text": "", "annotations": []}},
        *[{"type": "response.output_text.delta", **at, "delta": " word"}] * 8,
    ]
    stream = b"".join(event({**step, "sequence_number": number}, name=step["type"]) for number, step in enumerate(steps))
    body = b'{"model":"m","input":"hi","stream":true}'
    cut = cut_at(relayed(body), stream, bound, cuts)
    assert cut == cut_at(relayed(body), stream, bound, [1])
    if bound < 8:
        text = datas(cut[1])[-1]["response"]["output"][0]["content"][0]["text"]
        assert text == " word" * (bound + 1)


def test_deltas_without_a_part_before_them_are_in_the_item_all_the_same():
    draft = Draft()
    draft.take("response.output_item.added", said(item={"id": "rs_1", "type": "reasoning", "summary": []}))
    draft.take("response.reasoning_text.delta", said(content_index=0, delta="hm"))
    *events, whole = datas(draft.ending(b'{"id":"resp_1"}', Usage(1, 2), 9))
    assert [step["type"] for step in events] == ["response.reasoning_text.done", "response.output_item.done"]
    assert whole["response"]["output"][0]["content"] == [{"type": "reasoning_text", "text": "hm"}]


def test_what_has_no_place_in_the_output_is_passed_over():
    draft = Draft()
    for kind in ("response.output_text.delta", "response.web_search_call.searching", "response.content_part.added", "error"):
        draft.take(kind, said(delta="x", part={"type": "output_text"}))
        draft.take(kind, Said(output_index="0", delta=5))
    assert [step["type"] for step in datas(draft.ending(b"{}", Usage(), 0))] == ["response.incomplete"]


def test_a_response_of_which_too_much_was_said_to_be_kept_cannot_be_cut(monkeypatch):
    monkeypatch.setattr(openai_draft, "MAX_KEPT", 1000)
    draft = Draft()
    draft.take("response.output_item.added", said(item={"id": "msg_1", "type": "message"}))
    assert draft.ending(b"{}", Usage(), 0) is not None
    draft.take("response.output_text.delta", said(content_index=0, delta="x" * 1000))
    assert draft.ending(b"{}", Usage(), 0) is None


def test_a_response_that_was_never_told_cannot_be_cut():
    assert Draft().ending(b"", Usage(), 0) is None


def said(**fields):
    return msgspec.json.decode(json.dumps({"output_index": 0, **fields}), type=Said)
