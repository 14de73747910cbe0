"""The demo's tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.demo.grammar import PLACES
from gateway.demo.vocabulary import END, PARTS, SIZE, VOCABULARY, count_tokens, pieces_of, theme_of, token_id
from gateway.demo.words import THEMES


def test_ids_and_texts_are_one_to_one():
    assert len(VOCABULARY) == SIZE
    assert [token.id for token in VOCABULARY] == list(range(SIZE))
    assert len({token.text for token in VOCABULARY}) == SIZE
    assert all(token_id(token.text) == token.id for token in VOCABULARY)
    assert token_id("no such token") is None
    assert VOCABULARY[END].text == ""


def test_every_part_that_the_grammar_asks_for_has_tokens():
    spoken = {part for token in VOCABULARY for part in token.parts}
    assert spoken == set(PARTS) == {part for rules in PLACES.values() for part in rules}


@given(st.text())
def test_pieces_put_together_are_the_text_again(text):
    assert "".join(pieces_of(text)) == text
    assert count_tokens(text) == len(pieces_of(text))


def test_words_of_the_vocabulary_are_one_piece_each():
    text = "The river crosses the old forest."
    assert count_tokens(text) == 7
    assert all(token_id(piece) is not None for piece in pieces_of(text)[1:])


@pytest.mark.parametrize(
    ("text", "theme"),
    [("a river and a forest", "nature"), ("Pancakes?", "food"), ("my PASSWORD, my keyboard", "machine"), ("", THEMES[3])],
)
def test_the_theme_is_that_of_the_nouns(text, theme):
    assert theme_of(text, 3) == theme
