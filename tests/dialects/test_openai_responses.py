"""Responses: stored unless told otherwise, and a stream that ends with its own event and usage."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from gateway.dialects.openai_responses import OpenAIResponses
from gateway.model.decision import Refusal
from gateway.model.policy import FeatureCaps
from gateway.model.request import NO_USAGE, Usage
from tests.dialects.streams import CUTS, EVENTS, JSON, event, passed

RESPONSES = OpenAIResponses()
USAGE = {
    "input_tokens": 19,
    "input_tokens_details": {"cached_tokens": 8},
    "output_tokens": 10,
    "output_tokens_details": {"reasoning_tokens": 4},
    "total_tokens": 29,
}
TOLD = Usage(input=19, output=10, cached=8, reasoning=4, source="upstream")


def parse(**members):
    text = json.dumps({"model": "m", "input": "hello", **members}).encode()
    return RESPONSES.parse(text, length=len(text))


def edit(caps, **members):
    text = json.dumps({"model": "m", "input": "hello", **members}).encode()
    result = RESPONSES.edit(text, RESPONSES.parse(text, length=0), caps, ask_usage=True)
    assert (result.body is text) == (not result.changed)
    return json.loads(result.body), result.changed


def events(kind="response.completed", **response):
    base = {"id": "resp_1", "object": "response", "status": "in_progress", "store": True, "usage": None}
    end = {**base, "status": kind.removeprefix("response."), "usage": USAGE, **response}
    steps = [
        {"type": "response.created", "response": base},
        {"type": "response.reasoning_text.delta", "delta": " hm"},
        {"type": "response.output_text.delta", "delta": "Hello", "obfuscation": "xxxxxxxxxxxx"},
        {"type": "response.function_call_arguments.delta", "delta": '{"city'},
        {"type": "response.output_audio.delta", "delta": "AAAA" * 50},
        {"type": "response.output_text.done", "text": "Hello"},
        {"type": kind, "response": end},
    ]
    return [event({**step, "sequence_number": number}, name=step["type"]) for number, step in enumerate(steps)]


def relay(facts=None, status=200, headers=EVENTS):
    return RESPONSES.relay(facts or parse(stream=True), status, headers, hide_usage=False)


def test_facts_are_read():
    facts = parse(stream=True, max_output_tokens=50, top_logprobs=3, include=["message.output_text.logprobs"])
    assert (facts.operation, facts.stream, facts.max_output, facts.logprobs, facts.usage_asked) == ("responses", True, 50, 3, True)
    assert (facts.estimate.output, facts.estimate.output_given) == (50, True)


@pytest.mark.parametrize(
    ("members", "asked"),
    [
        ({}, -1),
        ({"include": ["reasoning.encrypted_content"]}, -1),
        ({"include": ["message.output_text.logprobs"]}, 0),
        ({"top_logprobs": 0}, -1),
        ({"top_logprobs": 4}, 4),
    ],
)
def test_log_probabilities_are_asked_for_in_include(members, asked):
    assert parse(**members).logprobs == asked


def test_stored_objects_are_found_wherever_they_are_named():
    facts = parse(
        previous_response_id="resp_0",
        conversation={"id": "conv_1"},
        input=[
            {"type": "item_reference", "id": "msg_1"},
            {"type": "message", "id": "msg_2", "content": [{"type": "input_image", "file_id": "file-1"}]},
        ],
        tools=[
            {"type": "file_search", "vector_store_ids": ["vs_1", "vs_2"]},
            {"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["file-2"]}},
            {"type": "code_interpreter", "container": "cntr_1"},
        ],
        metadata={"conversation": "not-one"},
    )
    found = {"resp_0", "conv_1", "msg_1", "file-1", "vs_1", "vs_2", "file-2", "cntr_1"}
    assert set(facts.stored_refs) == found
    assert parse(conversation="conv_2").stored_refs == ("conv_2",)
    assert parse(input="a conversation about item_reference").stored_refs == ()


def test_caps_clip_by_text():
    asked = {"include": ["reasoning.encrypted_content", "message.output_text.logprobs"], "top_logprobs": 9, "max_output_tokens": 500}
    value, changed = edit(FeatureCaps(logprobs=2, max_output=64), **asked)
    assert (value["top_logprobs"], value["max_output_tokens"], value["include"]) == (2, 64, asked["include"])
    assert changed == ("clipped.logprobs", "clipped.max_output")
    value, _ = edit(FeatureCaps(logprobs=-1), **asked)
    assert value["include"] == ["reasoning.encrypted_content"]
    assert "top_logprobs" not in value
    assert edit(FeatureCaps(logprobs=-1), include=["message.output_text.logprobs"])[0] == {"model": "m", "input": "hello"}
    assert edit(FeatureCaps(max_output=64))[0]["max_output_tokens"] == 64


def test_usage_need_not_be_asked_for():
    assert edit(FeatureCaps(), stream=True)[1] == ()


@given(CUTS)
def test_any_chunking_of_a_stream_gives_the_same_bytes_and_the_same_count(cuts):
    stream = b"".join(events())
    out, end, seen = passed(relay(), stream, cuts)
    assert out + end == stream
    assert end == events()[-1]
    assert (seen.usage, seen.finish, seen.terminal, seen.error, seen.object_id) == (TOLD, "completed", True, False, "resp_1")


@pytest.mark.parametrize(
    ("kind", "response", "finish", "error"),
    [
        ("response.incomplete", {"incomplete_details": {"reason": "max_output_tokens"}}, "max_output_tokens", False),
        ("response.failed", {"error": {"code": "server_error", "message": "no"}}, "failed", True),
    ],
)
def test_other_ends_are_ends_too(kind, response, finish, error):
    seen = passed(relay(), b"".join(events(kind, **response)))[2]
    assert (seen.terminal, seen.finish, seen.error, seen.usage) == (True, finish, error, TOLD)


def test_what_follows_the_end_is_kept_back_with_it():
    _, end, _ = passed(relay(), b"".join(events()) + event("[DONE]"))
    assert end == events()[-1] + event("[DONE]")


def test_a_stream_that_breaks_is_counted_and_its_error_has_the_next_sequence_number():
    watched = relay()
    watched.feed(b"".join(events()[:-1]))
    last = watched.fail(Refusal("upstream_broken", 502, "The model endpoint broke off.", "upstream.broken"))
    assert last.startswith(b"event: error\ndata: ")
    assert json.loads(last.split(b"data: ")[1])["sequence_number"] == 6
    seen = watched.seen()
    assert seen.usage == Usage(parse(stream=True).estimate.input, 4, reasoning=1, source="counted")
    assert (seen.terminal, seen.finish, seen.object_id) == (False, "", "resp_1")


def test_an_error_event_of_the_upstreams_own_is_seen_and_used_nothing():
    stream = event({"type": "error", "code": "server_error", "message": "no", "param": None, "sequence_number": 0}, name="error")
    out, end, seen = passed(relay(), stream)
    assert (out, end, seen.error, seen.usage) == (b"", stream, True, NO_USAGE)


def test_what_cannot_be_read_passes():
    stream = b"data: {broken\n\n: comment\n\ndata: text\n\n" + event({"type": "x.delta", "delta": {"a": 1}})
    out, end, seen = passed(relay(), stream)
    assert (out + end, seen.usage.output) == (stream, 0)


def whole(**members):
    return json.dumps({"id": "resp_2", "status": "completed", "store": True, "output": [], "usage": USAGE, **members}).encode()


@given(CUTS)
def test_a_whole_answer_passes_untouched(cuts):
    out, end, seen = passed(relay(headers=JSON), whole(), cuts)
    assert out + end == whole()
    assert (seen.usage, seen.finish, seen.object_id) == (TOLD, "completed", "resp_2")


def test_an_answer_that_is_not_stored_has_no_owner():
    assert passed(relay(headers=JSON), whole(store=False))[2].object_id == ""
    assert passed(relay(parse(store=False), headers=JSON), whole())[2].object_id == ""


def test_without_usage_the_output_is_counted():
    output = [{"type": "message", "content": [{"type": "output_text", "text": "word " * 100}]}]
    usage = passed(relay(headers=JSON), whole(usage=None, output=output))[2].usage
    assert usage.source == "counted"
    assert 100 <= usage.output <= 160
    assert passed(relay(headers=JSON), whole(usage=None))[2].usage.output == 0


def test_a_whole_answer_that_breaks_off_is_counted_by_its_bytes():
    watched = relay(headers=JSON)
    watched.feed(b'{"id":"resp_2","output":[')
    assert watched.seen().usage.output == 6
    assert relay(headers=JSON).seen().usage.source == "estimated"
