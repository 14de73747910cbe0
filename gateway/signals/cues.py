"""What a wording asks for, as bits: the model's own reasoning as it is, records to train on, grades to train on.

A single word proves nothing ("reasoning", "full", "instructions" are everybody's). A cue is a meeting, within one sentence, of *what*
is asked for, *how* it shall be shaped, and the absence of a reader: "explain your reasoning to the student" is none, "your complete
reasoning with every dead end" is one. Groups of words stand in `gateway.signals.lexicon`; nothing of the text stays but the mask.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.signals.lexicon import CHARACTERS, GROUPS

__all__ = ["CUES", "cues_of", "names_of"]

CUES: dict[str, int] = {"reasoning": 1, "hidden": 2, "backfill": 4, "records": 8, "grading": 16, "trajectory": 32}
"""Bit by name. `reasoning`: the model's own and whole. `hidden`: the same as it is kept from readers. `backfill`: reasoning written for
an answer that is already there. `records`: instructions, prompts or dialogues to train on. `grading`: preferences or scores to train
on. `trajectory`: whole runs of an agent to train on."""

_LOOKED_AT = 900
"""Characters of the beginning and of the end: what is wanted stands there, what it is wanted for stands between."""
_MOST_SENTENCES = 40
_MOST_WORDS = 40

_BITS = {group: 1 << place for place, group in enumerate(GROUPS)}
_SENTENCES = re.compile(r"[.!?;:]\s|\n+|[。！？；]")
_TOKENS = re.compile(r"</?\w+|\w+")
_NO_SPACES = frozenset({"zh", "ja", "ko"})


def _table() -> dict[str, int]:
    table: dict[str, int] = {}
    for group, words in GROUPS.items():
        for word in words.split():
            # Tags are tokens of their own, so that the word "think" is not taken for the tag.
            for token in (f"<{word}", f"</{word}") if group == "tag" else (word,):
                table[token] = table.get(token, 0) | _BITS[group]
    return table


_TABLE = _table()


def _mask(*groups: str) -> int:
    return sum(_BITS[group] for group in groups)


_MEETINGS: tuple[tuple[str, int, int], ...] = (
    ("reasoning", _mask("reasoning", "whole"), _mask("reader")),
    ("reasoning", _mask("tag", "whole"), _mask("reader")),
    ("hidden", _mask("reasoning", "hidden"), _mask("reader", "denied")),
    ("hidden", _mask("tag", "hidden"), _mask("reader", "denied")),
    ("backfill", _mask("make", "reasoning", "answer", "given"), _mask("reader")),
    ("trajectory", _mask("trajectory", "whole"), _mask("reader")),
    ("trajectory", _mask("trajectory", "training"), 0),
    ("records", _mask("make", "items", "training"), 0),
    ("grading", _mask("grade", "training", "shape"), 0),
    ("grading", _mask("grade", "preference", "training"), 0),
    ("grading", _mask("grade", "preference", "shape"), _mask("reader")),
    ("grading", _mask("grade", "pairing", "shape"), 0),
)
"""Cue, the groups that must meet in a sentence, the groups that must not be in it."""

_LOOSE_MEETINGS: tuple[tuple[str, int, int], ...] = (
    ("records", _mask("make", "items", "learner", "spread"), 0),
    ("records", _mask("make", "items", "shape", "spread"), 0),
    ("backfill", _mask("rewrite", "reasoning", "answer"), _mask("reader")),
    ("backfill", _mask("rewrite", "tag", "answer"), _mask("reader")),
)
"""The same where a sentence and the next will do, because it is often said in two breaths."""

_WANTED = _mask("reasoning", "tag", "trajectory", "make", "grade", "rewrite")
"""Each meeting needs one of these."""


def cues_of(text: str, language: str) -> int:
    """The mask of the cues in a text; `language` as `gateway.signals.text.language_of` says it."""
    cues = before = 0
    for sentence in _sentences(text):
        met = _met(sentence)
        if language in _NO_SPACES:
            met |= _met_by_characters(sentence)
        # Most sentences have nothing to meet in them: no more is asked of those.
        if (met | before) & _WANTED:
            cues |= _found(_MEETINGS, met) | _found(_LOOSE_MEETINGS, met | before)
        before = met
    return cues


def names_of(mask: int) -> tuple[str, ...]:
    """The names of the cues in a mask."""
    return tuple(name for name, bit in CUES.items() if mask & bit)


def _sentences(text: str) -> Iterator[str]:
    pieces = [text] if len(text) <= 2 * _LOOKED_AT else [text[:_LOOKED_AT], text[-_LOOKED_AT:]]
    for piece in pieces:
        yield from _SENTENCES.split(piece.lower(), _MOST_SENTENCES)[:_MOST_SENTENCES]


def _found(meetings: tuple[tuple[str, int, int], ...], met: int) -> int:
    cues = 0
    for cue, needed, barred in meetings:
        if met & needed == needed and not met & barred:
            cues |= CUES[cue]
    return cues


def _met(sentence: str) -> int:
    met = 0
    for word in _TOKENS.findall(sentence)[:_MOST_WORDS]:
        if word in _TABLE:
            met |= _TABLE[word]
    return met


def _met_by_characters(sentence: str) -> int:
    met = 0
    for group, findings in CHARACTERS.items():
        if any(finding in sentence for finding in findings):
            met |= _BITS[group]
    return met
