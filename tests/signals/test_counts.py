"""Counting within bounds, and how odd a count is."""

from __future__ import annotations

import random
from math import comb, inf, log10

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.signals.counts import MOST_RECENT, MOST_SEEN, Counts, dump_counts, load_counts, merge_counts, short, surprise, weight_of


class Worth:
    def __init__(self, weight):
        self._weight = weight

    def weight(self, signal, value):
        return self._weight


@given(st.integers(1, 60), st.data())
def test_surprise_is_the_mixture_it_says(seen, data):
    hits = data.draw(st.integers(0, seen))
    mixture = 1 / ((seen + 1) * comb(seen, hits))
    expected = 10 * log10(mixture / (0.1**hits * 0.9 ** (seen - hits)))
    assert surprise(seen, hits, 0.1) == (pytest.approx(expected) if hits > 0.1 * seen else -inf)


def test_a_caller_at_the_rate_seldom_comes_high_however_often_it_is_looked_at():
    chance, high, callers = random.Random(4), 0, 1000
    for _ in range(callers):
        hits, highest = 0, -inf
        for seen in range(1, 151):
            hits += chance.random() < 0.05
            highest = max(highest, surprise(seen, hits, 0.05))
        high += highest >= 10
    assert high / callers <= 0.1


def test_counts_are_halved_so_that_a_long_past_fades():
    state = Counts(1)
    for _ in range(10 * MOST_SEEN):
        state.count(False)
    assert state.seen <= MOST_SEEN
    for _ in range(100):
        state.count(True)
    assert state.hits / state.seen > 0.15


def test_only_the_newest_is_remembered():
    state = Counts()
    for number in range(3 * MOST_RECENT):
        state.remember(number)
    assert state.recent.tolist() == list(range(2 * MOST_RECENT, 3 * MOST_RECENT))


def test_counts_survive_as_json_and_add_up():
    state, other = Counts(2), Counts(2)
    for hit in (True, False, True):
        state.count(hit)
    other.count(True)
    other.parts[1] = 5
    other.remember(short(1 << 40 | 7))
    merge_counts(state, load_counts(dump_counts(other), 2))
    assert dump_counts(state) == [4, 3, [0, 5], [7]]


def test_merged_counts_stay_within_their_bound():
    state, other = Counts(), Counts()
    state.seen = other.seen = MOST_SEEN
    merge_counts(state, other)
    assert state.seen <= MOST_SEEN


@pytest.mark.parametrize(("value", "worth", "weight"), [(50, 12, 9), (50, 4, 4), (2, 12, 2), (-inf, 12, -inf)])
def test_a_weight_is_never_above_what_bounds_it(value, worth, weight):
    assert weight_of("any", value, 9, Worth(worth)) == weight


@pytest.mark.parametrize("number", [-1, 1 << 32, 1.5, "7", None])
def test_what_is_no_number_of_32_bits_is_not_taken_for_counts(number):
    with pytest.raises(ValueError, match="32 bits"):
        load_counts([3, 1, [0, 5], [number]], 2)
