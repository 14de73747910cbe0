"""The opaque dialect: every byte passes as it came, the end last of all, and nothing is known but sizes and an object's id."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.opaque import Opaque
from gateway.model.decision import Refusal
from gateway.model.policy import FeatureCaps
from gateway.model.request import NO_USAGE

FACTS = Opaque().parse(b"", length=12)
SSE = [(b"content-type", b"text/event-stream; charset=utf-8")]
LINES = [(b"content-type", b"application/x-ndjson")]
JSON = [(b"content-type", b"application/json")]
KINDS = [SSE, LINES, JSON, [(b"content-type", b"audio/mpeg")], []]


def relay(headers, status=200):
    return Opaque().relay(FACTS, status, headers, hide_usage=False)


def cut(body, sizes):
    """The body in chunks of the given sizes, again and again."""
    at, turn = 0, 0
    while at < len(body):
        yield body[at : at + sizes[turn % len(sizes)]]
        at += sizes[turn % len(sizes)]
        turn += 1


def test_nothing_but_the_length_is_known():
    facts = Opaque().parse(b'{"model": "m", "n": 9}', length=22)
    assert (facts.dialect, facts.operation, facts.body_size, facts.model, facts.choices) == ("opaque", "opaque", 22, "", 1)
    assert facts.estimate.input == facts.estimate.output == 0


def test_an_unknown_length_stays_unknown():
    assert Opaque().parse(b"", length=-1).body_size == -1


def test_a_body_is_never_edited():
    body = b'{"max_tokens": 9}'
    assert Opaque().edit(body, FACTS, FeatureCaps(max_output=1), ask_usage=True).body is body


@given(
    headers=st.sampled_from(KINDS),
    body=st.lists(
        st.sampled_from([b"data: x", b"\n", b"\r\n", b"[DONE]", b"event: done\n", b"\x00\xff", b'{"done":true}', b"e" * 40])
    ).map(b"".join),
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=4),
)
def test_the_bytes_do_not_depend_on_the_chunks(headers, body, sizes):
    passing = relay(headers)
    assert b"".join(passing.feed(chunk) for chunk in cut(body, sizes)) + passing.finish() == body


@given(sizes=st.lists(st.integers(1, 30), min_size=1, max_size=4), headers=st.sampled_from(KINDS[2:]))
def test_of_a_document_the_last_byte_is_kept_back_whatever_the_chunks(sizes, headers):
    passing = relay(headers)
    body = b"RIFF" + bytes(range(1, 99))
    assert b"".join(passing.feed(chunk) for chunk in cut(body, sizes)) == body[:-1]
    assert passing.finish() == body[-1:]


def test_an_empty_chunk_does_not_let_the_end_go():
    passing = relay(JSON)
    assert passing.feed(b"{}") == b"{"
    assert passing.feed(b"") == b""
    assert passing.finish() == b"}"


def test_an_answer_without_a_body_has_no_end_to_keep():
    for status in (204, 304, 200):
        assert relay([], status).finish() == b""


def test_events_pass_as_they_come_and_half_events_wait():
    passing = relay(SSE)
    assert passing.feed(b"event: delta\ndata: a\n\ndata: b") == b"event: delta\ndata: a\n\n"
    assert passing.feed(b"c\n\n") == b"data: bc\n\n"


@pytest.mark.parametrize(
    "last",
    [
        b"data: [DONE]\n\n",
        b"event: done\r\ndata: {}\r\n\r\n",
        b'event: transcript.text.done\ndata: {"type":"transcript.text.done","text":"a"}\n\n',
        b'data: {"text": "a", "type" : "image_generation.completed"}\n\n',
        b"event: message_stop\ndata: {}\n\n",
        b'event: error\ndata: {"type":"error"}\n\n',
    ],
)
@given(sizes=st.lists(st.integers(1, 60), min_size=1, max_size=4))
def test_the_event_that_ends_a_stream_is_kept_back(last, sizes):
    passing = relay(SSE)
    body = b"data: one\n\n" + last
    assert b"".join(passing.feed(chunk) for chunk in cut(body, sizes)) == b"data: one\n\n"
    assert passing.seen().terminal
    assert passing.finish() == last


def test_an_event_that_only_looked_like_the_end_goes_with_the_next():
    passing = relay(SSE)
    assert passing.feed(b"event: output_text.done\ndata: 1\n\n") == b""
    assert passing.feed(b"data: 2\n\n") == b"event: output_text.done\ndata: 1\n\ndata: 2\n\n"
    assert not passing.seen().terminal


def test_lines_pass_as_they_come_and_the_one_that_says_done_is_kept_back():
    passing = relay(LINES)
    assert passing.feed(b'{"response":"a","done":false}\n{"respo') == b'{"response":"a","done":false}\n'
    assert passing.feed(b'nse":"","done":true}\n') == b""
    assert passing.finish() == b'{"response":"","done":true}\n'


def test_lines_of_known_length_are_a_document_like_any_other():
    passing = relay([*LINES, (b"content-length", b"4")])
    assert passing.feed(b"1\n2\n") == b"1\n2"


def test_an_event_without_end_is_not_hoarded():
    passing = relay(SSE)
    out = sum(len(passing.feed(b"x" * 100_000)) for _ in range(30))
    assert out > 1_500_000
    assert out + len(passing.finish()) == 3_000_000


@pytest.mark.parametrize("pack", [lambda body: body, gzip.compress])
@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=3))
def test_the_id_of_what_was_made_is_read(pack, sizes):
    headers = JSON if pack(b"") == b"" else [*JSON, (b"content-encoding", b"gzip")]
    passing = relay(headers)
    for chunk in cut(pack(b'{"object": "file", "nested": {"id": "no"}, "id": "file-1"}'), sizes):
        passing.feed(chunk)
    assert passing.seen().object_id == "file-1"
    assert passing.seen().usage == NO_USAGE


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (404, JSON, b'{"id": "file-1"}'),
        (200, [(b"content-type", b"text/plain")], b'{"id": "file-1"}'),
        (200, JSON, b'[{"id": "file-1"}]'),
        (200, JSON, b'{"id": 7}'),
        (200, JSON, b'{"id": "file-1"'),
        (200, JSON, b'{"id": "\xff"}'),
        (200, JSON, b'{"a": ' + b"[" * 100_000),
        (200, JSON, b""),
        (200, [*JSON, (b"content-encoding", b"rot13")], b'{"id": "file-1"}'),
        (200, JSON, json.dumps({"id": "file-1", "data": "x" * 300_000}).encode()),
    ],
)
def test_no_id_where_none_is_told_or_the_answer_is_too_large(status, headers, body):
    passing = relay(headers, status)
    assert passing.feed(body) + passing.finish() == body
    assert passing.seen().object_id == ""


@pytest.mark.parametrize("headers", KINDS)
def test_an_answer_that_breaks_off_can_only_be_cut(headers):
    passing = relay(headers)
    passing.feed(b"data: half")
    assert passing.fail(Refusal("upstream_broken", 502, "It broke.", "upstream.broken")) is None


def test_refusals_are_openais_shape_or_problem_details_when_asked_for():
    refusal = Refusal("route_denied", 403, "No.", "route.denied", final=True)
    plain = Opaque().refuse(refusal, request_id="r")
    problem = Opaque().refuse(refusal, request_id="r", problem=True)
    assert json.loads(plain.body)["error"]["code"] == "request_forbidden"
    assert dict(problem.headers)[b"content-type"] == b"application/problem+json"
    assert plain.status == problem.status == 403


def test_anthropics_family_is_refused_in_its_own_words_always():
    refusal = Refusal("route_denied", 403, "No.", "route.denied", final=True)
    answer = Opaque("anthropic.opaque").refuse(refusal, request_id="r", problem=True)
    assert json.loads(answer.body)["error"]["type"] == "permission_error"
    assert Opaque("anthropic.opaque").parse(b"", length=0).dialect == "anthropic.opaque"
