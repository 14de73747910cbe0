"""Sorting with little memory: the same order as in memory, whatever the number of runs."""

from __future__ import annotations

import random
import tracemalloc

import pytest

from gateway.audit.ordering import ordered


@pytest.mark.parametrize("run_bytes", [1 << 20, 2_000, 300])
def test_lines_come_by_number_and_equal_ones_as_they_came(run_bytes):
    dice = random.Random(5)
    pairs = [(dice.randrange(50), b"line %d\n" % number) for number in range(500)]
    expected = [line for _, line in sorted(pairs, key=lambda pair: pair[0])]
    assert list(ordered(iter(pairs), run_bytes=run_bytes, most_runs=3)) == expected


def test_nothing_is_nothing_and_a_number_below_zero_counts_as_zero():
    assert list(ordered([])) == []
    assert list(ordered([(0, b"a\n"), (-5, b"b\n"), (10**17, b"c\n")])) == [b"a\n", b"b\n", b"c\n"]


def test_what_is_held_in_memory_is_bounded_however_many_lines_there_are():
    pairs = ((number, b"%d %b\n" % (number, b"." * 990)) for number in range(20_000, 0, -1))
    tracemalloc.start()
    try:
        lines = ordered(pairs, run_bytes=500_000, most_runs=8)
        assert [int(line.split()[0]) for line in lines] == list(range(1, 20_001))
        assert tracemalloc.get_traced_memory()[1] < 6_000_000
    finally:
        tracemalloc.stop()
