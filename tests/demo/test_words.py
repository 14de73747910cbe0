"""The demo's dictionary."""

from __future__ import annotations

import pytest

from gateway.demo.words import NOUNS, THEMES, VERBS, past, plural, third


@pytest.mark.parametrize(
    ("word", "form"),
    [("carry", "carries"), ("reach", "reaches"), ("hold", "holds"), ("enjoy", "enjoys"), ("pass", "passes"), ("fix", "fixes")],
)
def test_verbs_after_she(word, form):
    assert third(word) == form


@pytest.mark.parametrize(("word", "form"), [("leaf", "leaves"), ("city", "cities"), ("bus", "buses"), ("river", "rivers")])
def test_plurals(word, form):
    assert plural(word) == form


@pytest.mark.parametrize(("word", "form"), [("hold", "held"), ("carry", "carried"), ("move", "moved"), ("enjoy", "enjoyed")])
def test_past_forms(word, form):
    assert past(word) == form


def test_no_word_is_listed_twice():
    for words in (VERBS, *NOUNS.values()):
        assert len(set(words)) == len(words)
    assert len(THEMES) == 8
