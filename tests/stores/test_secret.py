"""The rules for a secret."""

from __future__ import annotations

import pytest

from gateway.errors import SettingsError
from gateway.stores.secret import SHORTEST, agreed, candidate


def test_a_fresh_secret_is_long_and_another_each_time():
    assert len(candidate(None)) >= SHORTEST
    assert candidate(None) != candidate(None)


def test_a_proposed_secret_is_taken_as_it_is():
    assert candidate(b"s" * SHORTEST) == b"s" * SHORTEST


def test_a_short_one_is_refused_without_being_shown():
    with pytest.raises(SettingsError, match="at least 32") as refused:
        candidate(b"hunter2")
    assert "hunter2" not in str(refused.value)


def test_another_than_the_kept_one_is_refused_without_showing_either():
    assert agreed(b"k" * 32, None, "here") == b"k" * 32
    assert agreed(b"k" * 32, b"k" * 32, "here") == b"k" * 32
    with pytest.raises(SettingsError, match="that here was made with") as refused:
        agreed(b"k" * 32, b"p" * 32, "here")
    assert "kkk" not in str(refused.value)
    assert "ppp" not in str(refused.value)
