"""The demo speaking: pieces of an answer, one token after another, each with the log probability it was drawn with.

What has a form to keep (JSON, a tool's arguments, the opening of a reasoning) is recited: its pieces are certain, with a log
probability of zero, as under constrained decoding. Under a seed the same request gives the same text; at temperature 0 it always does.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from gateway.demo.ask import Ask
from gateway.demo.distribution import Distribution, distribution
from gateway.demo.example import example
from gateway.demo.grammar import FIRST, next_place
from gateway.demo.stops import StopWatch
from gateway.demo.vocabulary import END, VOCABULARY, Token, pieces_of
from gateway.demo.weights import MOODS

__all__ = ["Draft", "Finish", "Part", "Piece", "is_noun", "moods"]

Part = Literal["reasoning", "text", "arguments"]
Finish = Literal["stop", "length", "stop_text", "tool"]
_NOUNS = frozenset({"noun", "nouns"})
_NEVER = -1e6
_LONGEST_PHRASE = 60


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text of an answer, one token of it. `logprob` natural; `top` the likeliest tokens there, with theirs."""

    part: Part
    text: str
    logprob: float = 0.0
    top: tuple[tuple[str, float], ...] = ()


class Draft:
    """One answer in the making: iterate its pieces once. `finish`, `stop_text` and the counts hold when the iteration is over."""

    def __init__(self, ask: Ask, index: int = 0) -> None:
        self.ask = ask
        self.finish: Finish = "stop"
        self.stop_text: str | None = None
        self.tokens = 0
        self.reasoning_tokens = 0
        self._dice = random.Random(None if ask.seed is None else f"{ask.seed}/{ask.prompt.number}/{index}")  # noqa: S311 - text, no secret
        self._bias = (*ask.bias, (END, _NEVER)) if ask.ignore_end else ask.bias

    def __iter__(self) -> Iterator[Piece]:
        for piece in self._wanted():
            if self.tokens >= self.ask.max_tokens:
                self.finish = "length"
                return
            self.tokens += 1
            self.reasoning_tokens += piece.part == "reasoning"
            yield piece

    def _wanted(self) -> Iterator[Piece]:
        if self.ask.reason:
            yield from self._reasoning()
        if self.ask.tool is not None:
            yield from self._json("arguments", self.ask.tool[1])
            self.finish = "tool"
        elif self.ask.schema is not None:
            yield from self._json("text", self.ask.schema)
        else:
            yield from self._watched(self._speak("text"))

    def _watched(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        """Ends the pieces before a stop text, which is never told."""
        watch = StopWatch[Piece](self.ask.stops)
        for piece in pieces:
            yield from watch.feed(piece, piece.text)
            if watch.cut is not None:
                self.finish, self.stop_text = "stop_text", watch.found
                cut, kept = watch.cut
                if kept:
                    yield replace(cut, text=kept)
                return
        yield from watch.flush()

    def _reasoning(self) -> Iterator[Piece]:
        opening = f"The request is about {self.ask.prompt.theme}, so the answer should be too."
        yield from (Piece("reasoning", text) for text in pieces_of(opening))
        yield from self._speak("reasoning", sentences=1, begun=True)

    def _json(self, part: Part, schema: object) -> Iterator[Piece]:
        value = example(schema, self._phrase, self._dice)
        yield from (Piece(part, text) for text in pieces_of(json.dumps(value, ensure_ascii=False)))

    def _phrase(self) -> str:
        """One sentence, for a string in JSON."""
        return "".join(piece.text for piece in islice(self._speak("text", sentences=1), _LONGEST_PHRASE))

    def _speak(self, part: Part, *, sentences: int | None = None, begun: bool = False) -> Iterator[Piece]:
        """Tokens of the model until it ends the text, or this many sentences are said. `begun`: text stands before it already.

        Each noun moves the mood on, by steps that the prompt decides: a text does not circle around the same words, and other
        prompts get other answers, also at temperature 0.
        """
        ask, place, said = self.ask, FIRST, 0
        walk = moods(ask.prompt.number + len(part))
        mood = next(walk)
        while said != sentences:
            there = distribution(place, ask.prompt.theme, mood, ask.temperature, self._bias)
            token = VOCABULARY[there.draw(self._dice.random(), ask.top_p)]
            if token.id == END:
                return
            yield self._piece(part, token, there, begun)
            said += "stop" in token.parts
            if is_noun(token):
                mood = next(walk)
            place, begun = next_place(place, token, said), True

    def _piece(self, part: Part, token: Token, there: Distribution, begun: bool) -> Piece:
        if self.ask.top < 0 or part != "text":
            return Piece(part, _text(token, begun))
        top = tuple((_text(VOCABULARY[other], begun), told) for other, told in there.top(self.ask.top))
        return Piece(part, _text(token, begun), there.logprob(token.id), top)


def _text(token: Token, begun: bool) -> str:
    return token.text if begun else token.text.lstrip(" ")


def is_noun(token: Token) -> bool:
    """Whether a token moves the mood on."""
    return bool(token.parts & _NOUNS)


def moods(number: int) -> Iterator[int]:
    """Moods, no two alike in a row, that a prompt's number decides."""
    mood = number % MOODS
    while True:
        yield mood
        number = (number * 6364136223846793005 + 1442695040888963407) % 2**64  # Knuth's MMIX generator
        mood = (mood + 1 + (number >> 33) % (MOODS - 1)) % MOODS
