"""A chat stream that is cut ends as one that ran into its length, in the stream's own name."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.openai_chat import OpenAIChat
from gateway.dialects.openai_completions import OpenAICompletions
from gateway.dialects.openai_cut import chunks_at_length
from gateway.model.request import Usage
from tests.dialects.streams import CUTS, EVENTS, chunk, cut_at, datas, event

CHAT, COMPLETIONS = OpenAIChat(), OpenAICompletions()


def asked(dialect, **more):
    body = json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}], "prompt": "hi", **more}).encode()
    return dialect.parse(body, length=len(body))


def relayed(dialect=CHAT, hide=False, **more):
    return dialect.relay(asked(dialect, **more), 200, EVENTS, hide_usage=hide)


def words(n, *indexes, **more):
    indexes = indexes or (0,)
    return b"".join(event(chunk({"content": " word"}, index=index, **more)) for _ in range(n) for index in indexes)


INCLUDE = {"stream_options": {"include_usage": True}}


def test_the_open_choice_ends_at_its_length_and_the_stream_is_done():
    out, end = cut_at(relayed(), words(9, system_fingerprint="fp_1"), 4)
    assert out == words(5, system_fingerprint="fp_1")
    last, done = datas(end)
    assert done == "[DONE]"
    assert last["choices"] == [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "length"}]
    same = {name: last[name] for name in ("id", "object", "created", "model", "service_tier", "system_fingerprint")}
    assert same == {name: datas(out)[0][name] for name in same}
    assert "usage" not in last


def test_each_choice_that_is_open_ends_and_none_that_has_ended():
    stream = words(2, 0, 1, 2) + event(chunk(index=1, finish="stop")) + words(9, 0, 2)
    relay = relayed(n=3)
    _, end = cut_at(relay, stream, 8)
    assert [choice["index"] for last in datas(end)[:-1] for choice in last["choices"]] == [0, 2]
    assert relay.seen().finish == "length"


def test_a_client_that_asked_for_usage_gets_what_is_charged():
    relay = relayed(**INCLUDE)
    _, end = cut_at(relay, words(9, usage=None), 4)
    last, told, done = datas(end)
    seen = relay.seen()
    assert (last["usage"], told["choices"], done) == (None, [], "[DONE]")
    assert (told["usage"]["prompt_tokens"], told["usage"]["completion_tokens"]) == (seen.usage.input, seen.usage.output)
    assert (seen.usage.output, seen.usage.source, seen.finish, seen.terminal) == (5, "counted", "length", True)


def test_usage_that_only_the_gateway_asked_for_is_not_told():
    _, end = cut_at(relayed(hide=True), words(9, usage=None), 4)
    assert len(datas(end)) == 2
    assert b"usage" not in end


def test_arguments_of_a_tool_are_cut_in_their_midst():
    call = {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "find", "arguments": ""}}]}
    more = {"tool_calls": [{"index": 0, "function": {"arguments": '{"a'}}]}
    out, end = cut_at(relayed(), event(chunk(call)) + event(chunk(more)) * 5, 3)
    assert datas(out)[-1]["choices"][0]["delta"] == more
    assert datas(end)[0]["choices"][0]["finish_reason"] == "length"


def test_completions_end_by_their_own_chunks():
    def piece(**more):
        head = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m"}
        return event({**head, "choices": [{"text": " word", "index": 0, "logprobs": None, "finish_reason": None}], **more})

    _, end = cut_at(relayed(COMPLETIONS, **INCLUDE), piece(usage=None) * 9, 4)
    last, told, _ = datas(end)
    assert (last["object"], last["choices"]) == (
        "text_completion",
        [{"text": "", "index": 0, "logprobs": None, "finish_reason": "length"}],
    )
    assert told["usage"]["completion_tokens"] == 5


def test_a_stream_whose_own_end_was_near_keeps_it():
    stream = words(5) + event(chunk(finish="stop")) + event("[DONE]")
    relay = relayed()
    out, end = cut_at(relay, stream, 5)
    assert out + end == stream
    assert relay.seen().finish == "stop"


@given(st.integers(0, 30), CUTS)
def test_any_chunking_is_cut_at_the_same_place(bound, cuts):
    stream = words(6, 0, 1) + event(chunk(index=1, finish="stop")) + words(9)
    assert cut_at(relayed(n=2), stream, bound, cuts) == cut_at(relayed(n=2), stream, bound, [1])


def test_a_chunk_that_cannot_be_read_gives_no_end():
    assert chunks_at_length(b"", [0], text=False, usage=Usage()) is None
    assert chunks_at_length(b"[1]", [0], text=False, usage=None) is None
