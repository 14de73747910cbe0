"""The order of words."""

from __future__ import annotations

import pytest

from gateway.demo.grammar import FIRST, PLACES, next_place
from gateway.demo.vocabulary import VOCABULARY, token_id

SENTENCE = [" The", " old", " river", " often", " meets", " the", " forest", "."]


def walk(texts, place=FIRST, sentences=1):
    for text in texts:
        place = next_place(place, VOCABULARY[token_id(text)], sentences)
    return place


def test_a_sentence_leads_from_its_opening_to_a_break():
    assert walk(SENTENCE) == "break1"
    assert walk(SENTENCE, sentences=2) == "break2"
    assert walk(SENTENCE, sentences=9) == "break3"


def test_a_second_clause_ends_its_sentence():
    place = walk([*SENTENCE[:-1], " and", " the", " lake", " meets", " the", " hill"])
    assert set(PLACES[place]) == {"stop"}


def test_shares_of_a_place_make_one():
    for place, rules in PLACES.items():
        assert sum(share for share, _ in rules.values()) == pytest.approx(1.0), place


def test_every_place_that_follows_exists():
    following = {place for rules in PLACES.values() for _, place in rules.values()} - {"break"}
    assert following <= set(PLACES)


def test_a_token_that_no_rule_foresaw_leads_somewhere():
    for token in VOCABULARY:
        for place in PLACES:
            assert next_place(place, token, 0) in PLACES
