"""The nearest known word."""

from __future__ import annotations

import pytest

from gateway.policy.nearest import did_you_mean, nearest

WORDS = ["limits", "when_state_is_lost", "shadow", "models"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("limts", "limits"),
        ("LIMITS", "limits"),
        ("when-state-is-lost", "when_state_is_lost"),
        ("shad", "shadow"),
        ("zzz", None),
        ("", None),
    ],
)
def test_the_word_most_like_it(typed, meant):
    assert nearest(typed, WORDS) == meant


def test_where_none_is_near_all_are_told():
    assert did_you_mean("zzz", ["a", "b"]) == "known: a, b"
    assert did_you_mean("limts", WORDS) == "did you mean 'limits'?"
    assert did_you_mean("x", []) == "none is known here"
