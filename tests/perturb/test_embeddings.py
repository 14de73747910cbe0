"""Altered embeddings: what is near stays near, and many of them show whose they are."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.perturb.embeddings import EmbeddingsOptions, _beyond, correlate, perturb, whitening

SECRET, OPTIONS = b"s" * 32, EmbeddingsOptions()


@pytest.fixture(scope="module")
def vectors():
    """1,200 vectors in 40 clusters, all on one side of the origin as embeddings are, and 100 questions near the first of them."""
    chance = np.random.default_rng(5)
    centres, base = chance.normal(size=(40, 384)), chance.normal(size=384)
    told = np.array([base + centres[number % 40] + 0.6 * chance.normal(size=384) for number in range(1200)])
    asked = told[:100] + 0.3 * chance.normal(size=(100, 384)) / 384**0.5
    return told / np.linalg.norm(told, axis=1, keepdims=True), asked / np.linalg.norm(asked, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def altered(vectors):
    return tuple(np.array([perturb(vector, SECRET, "k", OPTIONS) for vector in part]) for part in vectors)


def recall(asked, told, best):
    found = np.argsort(-asked @ told.T, axis=1)[:, :10]
    return np.mean([len(set(row) & set(other)) / 10 for row, other in zip(found, best, strict=True)])


def test_the_ten_nearest_stay_the_ten_nearest(vectors, altered):
    best = np.argsort(-vectors[1] @ vectors[0].T, axis=1)[:, :10]
    assert recall(altered[1], altered[0], best) >= 0.98
    assert recall(altered[1], vectors[0], best) >= 0.98, "with an index from before, too"


def test_lengths_are_kept_and_the_same_vector_gets_the_same_alteration(vectors, altered):
    assert np.allclose(np.linalg.norm(altered[0], axis=1), 1.0)
    assert np.array_equal(perturb(vectors[0][0], SECRET, "k", OPTIONS), altered[0][0])
    assert not np.array_equal(perturb(vectors[0][0], SECRET, "other", OPTIONS), altered[0][0])
    assert np.linalg.norm(perturb(3 * vectors[0][0], SECRET, "k", OPTIONS)) == pytest.approx(3.0)
    assert not perturb(np.zeros(384), SECRET, "k", OPTIONS).any()


def test_the_trace_is_found_with_the_callers_key_and_with_no_other(vectors, altered):
    white = whitening(altered[0])
    assert correlate(altered[0], SECRET, "k", white).p < 1e-6
    assert correlate(altered[0], SECRET, "k").z == pytest.approx(correlate(altered[0], SECRET, "k", white).z)
    others = [correlate(altered[0], SECRET, f"other {number}", white).p for number in range(40)]
    assert min(others) > 1e-3
    assert 0.3 < np.mean(others) < 0.7
    assert correlate(vectors[0], SECRET, "k").p > 1e-3, "unaltered ones show nothing"


def test_few_vectors_or_dimensions_say_nothing():
    assert correlate(np.ones((3, 64)), SECRET, "k").p == 1.0
    assert correlate(np.ones((30, 4)), SECRET, "k").p == 1.0


@pytest.mark.parametrize(("t", "freedom", "tail"), [(0.0, 10, 0.5), (1.812, 10, 0.05), (3.169, 10, 0.005), (-1.812, 10, 0.95)])
def test_the_tail_is_students(t, freedom, tail):
    assert _beyond(t, freedom) == pytest.approx(tail, rel=2e-3)
