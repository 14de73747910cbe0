"""Stop texts in a stream."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.demo.stops import StopWatch

TEXT = st.text("ab", max_size=6)


def through(pieces, stops):
    """The text let through, and the stop text found."""
    watch, out = StopWatch(stops), ""
    for piece in pieces:
        out += "".join(watch.feed(piece, piece))
        if watch.cut is not None:
            return out + watch.cut[1], watch.found
    return out + "".join(watch.flush()), None


def test_what_may_begin_a_stop_text_waits():
    watch = StopWatch(("END",))
    assert watch.feed(1, "so E") == []
    assert watch.feed(2, "N") == []
    assert watch.feed(3, "ter") == [1, 2, 3]


def test_the_item_a_stop_text_begins_in_is_cut():
    watch = StopWatch(("END",))
    watch.feed(1, "the EN")
    assert watch.feed(2, "D.") == []
    assert watch.found == "END"
    assert watch.cut == (1, "the ")


@given(st.lists(TEXT), st.lists(TEXT.filter(bool), max_size=3).map(tuple))
def test_the_text_before_the_first_stop_text_comes_through_however_it_is_cut(pieces, stops):
    whole = "".join(pieces)
    places = [(whole.find(stop), stop) for stop in stops if stop in whole]
    told, found = through(pieces, stops)
    if found is None:
        assert (told, places) == (whole, [])
    else:
        assert whole.startswith(told + found)
        assert all(stop not in told for stop in stops)


def test_a_very_long_stop_text_costs_no_more_than_the_text():
    watch = StopWatch(("a" * 1_000_000,))
    for _ in range(2000):
        watch.feed(0, "b")
    assert watch.cut is None
