"""Anthropic's answers passing by: the same bytes in any chunks, usage replaced and never added, the end kept back to the last."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.anthropic_messages import AnthropicMessages
from gateway.model.decision import Refusal
from gateway.model.request import NO_USAGE, Estimate, Usage
from gateway.model.value import replace

DIALECT = AnthropicMessages()
BODY = b'{"model":"m","max_tokens":64,"stream":true,"messages":[]}'
FACTS = replace(DIALECT.parse(BODY, length=len(BODY)), estimate=Estimate(40, 64, output_given=True))
SSE = [(b"content-type", b"text/event-stream; charset=utf-8")]
JSON = [(b"content-type", b"application/json")]
BROKEN = Refusal("upstream_broken", 502, "The model broke off its answer.", "upstream.broken")


def event(name, **data):
    return f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode()


def delta(**fields):
    return event("content_block_delta", index=0, delta=fields)


START = event(
    "message_start",
    message={
        "id": "msg_1",
        "content": [],
        "usage": {"input_tokens": 25, "cache_creation_input_tokens": 100, "cache_read_input_tokens": 1000, "output_tokens": 1},
    },
)
BLOCK = event("content_block_start", index=0, content_block={"type": "text", "text": ""})
HELLO = [delta(type="text_delta", text=word) for word in ("Hello", " there", ", friend", ".")]
PING = event("ping")
TOLD = event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 15})
STOP = event("message_stop")
WHOLE = b"".join([START, BLOCK, PING, *HELLO, event("content_block_stop", index=0), TOLD, STOP])
EXPECTED = Usage(1125, 15, cached=1000, source="upstream")


def relay(headers=SSE, status=200):
    return DIALECT.relay(FACTS, status, headers, hide_usage=False)


def through(passing, body, sizes=(1 << 20,)):
    """All of the body fed in chunks of the given sizes: what was handed on before the end."""
    out, at, turn = b"", 0, 0
    while at < len(body):
        size = sizes[turn % len(sizes)]
        out += passing.feed(body[at : at + size])
        at, turn = at + size, turn + 1
    return out


SIZES = st.lists(st.integers(1, 200), min_size=1, max_size=5)


@given(sizes=SIZES)
def test_in_any_chunks_the_bytes_and_the_counts_are_the_same_and_message_stop_comes_last(sizes):
    passing = relay()
    assert through(passing, WHOLE, sizes) == WHOLE.removesuffix(STOP)
    assert passing.finish() == STOP
    seen = passing.seen()
    assert (seen.usage, seen.finish, seen.terminal, seen.error) == (EXPECTED, "end_turn", True, False)


@given(
    sizes=SIZES,
    body=st.lists(
        st.sampled_from(
            [
                START,
                *HELLO,
                TOLD,
                STOP,
                PING,
                b": comment\n\n",
                b"\r\n",
                b"data: {\r\r",
                b"event: new\ndata: [1]\n\n",
                b"\xef\xbb\xbf",
                b"data",
            ]
        )
    ).map(b"".join),
)
def test_whatever_comes_passes_whole(sizes, body):
    passing = relay()
    assert through(passing, body, sizes) + passing.finish() == body


def test_cumulative_counts_replace_one_another():
    passing = relay()
    for tokens in (5, 9, 12):
        passing.feed(event("message_delta", delta={}, usage={"output_tokens": tokens}))
    passing.feed(
        START + event("message_delta", delta={}, usage={"input_tokens": 30, "cache_read_input_tokens": 1200, "output_tokens": 12})
    )
    assert passing.seen().usage == Usage(1330, 12, cached=1200, source="upstream")


def test_reasoning_is_told_where_the_upstream_tells_it():
    passing = relay()
    usage = {"output_tokens": 90, "output_tokens_details": {"thinking_tokens": 70}}
    passing.feed(START + event("message_delta", delta={"stop_reason": "max_tokens"}, usage=usage))
    assert passing.seen().usage == Usage(1125, 90, cached=1000, reasoning=70, source="upstream")


def test_a_stream_that_breaks_is_counted_by_what_was_handed_on():
    passing = relay()
    passing.feed(START + BLOCK + b"".join(HELLO))
    usage = passing.seen().usage
    assert (usage.input, usage.cached, usage.source) == (1125, 1000, "counted")
    assert 4 <= usage.output <= 8
    passing.feed(HELLO[1] * 20)
    assert passing.seen().usage.output == usage.output + 20


def test_a_half_event_is_not_counted_as_it_was_not_handed_on():
    passing = relay()
    passing.feed(START + HELLO[0])
    before = passing.seen().usage.output
    passing.feed(HELLO[1][:-1])
    assert passing.seen().usage.output == before


def test_reasoning_and_the_arguments_of_tools_are_output_too():
    passing = relay()
    passing.feed(START + event("content_block_start", index=0, content_block={"type": "thinking", "thinking": "", "signature": ""}))
    passing.feed(delta(type="thinking_delta", thinking=" word") * 30)
    passing.feed(delta(type="signature_delta", signature="A" * 4000))
    passing.feed(event("content_block_start", index=1, content_block={"type": "tool_use", "id": "t", "name": "f", "input": {}}))
    passing.feed(delta(type="input_json_delta", partial_json='{"a":') + delta(type="input_json_delta", partial_json=' "bcd"}'))
    usage = passing.seen().usage
    assert usage.reasoning == 30
    assert 32 <= usage.output <= 40


def test_reasoning_that_is_only_shown_sealed_is_counted_by_its_seal():
    passing = relay()
    passing.feed(START + event("content_block_start", index=0, content_block={"type": "thinking", "thinking": "", "signature": ""}))
    passing.feed(delta(type="signature_delta", signature="A" * 1600))
    passing.feed(event("content_block_start", index=1, content_block={"type": "redacted_thinking", "data": "A" * 160}))
    assert passing.seen().usage.reasoning == passing.seen().usage.output == 300 + 30


def test_without_any_count_the_estimate_stands_for_the_input():
    passing = relay()
    passing.feed(event("message_start", message={"id": "msg_1"}) + HELLO[0])
    assert passing.seen().usage == Usage(40, 1, source="counted")


def test_an_error_in_the_stream_is_seen_and_kept_back_as_an_end():
    passing = relay()
    error = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
    assert passing.feed(START + HELLO[0] + error) == START + HELLO[0]
    assert passing.seen().error
    assert not passing.seen().terminal
    assert passing.seen().usage.source == "counted"
    assert passing.finish() == error


def test_an_error_before_the_message_began_costs_nothing():
    passing = relay()
    passing.feed(event("error", error={"type": "overloaded_error", "message": "Overloaded"}))
    assert passing.seen().usage == NO_USAGE


@pytest.mark.parametrize("came", [b"", START, START + HELLO[0] + HELLO[1][:20], WHOLE])
def test_a_broken_stream_ends_in_an_error_event_after_whole_events(came):
    passing = relay()
    passed = passing.feed(came)
    last = passing.fail(BROKEN)
    assert passed + b"" == came[: len(passed)]
    assert passed == b"" or passed.endswith(b"\n\n")
    name, data = last.decode().split("\n")[:2]
    assert name == "event: error"
    assert json.loads(data.removeprefix("data: "))["error"] == {"type": "api_error", "message": "The model broke off its answer."}
    assert last.endswith(b"\n\n")


def test_an_event_known_by_its_name_alone_ends_the_stream_too():
    passing = relay()
    assert passing.feed(b"event: message_stop\ndata: {}\n\n") == b""
    assert passing.seen().terminal


@pytest.mark.parametrize("where", ["start", "delta"])
def test_the_container_that_code_ran_in_is_the_object_of_the_answer(where):
    container = {"id": "cont_1", "expires_at": "2026-11-24T00:00:00Z"}
    passing = relay()
    if where == "start":
        passing.feed(event("message_start", message={"container": container, "usage": {"input_tokens": 1}}) + TOLD)
    else:
        passing.feed(
            START + event("message_delta", delta={"stop_reason": "end_turn", "container": container}, usage={"output_tokens": 3})
        )
    assert passing.seen().object_id == "cont_1"
    assert relay().seen().object_id == ""


# ── Not a stream ──────────────────────────────────────────────────────────────────────────────────

MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "content": [{"type": "text", "text": "Hello there, friend."}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 25, "cache_creation_input_tokens": None, "cache_read_input_tokens": 10, "output_tokens": 7},
}


@pytest.mark.parametrize("packed", [False, True])
@given(sizes=SIZES)
def test_a_whole_message_passes_and_tells_its_usage(packed, sizes):
    body = json.dumps({**MESSAGE, "container": {"id": "cont_1"}}).encode()
    wire = gzip.compress(body) if packed else body
    passing = relay([*JSON, (b"content-encoding", b"gzip")] if packed else JSON)
    passed = through(passing, wire, sizes)
    end = passing.finish()
    assert passed + end == wire
    assert end
    seen = passing.seen()
    assert (seen.usage, seen.finish, seen.object_id) == (Usage(35, 7, cached=10, source="upstream"), "end_turn", "cont_1")


def test_a_compressed_stream_is_counted_in_a_copy():
    wire = gzip.compress(WHOLE)
    passing = relay([*SSE, (b"content-encoding", b"gzip")])
    assert through(passing, wire, (7,)) + passing.finish() == wire
    assert passing.seen().usage == EXPECTED


def test_a_message_without_usage_is_counted_by_its_content():
    content = [
        {"type": "thinking", "thinking": "a word " * 30, "signature": "A" * 500},
        {"type": "tool_use", "input": {"place": "Oslo, Norway"}},
        {"type": "text", "text": "Hello there, friend."},
        {"type": "web_search_tool_result", "content": [{"title": "long " * 500}]},
    ]
    passing = relay(JSON)
    passing.feed(json.dumps({"content": content}).encode())
    passing.finish()
    usage = passing.seen().usage
    assert (usage.input, usage.source) == (40, "counted")
    assert 45 <= usage.reasoning <= 65
    assert 5 <= usage.output - usage.reasoning <= 20


def test_a_message_that_breaks_off_can_only_be_cut_and_what_came_is_counted():
    passing = relay(JSON)
    passing.feed(json.dumps({"content": [{"type": "text", "text": "Hello there. " * 200}]}).encode()[:2000])
    assert passing.fail(BROKEN) is None
    usage = passing.seen().usage
    assert (usage.input, usage.source) == (40, "counted")
    assert 400 <= usage.output <= 600


@pytest.mark.parametrize(("usage", "expected"), [(MESSAGE["usage"], Usage(35, 7, cached=10, source="upstream")), (None, None)])
def test_of_a_message_too_large_to_be_kept_the_usage_at_its_end_is_read(usage, expected):
    passing = relay(JSON)
    block = {"type": "text", "text": 'say "usage": {"input_tokens": 1, "output_tokens": 1} ' * 60_000}
    body = json.dumps({"content": [block], "usage": usage}).encode()
    assert len(body) > 2 * 1024 * 1024
    assert through(passing, body, (65536,)) + passing.finish() == body
    got = passing.seen().usage
    assert got == (expected or Usage(40, len(body) // 4, source="counted"))


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense", b'{"usage": 7}', b'{"content": [[[', b"\xff"])
def test_what_is_no_message_passes_and_is_counted_as_text(body):
    passing = relay(JSON)
    assert passing.feed(body) + passing.finish() == body
    assert passing.seen().usage.source == "counted"


# ── Ended at its length ─────────────────────────────────────────────────────────────────────────


def cut(body, bound, sizes=(1 << 20,)):
    """(relay, what was handed on, the end) of a stream that may go on until more than `bound` tokens are counted."""
    passing = relay()
    out, at, turn = passing.go_on(bound), 0, 0
    while at < len(body) and not passing.waits:
        size = sizes[turn % len(sizes)]
        out += passing.feed(body[at : at + size])
        at, turn = at + size, turn + 1
    return passing, out, passing.cut() if passing.waits else passing.finish()


def said(stream):
    return [json.loads(line.removeprefix("data: ")) for line in stream.decode().split("\n") if line.startswith("data: ")]


def test_a_message_that_is_cut_ends_as_one_that_ran_into_max_tokens():
    passing, out, end = cut(WHOLE, 2)
    assert out == b"".join([START, BLOCK, PING, *HELLO[:3]])
    seen = passing.seen()
    assert said(end) == [
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "max_tokens", "stop_sequence": None},
            "usage": {"output_tokens": seen.usage.output},
        },
        {"type": "message_stop"},
    ]
    assert (seen.usage.input, seen.usage.source, seen.finish, seen.terminal) == (1125, "counted", "max_tokens", True)
    assert [line for line in end.split(b"\n") if line.startswith(b"event: ")] == [
        b"event: content_block_stop", b"event: message_delta", b"event: message_stop",
    ]  # fmt: skip


def test_only_the_block_that_is_open_stops_and_arguments_are_cut_in_their_midst():
    tool = {"type": "tool_use", "id": "toolu_1", "name": "find", "input": {}}
    call = [event("content_block_start", index=1, content_block=tool)]
    for part in ('{"a', '": 1', "}"):
        call.append(event("content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": part}))
    _, out, end = cut(b"".join([START, BLOCK, HELLO[0], event("content_block_stop", index=0), *call]), 2)
    assert out.endswith(call[2])
    assert [step.get("index") for step in said(end)] == [1, None, None]


def test_what_the_model_said_of_its_end_is_not_said_again():
    late = event("content_block_delta", index=0, delta={"type": "text_delta", "text": " and more"})
    passing, _, end = cut(b"".join([START, BLOCK, *HELLO, TOLD, late]), 5)
    assert [step["type"] for step in said(end)] == ["content_block_stop", "message_stop"]
    assert passing.seen().finish == "end_turn"


@given(bound=st.integers(0, 6), sizes=SIZES)
def test_any_chunking_is_cut_at_the_same_place(bound, sizes):
    assert cut(WHOLE, bound, sizes)[1:] == cut(WHOLE, bound, (1,))[1:]
