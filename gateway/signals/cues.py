"""What a wording asks for, as bits: the model's own reasoning as it is, records to train on, grades to train on.

A single word proves nothing ("reasoning", "full", "instructions" are everybody's). A cue is a meeting, within a breath of
neighbouring sentences, of *what* is asked for, *how* it shall be shaped, and the absence of a reader: "explain your reasoning to the
student" is none, "your complete reasoning with every dead end" is one. Each group of `gateway.signals.lexicon` that is met gives or
takes points; a cue needs one group of each of its cores, and its points. One point less leans towards it. Nothing of the text stays
but the mask.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.signals.characters import CHARACTERS
from gateway.signals.lexicon import GROUPS
from gateway.signals.stems import LEAST, STEMS
from gateway.signals.stopwords import STOP_WORDS

__all__ = ["CUES", "CUE_MASK", "FIGURES", "LEANS", "LEAN_MASK", "cues_of", "names_of"]

CUES: dict[str, int] = {"reasoning": 1, "hidden": 2, "backfill": 4, "records": 8, "grading": 16, "trajectory": 32}
"""Bit by name. `reasoning`: the model's own and whole. `hidden`: the same as it is kept from readers. `backfill`: reasoning written for
an answer that is already there. `records`: instructions, prompts or dialogues to train on. `grading`: preferences or scores to train
on. `trajectory`: whole runs of an agent to train on."""

LEANS: dict[str, int] = {"nearly": 64, "form": 128, "tools": 256, "whole_answer": 512}
"""What leans towards a harvest and is no cue. `nearly`: a cue, but for a point. `form`: the text is laid out as a record to train on.
`tools`: tools are told of in the user's words. `whole_answer`: an answer that needs nothing else, as good as can be."""

FIGURES = 1024
"""The text has several numbers, or is code: what is asked can be checked by its result. Says nothing by itself."""

CUE_MASK = sum(CUES.values())
LEAN_MASK = sum(LEANS.values())

_LOOKED_AT = 900
"""Characters of the beginning and of the end: what is wanted stands there, what it is wanted for stands between."""
_MOST_SENTENCES = 40
_MOST_WORDS = 40
_BREATH = 34
"""Words of neighbouring sentences that are read together."""

