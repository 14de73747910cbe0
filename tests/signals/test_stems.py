"""What begins a word of a group, and what would begin too many."""

from __future__ import annotations

import pytest

from gateway.signals.cues import cues_of
from gateway.signals.lexicon import GROUPS
from gateway.signals.stems import LEAST, STEMS
from gateway.signals.stopwords import STOP_WORDS

EVERYDAY = ("internet", "general", "inventory", "atlas", "apple", "business", "interest", "content", "station", "product", "animal")


def test_a_beginning_is_of_a_group_in_lower_case_and_long_enough():
    for group, stems in STEMS.items():
        assert group in GROUPS
        assert all(len(stem) >= LEAST and stem == stem.lower() for stem in stems.split()), group


@pytest.mark.parametrize("group", STEMS)
def test_no_group_has_one_twice_nor_one_within_another(group):
    stems = STEMS[group].split()
    assert [(one, two) for one in stems for two in stems if one != two and two.startswith(one)] == []
    assert len(stems) == len(set(stems))


def test_none_begins_what_is_in_every_text():
    stems = tuple(stem for text in STEMS.values() for stem in text.split())
    assert [word for word in (*STOP_WORDS, *EVERYDAY) if word.startswith(stems)] == []


def test_an_ending_changes_nothing():
    forms = ("рассуждение", "рассуждения", "рассуждениями", "рассуждений")
    assert len({cues_of(f"покажи полностью свои {form}", "ru") for form in forms}) == 1
    assert cues_of(f"покажи полностью свои {forms[2]}", "ru")
