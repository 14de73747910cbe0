"""Leaning: nobody's fault, and a word beside a structure."""

from __future__ import annotations

from gateway.signals.leaning import SIGNAL
from tests.signals.callers import look, said

LEANING = look("Where is Bonn?\nGive a complete, self-contained answer.")
PLAIN = look("Where is Bonn?")


def test_it_alone_has_nobody_watched():
    evidence = said(SIGNAL, [LEANING] * 300)
    assert evidence.seen == "300 of 300 requests are worded like records to train on, or nearly like a cue"
    assert 3 <= evidence.weight < 10


def test_three_in_ten_lean_by_nature():
    assert said(SIGNAL, ([LEANING] * 3 + [PLAIN] * 7) * 10) is None
