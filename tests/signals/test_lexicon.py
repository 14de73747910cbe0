"""The table of words: clean."""

from __future__ import annotations

from gateway.signals.lexicon import GROUPS


def test_words_are_single_and_in_lower_case():
    for group, words in GROUPS.items():
        assert words.split(), group
        assert words == words.lower()
        assert all(word.isalpha() for word in words.split()), group
