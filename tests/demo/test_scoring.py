"""How likely the model finds a text it is given."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from gateway.demo.ask import Ask, Prompt
from gateway.demo.scoring import score


def scored(text, **other):
    return list(score(Ask(Prompt(text), 0, top=2, **other)))


def likelihood(text):
    return sum(piece.logprob for piece in scored(text))


def test_its_own_kind_of_sentence_is_likelier_than_the_words_in_disorder():
    assert likelihood("The old river meets the forest.") > likelihood("river The forest old meets the.") + 20


@given(st.text(max_size=60))
def test_every_text_has_a_score(text):
    pieces = scored(text)
    assert "".join(piece.text for piece in pieces) == text
    assert all(math.isfinite(piece.logprob) and piece.logprob <= 0 and len(piece.top) == 2 for piece in pieces)


def test_a_piece_that_is_no_token_is_told_as_the_unlikeliest():
    assert scored("The zzz")[1].logprob < -10
