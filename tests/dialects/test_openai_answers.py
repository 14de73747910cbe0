"""Chat and completion answers passing by: the same bytes in any chunks, the end kept back, the usage told or counted."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.openai_chat import OpenAIChat
from gateway.model.decision import Refusal
from gateway.model.request import NO_USAGE, Estimate, RequestFacts, Usage
from tests.dialects.streams import CUTS, DELTAS, EVENTS, JSON, USAGE, chat_stream, chunk, chunked, event, passed

CHAT = OpenAIChat()
FACTS = RequestFacts("openai.chat", "chat", model="m", stream=True, estimate=Estimate(7, 100, True))
TOLD = Usage(input=19, output=10, cached=8, reasoning=4, source="upstream")
BROKE = Refusal("upstream_broken", 502, "The model endpoint broke off.", "upstream.broken")
DONE = b"data: [DONE]\n\n"
SHAPES = st.fixed_dictionaries(
    {"spaces": st.booleans(), "end": st.sampled_from(["\n\n", "\r\n\r\n", "\r\r"]), "padded": st.booleans(), "in_last": st.booleans()}
)


def relay(*, hide=False, facts=FACTS, status=200, headers=EVENTS):
    return CHAT.relay(facts, status, headers, hide_usage=hide)


@given(SHAPES, CUTS, st.booleans())
def test_any_chunking_of_a_stream_gives_the_same_bytes_and_the_same_count(shape, cuts, asked):
    stream = chat_stream(asked=asked, **shape)
    out, end, seen = passed(relay(), stream, cuts)
    assert out + end == stream
    assert end.endswith(event("[DONE]", end=shape["end"]))
    assert shape["end"] == "\r\r" or end == event("[DONE]", end=shape["end"])
    assert seen == passed(relay(), stream)[2]
    assert seen.terminal
    assert seen.finish == "stop"
    assert seen.usage == (TOLD if asked else Usage(7, seen.usage.output, source="counted"))


@given(SHAPES, CUTS)
def test_usage_asked_for_by_the_gateway_is_taken_out_and_the_client_sees_what_it_would_have_seen(shape, cuts):
    out, end, seen = passed(relay(hide=True), chat_stream(asked=True, **shape), cuts)
    assert out + end == chat_stream(asked=False, **shape)
    assert seen.usage == TOLD


def test_a_chunk_without_choices_that_is_not_the_usage_stays():
    """Azure's first chunk tells its content filter's results in an empty list of choices."""
    first = {"choices": [], "prompt_filter_results": [{"prompt_index": 0}], "id": "", "usage": None, "model": "m"}
    out, end, _ = passed(relay(hide=True), event(first) + chat_stream(asked=True))
    del first["usage"]
    assert out + end == event(first) + chat_stream(asked=False)


def test_usage_in_the_midst_of_a_chunk_is_taken_out_by_text():
    raw = b'id: 7\ndata: {"usage" : {"prompt_tokens":1,"completion_tokens":2}, "x":1.50,"choices":[{"delta":{"content":"a"}}]}\n\n'
    out, _, seen = passed(relay(hide=True), raw + DONE)
    assert out == b'id: 7\ndata: {"x":1.50,"choices":[{"delta":{"content":"a"}}]}\n\n'
    assert seen.usage == Usage(1, 2, source="upstream")


def test_a_usage_that_belongs_to_a_choice_is_not_the_chunks_own():
    raw = event({"choices": [{"delta": {"content": "a", "usage": None}, "usage": None}]})
    assert passed(relay(hide=True), raw + DONE)[0] == raw


def test_the_chunks_are_handed_on_as_they_come_and_only_the_end_is_kept_back():
    watched = relay()
    first, last = event(chunk({"content": "a"})), event(chunk(finish="stop"))
    assert watched.feed(first) == first
    assert watched.feed(last) == b""
    assert watched.feed(event(chunk({"content": "b"}, index=1))) == last + event(chunk({"content": "b"}, index=1))
    assert watched.feed(DONE) == b""
    assert watched.feed(b": after the end\n\n") == b""
    assert watched.finish() == DONE + b": after the end\n\n"


def test_a_clean_end_of_the_connection_without_done_is_not_a_terminal_end():
    """Pitfall 8: a clean end must not hide a truncated answer."""
    stream = event(chunk({"content": "half an"}))
    out, end, seen = passed(relay(), stream + b'data: {"choices":[{"del')
    assert out + end == stream + b'data: {"choices":[{"del'
    assert not seen.terminal
    assert seen.usage == Usage(7, 2, source="counted")


def test_a_server_that_never_sends_done_has_its_last_chunk_kept_back():
    last = event(chunk(finish="stop"))
    _, end, seen = passed(relay(), event(chunk({"content": "a"})) + last)
    assert (end, seen.terminal, seen.finish) == (last, False, "stop")


def test_when_the_upstream_breaks_the_half_event_is_dropped_and_the_sdks_error_event_sent():
    """Pitfall 8: the client is told by a clean error event."""
    watched = relay()
    out = watched.feed(event(chunk({"content": "one two"})) + b'data: {"choices":[{"delta":{"content":"c')
    last = watched.fail(BROKE)
    assert out == event(chunk({"content": "one two"}))
    assert json.loads(last.removeprefix(b"data: "))["error"]["code"] == "upstream_broken"
    assert last.endswith(b"\n\n")
    assert watched.seen().usage == Usage(7, 2, source="counted")


def test_an_error_is_never_written_into_the_midst_of_an_event_too_large_to_hold():
    watched = relay()
    assert watched.feed(b"data: " + b"x" * (5 * 1024 * 1024))
    assert watched.fail(BROKE) is None


def test_an_error_of_the_upstreams_own_is_seen_and_passes():
    stream = event({"error": {"message": "overloaded", "type": "server_error"}})
    out, end, seen = passed(relay(), stream)
    assert (out, end) == (b"", stream)
    assert seen.error
    assert seen.usage == NO_USAGE
    assert not passed(relay(), event(chunk({"content": "a"}, error=None)))[2].error


CALL_BEGINS = {"tool_calls": [{"index": 0, "id": "call_1", "function": {"name": "get", "arguments": ""}}]}
CALL_GOES_ON = {"tool_calls": [{"index": 0, "function": {"arguments": '{"city'}}]}


@pytest.mark.parametrize(
    ("deltas", "output"),
    [
        ([{"content": "Hello"}, {"content": ","}, {"content": " world"}], 3),
        ([{"content": "Hello, world"}], 3),
        ([{"reasoning_content": " so"}, {"content": " yes"}], 2),
        ([{"reasoning": " so"}, {"content": " yes"}], 2),
        ([{"refusal": "No"}], 1),
        ([CALL_BEGINS, CALL_GOES_ON], 3),
        ([{"function_call": {"name": "get", "arguments": "{}"}}], 2),
        ([{"tool_calls": [{"custom": {"input": "abc"}}]}], 1),
        ([{"audio": {"transcript": "Hi", "data": "AAAA" * 100}}], 1),
        ([{"content": "漢字仮名交じり文" * 10}], 60),
        ([{"content": "x" * 400}], 100),
        ([{"content": None}, {}], 0),
    ],
)  # fmt: skip
def test_what_no_usage_was_told_for_is_counted_by_its_text(deltas, output):
    """Pitfall 7: streamed tokens are counted, whatever they come as."""
    stream = b"".join(event(chunk(delta)) for delta in deltas)
    assert passed(relay(), stream)[2].usage.output == output


def test_padding_is_not_counted_and_all_choices_are():
    padded = event(chunk({"content": "a"}, obfuscation="x" * 500)) + event(chunk({"content": "b"}, index=1))
    assert passed(relay(), padded)[2].usage.output == 2


def test_reasoning_is_counted_apart_and_in_the_output():
    usage = passed(relay(), event(chunk({"reasoning_content": " so"})) + event(chunk({"content": " yes"})))[2].usage
    assert (usage.output, usage.reasoning) == (2, 1)


def test_cumulative_usage_is_replaced_and_never_added():
    """Pitfall 7: cumulative usage is not counted twice."""
    stream = b"".join(event(chunk({"content": " a"}, usage={"prompt_tokens": 5, "completion_tokens": n})) for n in (1, 2, 3))
    assert passed(relay(), stream + DONE)[2].usage == Usage(5, 3, source="upstream")


def test_an_early_count_of_a_stream_that_broke_off_is_not_believed():
    """Pitfall 7: streamed tokens are not undercounted."""
    stream = event(chunk({"role": "assistant"}, usage={"prompt_tokens": 5, "completion_tokens": 0})) + event(
        chunk({"content": "a b c"})
    )
    assert passed(relay(), stream)[2].usage == Usage(7, 3, source="counted")


def test_a_chunk_with_fields_of_strange_types_passes_and_is_counted_by_size():
    strange = b'data: {"id":7,"choices":[{"delta":{"content":17}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n'
    out, end, seen = passed(relay(), strange + b"data: {broken\n\n" + b": comment\n\n" + DONE)
    assert out + end == strange + b"data: {broken\n\n: comment\n\n" + DONE
    assert seen.usage == Usage(1, 2, source="upstream")


def test_a_stored_completion_tells_its_id_and_another_none():
    stored = RequestFacts("openai.chat", "chat", stores=True)
    assert passed(relay(facts=stored), chat_stream(asked=False))[2].object_id == "chatcmpl-1"
    assert passed(relay(), chat_stream(asked=False))[2].object_id == ""


# ── Whole answers ─────────────────────────────────────────────────────────────────────────────────

ANSWER = {
    "id": "chatcmpl-9",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello, world"}, "finish_reason": "length"}],
    "usage": USAGE,
}


@given(CUTS)
def test_a_whole_answer_passes_untouched_with_its_end_kept_back(cuts):
    body = json.dumps(ANSWER).encode()
    out, end, seen = passed(relay(headers=JSON), body, cuts)
    assert out + end == body
    assert end
    assert (seen.usage, seen.finish, seen.terminal) == (TOLD, "length", True)


def test_a_whole_answer_without_usage_is_counted():
    body = json.dumps({**ANSWER, "usage": None}).encode()
    assert passed(relay(headers=JSON), body)[2].usage == Usage(7, 3, source="counted")


def test_a_whole_answer_whose_json_lacks_its_end_is_not_terminal_however_cleanly_it_ended():
    """Pitfall 8: a clean end must not hide a truncated answer."""
    out, end, seen = passed(relay(headers=JSON), b'{"id":"chatcmpl-9","choices":[')
    assert (out + end, seen.terminal) == (b'{"id":"chatcmpl-9","choices":[', False)


def test_an_error_in_an_answer_of_status_200_used_nothing():
    seen = passed(relay(headers=JSON), b'{"error":{"message":"no"}}')[2]
    assert (seen.error, seen.usage) == (True, NO_USAGE)


def test_usage_in_every_chunk_does_not_hold_chunks_back():
    first = event(chunk({"content": "a"}, usage={"prompt_tokens": 5, "completion_tokens": 1}))
    assert relay().feed(first) == first


def test_a_whole_answer_that_breaks_off_is_cut_and_counted_by_its_bytes():
    watched = relay(headers=JSON)
    watched.feed(b'{"id":"chatcmpl-9","choices":[{"messa')
    assert watched.fail(BROKE) is None
    assert watched.seen().usage == Usage(7, 9, source="counted")


def test_an_answer_of_which_nothing_was_seen_is_charged_as_expected():
    assert relay(headers=JSON).seen().usage == Usage(7, 100, source="estimated")


@pytest.mark.parametrize("at_the_end", [True, False])
def test_of_an_answer_too_large_to_copy_the_usage_is_still_found(at_the_end):
    filler = {"data": "x" * (3 * 1024 * 1024)}
    body = json.dumps({**filler, "usage": USAGE} if at_the_end else {"usage": USAGE, **filler}).encode()
    out, end, seen = passed(relay(headers=JSON), body, [70_000] * 40)
    assert out + end == body
    assert seen.usage == TOLD


@pytest.mark.parametrize("status", [400, 429, 500, 302])
@pytest.mark.parametrize("headers", [JSON, EVENTS])
def test_an_errors_answer_used_nothing_and_passes_untouched(status, headers):
    out, end, seen = passed(relay(status=status, headers=headers), b'{"error":{"message":"no"},"usage":{"prompt_tokens":9}}', [10])
    assert out + end == b'{"error":{"message":"no"},"usage":{"prompt_tokens":9}}'
    assert seen.usage == NO_USAGE


# ── Compressed answers ────────────────────────────────────────────────────────────────────────────


@given(CUTS, st.booleans())
def test_a_compressed_answer_passes_as_it_is_and_a_copy_is_read(cuts, streamed):
    plain, kind = (chat_stream(asked=True), EVENTS) if streamed else (json.dumps(ANSWER).encode(), JSON)
    wire = gzip.compress(plain, mtime=0)
    out, end, seen = passed(relay(headers=[*kind, (b"content-encoding", b"gzip")], hide=True), wire, cuts)
    assert out + end == wire
    assert end
    assert (seen.usage, seen.terminal) == (TOLD, True)


def test_nothing_can_be_written_into_a_compressed_stream():
    watched = relay(headers=[*EVENTS, (b"content-encoding", b"gzip")])
    for piece in chunked(gzip.compress(chat_stream(asked=True))[:60], [20, 20]):
        watched.feed(piece)
    assert watched.fail(BROKE) is None


def test_an_encoding_that_nobody_knows_passes_unread():
    out, end, _ = passed(relay(headers=[*EVENTS, (b"content-encoding", b"dcb")]), b"\x00\x01\x02", [1])
    assert out + end == b"\x00\x01\x02"


def test_the_deltas_hold_what_would_fool_a_search_for_usage():
    assert any('"usage":null' in (delta.get("content") or "") for delta in DELTAS)
