"""The demo's tokens: 2,048 pieces of text, each with the parts it can play in a sentence and the themes it belongs to.

A piece that begins a word carries the space before it, which is left out at the beginning of a text, as in the tokenizers of real
models. Token 0 ends the text. What the grammar never asks for (past forms, capitalised nouns, numbers) fills the vocabulary up, so
that it has a long tail like a real one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.demo.words import ADJECTIVES, ADVERBS, CLOSED, NOUNS, PREPOSITIONS, THEMES, VERBS, past, plural, third

__all__ = ["END", "PARTS", "SIZE", "VOCABULARY", "Token", "count_tokens", "pieces_of", "theme_of", "token_id"]

SIZE = 2048
END = 0
PARTS: tuple[str, ...] = (
    "end", "start", "starts", "lead", "comma", "det", "dets", "adj", "noun", "nouns", "verb3", "verb", "adv", "prep", "conj", "stop",
)  # fmt: skip
"""The parts of speech, one direction of the model's hidden space each. `s` and `3` stand for plural nouns and singular verbs."""

_PIECE = re.compile(r" ?[぀-ヿ㐀-鿿가-힯]| ?[^\W_]{1,14}|\s+|_|[^\w\s]")


_VERBS = tuple(verb for verb in VERBS if all(verb not in nouns for nouns in NOUNS.values()))
"""A verb that is a noun too would be drawn where its theme pulls it: `the stars signal the stars`."""


@dataclass(frozen=True, slots=True)
class Token:
    """One token. `themes` may be several: a market belongs to work and to the city. No parts: the grammar never asks for it."""

    id: int
    text: str
    parts: frozenset[str]
    themes: frozenset[str]


def _entries() -> Iterator[tuple[str, str, str]]:
    """(text, part, theme) of every use of a word, those the grammar asks for first."""
    yield "", "end", ""
    for part, texts in CLOSED.items():
        yield from ((text, part, "") for text in texts)
    for theme, nouns in NOUNS.items():
        yield from ((" " + noun, "noun", theme) for noun in nouns)
        yield from ((" " + plural(noun), "nouns", theme) for noun in nouns)
    yield from ((" " + word, "adj", "") for word in ADJECTIVES)
    yield from ((" " + third(verb), "verb3", "") for verb in _VERBS)
    yield from ((" " + verb, "verb", "") for verb in _VERBS)
    yield from ((" " + word, "adv", "") for word in ADVERBS)
    yield from ((" " + word, "prep", "") for word in PREPOSITIONS)


def _fillers() -> Iterator[str]:
    yield from (" " + past(verb) for verb in VERBS)
    for nouns in NOUNS.values():
        yield from (noun.capitalize() for noun in nouns)
    yield from (word.capitalize() for word in ADJECTIVES)
    yield from ("!", "?", ":", ";", "\n", "\n\n", " -", "(", ")")
    yield from (f" {number}" for number in range(SIZE))


def _vocabulary() -> tuple[Token, ...]:
    uses: dict[str, tuple[set[str], set[str]]] = {}
    for text, part, theme in _entries():
        parts, themes = uses.setdefault(text, (set(), set()))
        parts.add(part)
        themes.update({theme} - {""})
    for text in _fillers():
        if len(uses) == SIZE:
            break
        uses.setdefault(text, (set(), set()))
    return tuple(Token(i, text, frozenset(p), frozenset(t)) for i, (text, (p, t)) in enumerate(uses.items()))


VOCABULARY = _vocabulary()
_IDS = {token.text: token.id for token in VOCABULARY}
_THEME_OF = {word: theme for theme, nouns in NOUNS.items() for noun in nouns for word in (noun, plural(noun))}


def token_id(text: str) -> int | None:
    """The id of a token by its exact text, None where there is no such token."""
    return _IDS.get(text)


def pieces_of(text: str) -> list[str]:
    """Any text in pieces about the size of tokens; put together they are the text again."""
    return _PIECE.findall(text)


def count_tokens(text: str) -> int:
    """How many tokens a text comes to."""
    return sum(1 for _ in _PIECE.finditer(text))


def theme_of(text: str, otherwise: int) -> str:
    """The theme most of a text's nouns belong to; where it has none of ours, one picked by the number given."""
    counts = dict.fromkeys(THEMES, 0)
    for word in re.findall(r"[a-z]+", text.lower()[:20_000]):
        theme = _THEME_OF.get(word)
        if theme is not None:
            counts[theme] += 1
    best = max(THEMES, key=counts.__getitem__)
    return best if counts[best] else THEMES[otherwise % len(THEMES)]
