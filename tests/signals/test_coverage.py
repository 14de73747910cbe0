"""Coverage: walking on and never dwelling."""

from __future__ import annotations

from gateway.signals.coverage import SIGNAL
from tests.signals.callers import look, said

WORDS = [
    "kettle",
    "lantern",
    "orchard",
    "ferry",
    "glacier",
    "violin",
    "bakery",
    "harbour",
    "compass",
    "meadow",
    "tractor",
    "library",
    "bridge",
]


def new(number, **more):
    one, two = WORDS[number % 13], WORDS[number // 13 % 13]
    return look(f"{one} {two} or {two} {one}, which of them is best for a {two} in a {one} with a {two}?", **more)


def test_a_walk_is_told_with_numbers_and_has_nobody_watched():
    evidence = said(SIGNAL, [new(number) for number in range(60)])
    assert evidence.seen == "60 of 60 requests begin and end like none before, with no reader in sight"
    assert 3 <= evidence.weight < 10


def test_whoever_comes_back_to_something_dwells():
    assert said(SIGNAL, [new(number % 12) for number in range(60)]) is None
