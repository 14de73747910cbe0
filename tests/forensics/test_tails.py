"""Tails: exact by the lattice, against every possible outcome; the saddlepoint beside it."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from gateway.forensics.tails import FAINTEST, Lattice, saddlepoint


def every_outcome(weights):
    return sorted(sum(itertools.compress(weights, bits)) for bits in itertools.product((0, 1), repeat=len(weights)))


@pytest.mark.parametrize("weights", [(1, 2, 3, 4, 5), (-3, 7, 0, 2, -5, 9, 1, 1, -2, 4), (10,)])
def test_the_lattice_counts_every_outcome(weights):
    lattice, sums = Lattice(np.array(weights)), every_outcome(weights)
    for score in range(sums[0], sums[-1] + 1):
        share = sum(value >= score for value in sums) / len(sums)
        assert lattice.log10_p(np.array([score]))[0] == pytest.approx(math.log10(share), abs=1e-9)


def test_saddlepoint_and_lattice_agree_far_into_the_tail():
    weights = np.random.default_rng(5).integers(-60, 60, 400)
    lattice = Lattice(weights)
    middle, most = int(weights.sum() / 2), int(weights[weights > 0].sum())
    for score in range(middle + 50, middle + (most - middle) * 3 // 4, 200):
        exact = float(lattice.log10_p(np.array([score]))[0])
        assert saddlepoint(weights, score) == pytest.approx(exact, abs=0.01)


def test_copies_are_a_sum_of_independent_callers():
    weights = np.random.default_rng(6).integers(-40, 40, 60)
    three = Lattice(np.concatenate([weights] * 3))
    for score in range(int(weights.sum() * 3 / 2) + 100, int(weights[weights > 0].sum() * 2), 150):
        assert saddlepoint(weights, score, 3) == pytest.approx(float(three.log10_p(np.array([score]))[0]), abs=0.02)


def test_the_ends_of_the_scale():
    weights = np.array([3, -2, 5])
    assert saddlepoint(weights, -2) == 0.0
    assert saddlepoint(weights, 8) == pytest.approx(-3 * math.log10(2))
    assert saddlepoint(weights, 9) == FAINTEST
    assert Lattice(weights).log10_p(np.array([-100, 100])).tolist() == pytest.approx([0.0, -3 * math.log10(2)])


def test_below_the_middle_it_is_likelier_than_a_half():
    weights = np.random.default_rng(7).integers(1, 50, 200)
    score = int(weights.sum() / 2) - 120
    assert saddlepoint(weights, score) == pytest.approx(float(Lattice(weights).log10_p(np.array([score]))[0]), abs=0.01)