_BITS = {group: 1 << place for place, group in enumerate(GROUPS)}
_SENTENCES = re.compile(r"[.!?;]\s|\n+|[。！？；]")
_TOKENS = re.compile(r"</?[^\W\d_]+|[^\W\d_]+")
_PLAIN = {
    code: "\n" if chr(code) in ".!?;\n" else chr(code).lower() if chr(code).isalpha() or code == 60 else " " for code in range(128)
}
"""ASCII without what is neither a letter nor the opening of a tag; what ends a sentence ends a line."""
_UNSPACED = re.compile("[\u0600-\u06ff\u0900-\u097f\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""A wrapper of such a script around a text in another one is read by characters as well."""
_BY_CHARACTERS = frozenset({"zh", "ja", "ko", "hi", "ar", "th", ""})

_POINTS: dict[str, tuple[tuple[tuple[str, ...], ...], dict[str, int], int]] = {
    "reasoning": (
        (("reasoning", "tag", "mind", "think"), ("reasoning", "tag", "mind", "hidden", "own", "dump")),
        {
            "reasoning": 3, "tag": 2, "mind": 2, "think": 1, "whole": 3, "long": 3, "each": 1, "hidden": 3, "stray": 3, "cut": 3,
            "dump": 1, "own": 1, "after": 1, "reader": -6, "explain": -3, "mine": -1, "fiction": -5, "code": -3, "denied": -3,
            "product": -3, "keep": -3,
        },
        7,
    ),
    "backfill": (
        (("reasoning", "tag", "mind"), ("answer", "given", "shape", "after"), ("make", "rewrite", "led")),
        {
            "reasoning": 3, "tag": 2, "mind": 2, "answer": 2, "given": 2, "rewrite": 3, "make": 1, "led": 2, "stray": 2, "hidden": 2,
            "long": 1,
            "each": 1, "shape": 1, "steps": 1,
            "simulate": 1,
            "own": -1, "reader": -5, "explain": -3, "mine": -2, "fiction": -4, "code": -3, "product": -3,
        },
        8,
    ),
    "records": (
        (("items", "shape", "training", "asked"), ("make", "training", "rewrite", "simulate")),
        {
            "make": 1, "items": 2, "training": 3, "learner": 2, "shape": 2, "spread": 2, "answer": 1, "asked": 1, "many": 1,
            "data": 1, "user": 1, "simulate": 1, "rewrite": 1, "human": 1, "best": 1,
            "reader": -3, "mine": -1, "fiction": -3, "code": -4, "product": -4, "explain": -3,
        },
        7,
    ),
    "grading": (
        (("grade", "both", "preference"), ("preference", "training", "virtues", "human"), ("grade", "both", "shape", "answer")),
        {
            "grade": 2, "preference": 3, "training": 3, "virtues": 3, "both": 2, "shape": 1, "answer": 1, "learner": 1,
            "rejected": 3, "data": 2, "human": 2,
            "reader": -4, "mine": -1, "explain": -3, "code": -3, "product": -4,
        },
        7,
    ),
    "trajectory": (
        (("trajectory", "agent"), ("agent", "reasoning", "episode", "tag"), ("trajectory", "whole", "each", "simulate", "steps",
        "training", "long")),
        {
            "trajectory": 3, "agent": 2, "reasoning": 2, "whole": 3, "each": 1, "long": 1, "simulate": 4, "steps": 2, "why": 2,
            "training": 3, "dump": 1, "make": 1, "data": 1, "tag": 1, "access": -4,
            "reader": -3, "mine": -1, "code": -4, "product": -3,
        },
        8,
    ),
    "whole_answer": (
        (("respond",), ("best", "whole")),
        {
            "respond": 2, "best": 3, "whole": 2, "own": 1, "answer": 1, "reader": -4, "explain": -3, "mine": -2, "fiction": -3,
            "code": -3,
            "product": -4, "denied": -2, "grade": -3,
        },
        5,
    ),
}  # fmt: skip
"""By cue or lean: cores (of each, one group must be met), points by group, points needed. `cut`: a negation with `trim`.
`denied`: a negation
without."""


def _table() -> dict[str, int]:
    table: dict[str, int] = {}
    for group, words in GROUPS.items():
        for word in words.split():
            # Tags are tokens of their own, so that the word "think" is not taken for the tag.
            for token in (f"<{word}", f"</{word}") if group == "tag" else (word,):
                table[token] = table.get(token, 0) | _BITS[group]
    # Small words are half of every text: that most of them are of no group is known at once.
    return dict.fromkeys(STOP_WORDS, 0) | table


def _stems() -> dict[str, list[tuple[str, int]]]:
    table: dict[str, list[tuple[str, int]]] = {}
    for group, stems in STEMS.items():
        for stem in stems.split():
            table.setdefault(stem[:LEAST], []).append((stem, _BITS[group]))
    return table


_TABLE = _table()
_STEMS = _stems()
_FINDINGS = tuple((finding, _BITS[group]) for group, findings in CHARACTERS.items() for finding in findings)
_BITS |= {"cut": 1 << len(GROUPS), "denied": 2 << len(GROUPS)}


def _mask(groups: tuple[str, ...]) -> int:
    return sum(_BITS[group] for group in groups)


_RULES = tuple(
    (
        {**CUES, **LEANS}[cue],
        tuple(_mask(core) for core in cores),
        tuple((_BITS[group], worth) for group, worth in points.items()),
        needed,
    )
    for cue, (cores, points, needed) in _POINTS.items()
)
_WANTED = sum({_BITS[group] for cores, _, _ in _POINTS.values() for group in cores[0]})
"""Each cue needs one of these."""

_MOST_JUDGED = 20_000
_JUDGED: dict[int, int] = {}
"""What groups that met come to, by their mask: the same few meet again and again."""


def cues_of(text: str, language: str) -> int:
    """The mask of the cues in a text, and of the lean `nearly`; `language` as `gateway.signals.text.language_of` says it."""
    cues = 0
    lately: list[tuple[int, int]] = []
    # Few of them are in a text at all: the others need not be looked for in each sentence.
    unspaced = not text.isascii() and (language in _BY_CHARACTERS or _UNSPACED.search(text) is not None)
    findings = [found for found in _FINDINGS if found[0] in text] if unspaced else []
    for sentence, words in _sentences(text):
        if not words:
            continue
        met = _met(words if len(words) <= _MOST_WORDS else words[: _MOST_WORDS // 2] + words[-_MOST_WORDS // 2 :])
        for finding, group in findings:
            if finding in sentence:
                met |= group
        together, room = met, _BREATH - len(words)
        for before, (groups, long) in enumerate(reversed(lately)):
            room -= long
            if room < 0:
                del lately[: len(lately) - before]
                break
            together |= groups
        lately.append((met, len(words)))
        # Most sentences have nothing to meet in them: no more is asked of those.
        if together & _WANTED:
            found = _JUDGED.get(together)
            cues |= _judged(together) if found is None else found
    return cues


def _met(words: list[str]) -> int:
    """The groups of a row of words."""
    met = 0
    for word in words:
        found = _TABLE.get(word)
        if found is not None:
            met |= found
        elif word[:LEAST] in _STEMS:
            for stem, groups in _STEMS[word[:LEAST]]:
                if word.startswith(stem):
                    met |= groups
        elif word[0] == "<":
            met |= _TABLE.get(word.lstrip("</"), 0)
    return met


def names_of(mask: int) -> tuple[str, ...]:
    """The names of the cues in a mask."""
    return tuple(name for name, bit in CUES.items() if mask & bit)


def _sentences(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each sentence with its words."""
    pieces = [text] if len(text) <= 2 * _LOOKED_AT else [text[:_LOOKED_AT], text[-_LOOKED_AT:]]
    for piece in pieces:
        if piece.isascii():
            lines = piece.replace("</", "<").replace("<", " <").translate(_PLAIN).split("\n", _MOST_SENTENCES)
            yield from [(line, line.split()) for line in lines[:_MOST_SENTENCES]]
        else:
            parts = _SENTENCES.split(piece.lower(), _MOST_SENTENCES)
            yield from [(part, _TOKENS.findall(part)) for part in parts[:_MOST_SENTENCES]]


def _judged(met: int) -> int:
    """The cues of groups that met."""
    seen = met
    if met & _BITS["negation"]:
        seen |= _BITS["cut"] if met & _BITS["trim"] else _BITS["denied"]
    cues = 0
    for bit, cores, points, needed in _RULES:
        if not all(seen & core for core in cores):
            continue
        worth = sum([points_of for group, points_of in points if seen & group])
        if worth >= needed:
            cues |= bit
            if bit == CUES["reasoning"] and seen & _BITS["hidden"]:
                cues |= CUES["hidden"]
        elif worth == needed - 1 and not bit & LEAN_MASK:
            cues |= LEANS["nearly"]
    if len(_JUDGED) >= _MOST_JUDGED:
        _JUDGED.clear()
    _JUDGED[met] = cues
    return cues
