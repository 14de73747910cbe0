"""Events are cut the same way in whatever chunks a stream comes, and nothing of it is lost or written anew."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.sse import EventSplitter, Fragment, data_of, name_of, with_data

ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
LINES = st.sampled_from([b"data: a", b"data:b", b"data", b": comment", b"event: e", b"id: 1", b"data: \xc3\xa9", b"datax: 1", b""])
STREAMS = st.lists(st.tuples(LINES, ENDS), max_size=14).map(lambda pairs: b"".join(line + end for line, end in pairs))
CUTS = st.lists(st.integers(1, 9), max_size=40)


def chunks(stream, cuts):
    at = 0
    for cut in cuts:
        if at >= len(stream):
            break
        yield stream[at : at + cut]
        at += cut
    yield stream[at:]


def split(stream, cuts=(), limit=1000):
    splitter = EventSplitter(limit)
    pieces = [piece for chunk in chunks(stream, cuts) for piece in splitter.feed(chunk)]
    return [*pieces, splitter.rest()]


def by_the_standard(stream):
    """What a client dispatches, line by line as the standard tells it: (name, data) of each event with data."""
    text = stream.decode().removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    events, name, data = [], "", []
    for line in text.split("\n")[:-1]:
        if not line:
            if data:
                events.append((name, "\n".join(data)))
            name, data = "", []
        elif not line.startswith(":"):
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            data += [value] if field == "data" else []
            name = value if field == "event" else name
    return events


@given(STREAMS, CUTS)
def test_any_chunking_gives_the_same_pieces_and_all_bytes(stream, cuts):
    pieces = split(stream, cuts)
    assert pieces == split(stream)
    assert b"".join(pieces) == stream


@given(STREAMS, CUTS, st.booleans())
def test_the_data_read_is_what_the_standard_dispatches(stream, cuts, mark):
    stream = (b"\xef\xbb\xbf" if mark else b"") + stream + b"\n\n"
    read = [(name_of(piece).decode(), data_of(piece).decode()) for piece in split(stream, cuts)]
    assert [event for event in read if event[1]] == [event for event in by_the_standard(stream) if event[1]]


@given(STREAMS, CUTS)
def test_an_event_over_the_limit_passes_in_fragments_and_the_next_is_read_again(stream, cuts):
    big = b"data: " + b"x" * 60 + b"\n\n"
    pieces = split(stream + b"\n\n" + big + b"data: after\n\n", cuts, limit=50)
    assert b"".join(pieces) == stream + b"\n\n" + big + b"data: after\n\n"
    assert data_of(pieces[-2]) == b"after"
    assert all(len(piece) <= 50 for piece in pieces if not isinstance(piece, Fragment))
    assert not any(b"xx" in piece for piece in pieces if not isinstance(piece, Fragment))


def test_an_oversized_event_is_not_held_while_it_comes():
    splitter = EventSplitter(limit=10)
    out = splitter.feed(b"data: " + b"x" * 100)
    assert len(b"".join(out)) == 103
    assert splitter.inside
    splitter.feed(b"\n\n")
    assert not splitter.inside


def test_a_carriage_return_waits_for_what_may_be_its_other_half():
    splitter = EventSplitter()
    assert splitter.feed(b"data: a\r\n\r") == []
    assert splitter.feed(b"\ndata: b\r\n\r\n") == [b"data: a\r\n\r\n", b"data: b\r\n\r\n"]


def test_a_plain_event_in_one_chunk_is_given_out_as_the_very_same_object():
    splitter = EventSplitter()
    splitter.feed(b"data: first\n\n")
    chunk = b"data: {}\n\n"
    assert splitter.feed(chunk)[0] is chunk


@pytest.mark.parametrize(
    ("raw", "name", "data"),
    [
        (b"data: {}\n\n", b"", b"{}"),
        (b"data:{}\r\n\r\n", b"", b"{}"),
        (b"event: error\ndata: 1\ndata:  2\n\n", b"error", b"1\n 2"),
        (b"\n: note\n\n", b"", b""),
        (b"data\n\n", b"", b""),
        (Fragment(b"data: {}\n\n"), b"", b""),
    ],
)
def test_an_event_is_read_by_its_fields(raw, name, data):
    assert (name_of(raw), data_of(raw)) == (name, data)


@pytest.mark.parametrize(
    ("raw", "result"),
    [
        (b"data: old\n\n", b"data: new\n\n"),
        (b"id: 7\r\ndata:old\r\n: note\r\n\r\n", b"id: 7\r\ndata:new\r\n: note\r\n\r\n"),
        (b"data: o\ndata: ld\nid: 7\n\n", b"data: new\nid: 7\n\n"),
        (b": only a comment\n\n", b": only a comment\n\n"),
    ],
)
def test_other_data_leaves_the_rest_of_the_event_alone(raw, result):
    assert with_data(raw, b"new") == result
