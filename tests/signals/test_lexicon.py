"""The table of words: clean, and the same groups in every script."""

from __future__ import annotations

from gateway.signals.lexicon import CHARACTERS, GROUPS


def test_words_are_single_and_in_lower_case():
    for group, words in GROUPS.items():
        assert words.split(), group
        assert words == words.lower()
        assert all(word.isalpha() for word in words.split()), group


def test_what_is_found_by_characters_belongs_to_a_group():
    assert set(CHARACTERS) <= set(GROUPS)
    assert all(findings and all(not finding.isascii() for finding in findings) for findings in CHARACTERS.values())
