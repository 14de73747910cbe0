"""Ramp: a young account at full rate, which proves next to nothing."""

from __future__ import annotations

import pytest

from gateway.signals.ramp import SIGNAL
from tests.signals.callers import look, said

NOW = 1_790_000_000


def requests(gap, created):
    return [look("Where is Bonn?", at=(NOW + number * gap) * 1_000_000, created=created) for number in range(80)]


def test_full_rate_within_the_first_days_is_told_and_worth_next_to_nothing():
    evidence = said(SIGNAL, requests(4, NOW - 600))
    assert evidence.seen == "79 of 80 requests came within seconds of each other from an account not three days old"
    assert evidence.weight < 3


@pytest.mark.parametrize(
    ("gap", "created"), [(90, NOW - 600), (4, NOW - 9 * 86_400), (4, None), (4, "soon"), (4, NOW + 86_400)],
    ids=["slow", "old", "of unknown age", "no number", "not made yet"],
)  # fmt: skip
def test_anything_else_is_not(gap, created):
    assert said(SIGNAL, requests(gap, created)) is None
