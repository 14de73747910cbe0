"""The demo's last layer: logits = W h, with W of 2,048 x 32 and h of 32 numbers, like the output projection of a real model.

So whoever sees enough full logit vectors finds that they lie in a space of 32 dimensions, and can recover W up to a linear map
(Carlini et al., "Stealing Part of a Production Language Model", 2024): experiments with that attack have something true to find.

Sixteen directions of h say which parts of speech a place asks for, eight which theme is spoken of, eight vary with the text's mood.
As W h is a sum of the two halves, each half is multiplied out once and kept.
"""

from __future__ import annotations

import math
import random
from functools import cache
from operator import add, mul

from gateway.demo.grammar import PLACES
from gateway.demo.vocabulary import PARTS, SIZE, VOCABULARY, Token
from gateway.demo.words import THEMES

__all__ = ["HIDDEN", "MOODS", "W", "hidden_state", "logits", "mood_logits", "place_logits"]

HIDDEN = 32
MOODS = 8
_SEED = "a stand-in, not a model"
_BASE = 20.0
"""How far above the rest the words are that a place asks for: about one word in twenty thousand is drawn against the grammar."""
_THEME_PULL = 5.0
_SPREAD = 0.4
"""How far the mood moves nouns, verbs and adjectives; words of the small classes it hardly moves."""
_OPEN_CLASSES = frozenset({"noun", "nouns", "verb3", "verb", "adj", "adv"})
_SPARE = HIDDEN - len(PARTS) - len(THEMES)


def _weights() -> tuple[tuple[float, ...], ...]:
    dice = random.Random(_SEED)  # noqa: S311 - fixed numbers, not secrets
    rows = []
    for token in VOCABULARY:
        parts = [float(part in token.parts) + dice.gauss(0, 0.03) for part in PARTS]
        themes = [float(theme in token.themes) + dice.gauss(0, 0.05) for theme in THEMES]
        spare = _SPREAD if token.parts & _OPEN_CLASSES else 0.05
        rows.append((*parts, *themes, *(dice.gauss(0, spare) for _ in range(_SPARE))))
    return tuple(rows)


W: tuple[tuple[float, ...], ...] = _weights()
"""One row of 32 per token."""


def _usual_weight(token: Token) -> float:
    """exp of what theme and mood add to a token's logit, on the average over themes and moods (a log-normal's mean)."""
    by_theme = sum(math.exp(_THEME_PULL * (theme in token.themes)) for theme in THEMES) / len(THEMES)
    return by_theme * (math.exp(_SPARE * _SPREAD**2 / 2) if token.parts & _OPEN_CLASSES else 1.0)


_MASS = {part: sum(_usual_weight(token) for token in VOCABULARY if part in token.parts) for part in PARTS}


@cache
def _place_half(place: str) -> tuple[float, ...]:
    """Points at the parts a place asks for, so that each is drawn about as often as the grammar says."""
    dice = random.Random(f"{_SEED}/{place}")  # noqa: S311 - fixed numbers, not secrets
    rules = PLACES[place]
    pull = {part: _BASE + math.log(share / _MASS[part]) for part, (share, _) in rules.items()}
    return tuple(pull.get(part, 0.0) + dice.gauss(0, 0.1) for part in PARTS)


@cache
def _mood_half(theme: str, mood: int) -> tuple[float, ...]:
    dice = random.Random(f"{_SEED}/{theme}/{mood}")  # noqa: S311 - fixed numbers, not secrets
    themes = (_THEME_PULL * (theme == other) + dice.gauss(0, 0.3) for other in THEMES)
    return (*themes, *(dice.gauss(0, 1.0) for _ in range(_SPARE)))


def hidden_state(place: str, theme: str, mood: int) -> tuple[float, ...]:
    """h of a place in a text of this theme and mood (0 to 7): 32 numbers."""
    return _place_half(place) + _mood_half(theme, mood)


@cache
def place_logits(place: str) -> list[float]:
    """What the place adds to each token's logit."""
    half = _place_half(place)
    return [sum(map(mul, row, half)) for row in W]


@cache
def mood_logits(theme: str, mood: int) -> list[float]:
    """What theme and mood add to each token's logit."""
    half = _mood_half(theme, mood)
    return [sum(map(mul, row[HIDDEN - len(half) :], half)) for row in W]


def logits(place: str, theme: str, mood: int) -> list[float]:
    """W h: one number for each of the 2,048 tokens."""
    return list(map(add, place_logits(place), mood_logits(theme, mood)))


if len(W) != SIZE:
    raise AssertionError(f"the dictionary gives {len(W)} tokens instead of {SIZE}")
