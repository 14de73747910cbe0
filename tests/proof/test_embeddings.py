"""What altered embeddings keep and tell, at the shipped strength: nearest neighbours within the altered space and against an index from
before, and how strong the trace stands.

    pytest -m proof -s tests/proof/test_embeddings.py
"""

from __future__ import annotations

import numpy as np
import pytest

from gateway.perturb.embeddings import EmbeddingsOptions, correlate, perturb

SECRET = b"s" * 32
CLUSTERS, NEAREST = 60, 10


def drawn(dimensions, vectors, questions, seed):
    """Vectors and questions of unit length in clusters, all on one side of the origin as embeddings are."""
    chance = np.random.default_rng(seed)
    centres = chance.normal(size=(CLUSTERS, dimensions)) + 0.5

    def near(count):
        told = centres[chance.integers(CLUSTERS, size=count)] + 0.6 * chance.normal(size=(count, dimensions))
        return told / np.linalg.norm(told, axis=1, keepdims=True)

    return near(vectors), near(questions)


def nearest(questions, vectors):
    return np.argsort(-(questions @ vectors.T), axis=1)[:, :NEAREST]


def recall(found, right):
    return float(np.mean([len(set(one) & set(other)) / NEAREST for one, other in zip(found, right, strict=True)]))


@pytest.mark.proof
@pytest.mark.parametrize(("dimensions", "seeds", "least_z"), [(256, 5, 2.5), (1536, 2, 8.0)])
def test_honest_retrieval_keeps_98_of_100_neighbours_and_the_trace_is_told(dimensions, seeds, least_z):
    for seed in range(seeds):
        vectors, questions = drawn(dimensions, 2000, 200, seed)
        told, asked = (np.array([perturb(one, SECRET, "k", EmbeddingsOptions()) for one in many]) for many in (vectors, questions))
        right = nearest(questions, vectors)
        within, before = recall(nearest(asked, told), right), recall(nearest(asked, vectors), right)
        z, few = correlate(told, SECRET, "k").z, correlate(told[:200], SECRET, "k").z
        others = max(abs(correlate(told, SECRET, f"other{number}").z) for number in range(10))
        print(f"{dimensions} dimensions: {within:.3f} within, {before:.3f} before; z {z:.1f}, of 200 {few:.1f}, others {others:.1f}")
        assert min(within, before) >= 0.98
        assert z > least_z
        assert others < 4.5
