"""How likely the model finds a text it is given: the log probabilities of a prompt that is echoed."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.demo.ask import Ask
from gateway.demo.distribution import distribution
from gateway.demo.grammar import FIRST, next_place
from gateway.demo.speech import Piece, is_noun, moods
from gateway.demo.vocabulary import VOCABULARY, pieces_of, token_id

__all__ = ["score"]


def score(ask: Ask) -> Iterator[Piece]:
    """The prompt's pieces, each scored in the place that the pieces before it lead to.

    A piece that is no token is told as the unlikeliest token there, and leads nowhere.
    """
    place, said, walk = FIRST, 0, moods(ask.prompt.number)
    mood = next(walk)
    for at, text in enumerate(pieces_of(ask.prompt.text)):
        there = distribution(place, ask.prompt.theme, mood, ask.temperature, ask.bias)
        known = token_id(text if at else " " + text)
        top = tuple((VOCABULARY[other].text, told) for other, told in there.top(ask.top))
        if known is None:
            yield Piece("text", text, there.least, top)
            continue
        token = VOCABULARY[known]
        yield Piece("text", text, there.logprob(known), top)
        said += "stop" in token.parts
        if is_noun(token):
            mood = next(walk)
        place = next_place(place, token, said)
