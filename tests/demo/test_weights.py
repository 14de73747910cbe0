"""The last layer: what anyone who sees whole logit vectors can find out about it."""

from __future__ import annotations

import pytest

from gateway.demo.grammar import PLACES
from gateway.demo.vocabulary import SIZE
from gateway.demo.weights import HIDDEN, MOODS, W, hidden_state, logits
from gateway.demo.words import THEMES


def rank(rows, smallest=1e-9):
    """The rank of a matrix by Gaussian elimination with full pivoting over the columns of each row."""
    rows, found = [list(row) for row in rows], 0
    while rows:
        row = rows.pop()
        at = max(range(len(row)), key=lambda i: abs(row[i]))
        if abs(row[at]) < smallest:
            continue
        found += 1
        rows = [[a - other[at] / row[at] * b for a, b in zip(other, row, strict=True)] for other in rows]
    return found


def states():
    return [(place, theme, mood) for place in PLACES for theme in THEMES for mood in range(MOODS)][::23]


def test_logits_are_the_weights_times_the_hidden_state():
    place, theme, mood = "subject", "nature", 3
    h = hidden_state(place, theme, mood)
    told = logits(place, theme, mood)
    assert len(told) == len(W) == SIZE
    assert len(h) == HIDDEN
    for token in (0, 5, 700, SIZE - 1):
        assert told[token] == pytest.approx(sum(w * x for w, x in zip(W[token], h, strict=True)))


def test_whole_logit_vectors_span_exactly_the_hidden_dimensions():
    vectors = [logits(*state)[::16] for state in states()]  # 128 of the 2,048 tokens are plenty for 32 dimensions
    assert len(vectors) > 2 * HIDDEN
    assert rank(vectors) == HIDDEN


def test_fewer_answers_than_dimensions_show_only_so_many():
    assert rank([logits(*state)[::16] for state in states()[:10]]) == 10
