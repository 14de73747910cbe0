"""Duty: round the clock, which proves next to nothing."""

from __future__ import annotations

from gateway.signals.duty import SIGNAL
from tests.signals.callers import look, said


def hours(*numbers):
    return [look("Where is Bonn?", at=number * 3_600_000_000) for number in numbers]


def test_days_without_idle_hours_are_told_and_worth_next_to_nothing():
    evidence = said(SIGNAL, hours(*range(100)))
    assert evidence.seen == "78 of 100 requests had a day behind them with no two idle hours"
    assert evidence.weight < 3


def test_whoever_sleeps_is_not():
    assert said(SIGNAL, hours(*(hour for hour in range(240) if hour % 24 < 18))) is None
