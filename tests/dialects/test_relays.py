"""Relays by themselves: what is kept back, what a broken end leads to, and how large a copy may grow."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.base import Seen
from gateway.dialects.relays import BodyCopy, CopiedRelay, EventRelay, Part, Unread, WholeRelay, field, relay_of
from gateway.dialects.sse import data_of
from gateway.model.decision import Refusal
from gateway.model.request import NO_USAGE
from tests.dialects.streams import CUTS, EVENTS, JSON, chunked, cut_at, let_on

BROKE = Refusal("upstream_broken", 502, "It broke off.", "upstream.broken")


class Words:
    """A watch whose events say themselves what they are."""

    def __init__(self):
        self.words = []

    def event(self, raw):
        word = data_of(raw)
        self.words.append(word)
        return (b"" if word == b"hidden" else raw), {b"last": Part.LAST, b"end": Part.END}.get(word, Part.ON)

    def seen(self):
        return Seen(NO_USAGE, finish=b",".join(self.words).decode())

    def counted(self):
        return self.words.count(b"a")

    def ending(self):
        return b"data: cut\n\n"

    def error_event(self, refusal):
        return b"data: error\n\n"


def stream(*words):
    return b"".join(b"data: %s\n\n" % word.encode() for word in words)


def fed(relay, data, cuts=()):
    return b"".join(relay.feed(piece) for piece in chunked(data, cuts))


@pytest.mark.parametrize(
    ("words", "before", "end"),
    [
        (["a", "b"], ["a", "b"], []),
        (["a", "last"], ["a"], ["last"]),
        (["last", "b", "last"], ["last", "b"], ["last"]),
        (["a", "last", "end"], ["a", "last"], ["end"]),
        (["a", "end", "b", "last"], ["a"], ["end", "b", "last"]),
        (["last", "hidden", "end"], ["last"], ["end"]),
        (["last", "hidden"], [], ["last"]),
        (["hidden"], [], []),
    ],
)
def test_the_end_is_kept_back(words, before, end):
    relay = EventRelay(Words())
    assert fed(relay, stream(*words)) == stream(*before)
    assert relay.finish() == stream(*end)


@given(st.lists(st.sampled_from(["a", "last", "end", "hidden"]), max_size=8), CUTS)
def test_any_chunking_hands_on_the_same_bytes_before_and_after(words, cuts):
    whole, cut = EventRelay(Words()), EventRelay(Words())
    assert fed(cut, stream(*words), cuts) == fed(whole, stream(*words))
    assert cut.finish() == whole.finish()
    assert cut.seen() == whole.seen()


def test_what_follows_an_end_without_end_is_not_held_without_end():
    relay = EventRelay(Words())
    relay.feed(stream("end"))
    flood = b": " + b"x" * 100_000 + b"\n\n"
    out = [relay.feed(flood) for _ in range(80)]
    assert sum(map(len, out)) > 2_000_000
    assert b"".join(out) + relay.finish() == stream("end") + flood * 80


def test_a_failed_stream_gives_the_error_and_none_of_what_was_kept_back():
    relay = EventRelay(Words())
    assert relay.feed(stream("a", "last") + b"data: hal") == stream("a")
    assert relay.fail(BROKE) == b"data: error\n\n"


@given(st.binary(min_size=1, max_size=200), CUTS)
def test_any_other_answer_keeps_back_its_last_bytes_and_never_none(body, cuts):
    relay = WholeRelay(Unread())
    out = fed(relay, body, cuts)
    end = relay.finish()
    assert (out + end, bool(end), relay.fail(BROKE)) == (body, True, None)
    assert relay.feed(b"") == b""


@given(st.binary(max_size=300), CUTS, st.integers(1, 300), st.integers(1, 60))
def test_a_copy_is_whole_or_has_both_edges(body, cuts, limit, edge):
    copy = BodyCopy(limit, edge)
    for piece in chunked(body, cuts):
        copy.add(piece)
    assert copy.size == len(body)
    if copy.whole:
        assert copy.body() == body
    else:
        head, tail = copy.edges()
        assert body.startswith(head)
        assert body.endswith(tail)
        assert (len(head), len(tail)) == (min(edge, len(head)), min(edge, len(body)))
        assert copy.body() == b""


def test_a_copy_never_grows_far_beyond_its_limit():
    copy = BodyCopy(limit=1000, edge=100)
    for _ in range(1000):
        copy.add(b"x" * 90)
        assert copy._kept <= 1090
    assert copy.size == 90_000


@pytest.mark.parametrize(
    ("headers", "events", "kind"),
    [
        (EVENTS, True, EventRelay),
        ([(b"content-type", b"Text/Event-Stream")], True, EventRelay),
        (EVENTS, False, WholeRelay),
        (JSON, True, WholeRelay),
        ([], True, WholeRelay),
        ([*EVENTS, (b"content-encoding", b"identity")], True, EventRelay),
        ([*EVENTS, (b"content-encoding", b"gzip")], True, CopiedRelay),
        ([*EVENTS, (b"content-encoding", b"unheard-of")], True, WholeRelay),
    ],
)
def test_the_relay_goes_by_type_and_encoding(headers, events, kind):
    assert type(relay_of(headers, events=Words if events else None, whole=Unread)) is kind


def test_a_compressed_stream_is_read_in_a_copy():
    relay = relay_of([*EVENTS, (b"content-encoding", b"deflate")], events=Words, whole=Unread)
    wire = zlib.compress(stream("a", "last", "end"))
    assert fed(relay, wire, [5, 5, 5]) + relay.finish() == wire
    assert relay.seen().finish == "a,last,end"
    assert relay.fail(BROKE) is None


def test_a_header_is_found_by_its_lower_case_name():
    assert field(JSON, b"content-type") == b"application/json"
    assert field(JSON, b"content-encoding") is None


ANY_WORDS = st.lists(st.sampled_from(["a", "b", "last", "end", "hidden"]), max_size=12)


@given(ANY_WORDS, CUTS, st.integers(0, 6))
def test_a_stream_is_cut_after_the_event_that_exceeds_the_bound_however_it_comes_in(words, cuts, bound):
    out, end = cut_at(EventRelay(Words()), stream(*words), bound, cuts)
    over = [place for place, word in enumerate(words, 1) if word == "a" and words[:place].count("a") > bound]
    ended = "end" in (words[: over[0]] if over else words)
    shown = [word for word in (words if ended or not over else words[: over[0]]) if word != "hidden"]
    if over and not ended:
        assert out + end == stream(*shown, "cut")
    else:
        assert (out + end).startswith(stream(*shown[: shown.index("end") + 1] if ended else shown))
    assert end.endswith(stream("cut")) is (bool(over) and not ended)


@given(ANY_WORDS, CUTS, st.lists(st.integers(0, 9), max_size=4))
def test_a_stream_that_is_let_go_on_is_the_same_as_one_without_a_bound(words, cuts, bounds):
    whole = EventRelay(Words())
    assert let_on(EventRelay(Words()), stream(*words), bounds, cuts) == (fed(whole, stream(*words)), whole.finish())


def test_what_came_along_with_the_event_that_exceeds_the_bound_waits():
    relay = EventRelay(Words())
    assert relay.go_on(1) == b""
    assert relay.feed(stream("a", "a", "b", "a", "b")) == stream("a", "a")
    assert (relay.waits, relay.counted()) == (True, 2)
    assert (relay.go_on(1), relay.waits) == (b"", True)
    assert (relay.go_on(2), relay.waits) == (stream("b", "a"), True)
    assert (relay.go_on(None), relay.waits) == (stream("b"), False)


def test_an_answer_that_cannot_be_ended_early_never_waits_and_is_not_cut():
    gzip = [*EVENTS, (b"content-encoding", b"deflate")]
    for relay in (WholeRelay(Unread()), relay_of(gzip, events=Words, whole=Unread)):
        assert relay.go_on(0) == b""
        relay.feed(zlib.compress(stream("a", "a")))
        assert (relay.waits, relay.counted(), relay.cut()) == (False, 0, None)


def test_a_stream_is_not_cut_in_the_midst_of_an_event_too_large_to_keep_back():
    relay = EventRelay(Words())
    relay.go_on(0)
    relay.feed(stream("a") + b"data: " + b"x" * 5_000_000)
    assert relay.waits
    assert relay.cut() is None
