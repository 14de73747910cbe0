"""What is found within sentences: of the same groups, and each of some use."""

from __future__ import annotations

from gateway.signals.characters import CHARACTERS
from gateway.signals.lexicon import GROUPS


def test_what_is_found_by_characters_belongs_to_a_group():
    assert set(CHARACTERS) <= set(GROUPS)
    assert all(findings and all(not finding.isascii() for finding in findings) for findings in CHARACTERS.values())


def test_nothing_is_looked_for_that_another_one_finds():
    for findings in CHARACTERS.values():
        assert [one for one in findings for two in findings if one != two and two in one] == []
