"""The counting signals: silent below their least count and at an honest share, capped above, and said in numbers."""

from __future__ import annotations

import pytest

from gateway.signals.counting import Counting
from gateway.signals.counts import Counts


class Knocking(Counting):
    name, kind, rate, least, most, told = "knocking", "structure", 0.25, 4, 9.0, "knock twice"


class Open:
    """A baseline that bears out whatever is said."""

    def weight(self, signal, value):
        return value


def state(hits, seen):
    made = Counts()
    for number in range(seen):
        made.count(number < hits)
    return made


@pytest.mark.parametrize(("hits", "seen"), [(3, 3), (0, 50), (25, 100)])
def test_too_few_hits_or_an_honest_share_say_nothing(hits, seen):
    assert Knocking().weigh(state(hits, seen), 0, Open()) is None


def test_a_share_above_the_honest_one_is_told_with_its_numbers_and_capped():
    evidence = Knocking().weigh(state(40, 50), 0, Open())
    assert (evidence.signal, evidence.kind, evidence.weight) == ("knocking", "structure", 9.0)
    assert evidence.seen == "40 of 50 requests knock twice"
    assert evidence.threshold == "more than 25% of the requests"
