"""Answers read as documents and written again: what no edit changed keeps its bytes."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.altering import read_document, rewriting, written
from gateway.errors import UpstreamError

JSON = [(b"content-type", b"application/json; charset=utf-8")]
EVENTS = [(b"content-type", b"text/event-stream")]


class Nothing:
    """Edits that change nothing."""

    def event(self, document):
        return [document]

    def whole(self, document):
        return None

    def rest(self):
        return []

    def telling(self, document):
        return None


class Renaming(Nothing):
    """Edits that put an event of another type before each, and write `b` for `a`."""

    def event(self, document):
        return [{"type": "before"}, {**document, "text": "b"}]

    def whole(self, document):
        document["text"] = "b"


STREAM = b': hello\n\nevent: x\nid: 7\ndata: {"type": "x", "text":"a", "n": 1.50}\n\ndata: [DONE]\n\n'


@given(st.lists(st.integers(1, len(STREAM) - 1), max_size=6))
def test_a_stream_that_is_not_changed_keeps_its_bytes_in_any_chunks(cuts):
    places = [0, *sorted(set(cuts)), len(STREAM)]
    rewrites = rewriting(Nothing(), 200, EVENTS)
    out = b"".join(rewrites.feed(STREAM[a:b]) for a, b in pairwise(places)) + rewrites.rest()
    assert out == STREAM


def test_an_event_that_is_made_anew_has_its_own_name():
    rewrites = rewriting(Renaming(), 200, EVENTS)
    assert rewrites.feed(b'event: x\ndata: {"type":"x","text":"a","n":1.50}\n\n') == (
        b'event: before\ndata: {"type":"before"}\n\nevent: x\ndata: {"type":"x","text":"b","n":1.50}\n\n'
    )


def test_a_whole_answer_is_held_to_its_end():
    rewrites = rewriting(Renaming(), 200, JSON)
    assert rewrites.feed(b'{"text": "a",') == b""
    assert rewrites.feed(b' "big": 12345678901234567890123, "n": 1e-7}') == b""
    assert rewrites.rest() == b'{"text":"b","big":12345678901234567890123,"n":1E-7}'


def test_errors_and_other_kinds_of_answer_are_not_altered():
    assert rewriting(Nothing(), 404, JSON) is None
    assert rewriting(Nothing(), 200, [(b"content-type", b"image/png")]) is None
    assert rewriting(Nothing(), 200, []) is None


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        (JSON, b"[]"),
        (JSON, b"{"),
        (EVENTS, b"data: {no\n\n"),
        ([*JSON, (b"content-encoding", b"br")], b"x"),
        (EVENTS, b"data: " + b"x" * 5_000_000),
    ],
)
def test_what_cannot_be_read_is_refused(fields, body):
    rewrites = rewriting(Nothing(), 200, fields)
    with pytest.raises(UpstreamError):
        _ = rewrites.feed(body) + rewrites.rest()


def test_numbers_keep_their_spelling_and_half_characters_pass():
    assert read_document(b'{"a":0.10}') == {"a": Decimal("0.10")}
    assert written(read_document(b'{"a":0.10}')) == b'{"a":0.10}'
    assert written(read_document(b'{"a":"\\ud83d"}')) == b'{"a":"\\ud83d"}'
    with pytest.raises(ValueError, match="not a JSON object"):
        read_document(b"1")
