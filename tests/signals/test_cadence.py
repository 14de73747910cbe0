"""Cadence: a machine's pace, which proves next to nothing."""

from __future__ import annotations

from gateway.signals.cadence import SIGNAL
from tests.signals.callers import look, said


def at(*seconds):
    return [look("Where is Bonn?", at=int(second * 1e6)) for second in seconds]


def test_a_steady_pace_is_told_and_worth_next_to_nothing():
    evidence = said(SIGNAL, at(*range(0, 6000, 60)))
    assert evidence.seen == "98 of 100 requests came at the same distance as the one before"
    assert evidence.weight < 3


def test_gaps_that_grow_are_no_pace():
    assert said(SIGNAL, at(*(number * number for number in range(1, 15)))) is None


def test_all_at_once_is_no_pace():
    assert said(SIGNAL, at(*[7] * 100)) is None
