"""The equivalence classes of the fingerprint, read from the text files beside this one, and the one pattern that finds them.

A class is a pair of surfaces that mean the same where its guards hold. A file's line is `NUMBER FIRST | SECOND [; GUARD ...]`. The
number is the class's place in every caller's code word: lines may be taken out, but a number is never used again, or old marks
would be read wrongly. `rates.txt` has, per number, how often clean text chooses the second surface (percent).

Guards, all of which must hold: `next W...`, `not-next W...`, `prev W...`, `not-prev W...` (words, or sets such as @subject), `word`
(a word follows after one space), `comma` (a comma follows), `then W...` (and behind it one of these), `later W...` (the second word
behind is one of these), `end` (the sentence ends), `start`, `inside` (stands first, or does not).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

__all__ = ["CLASSES", "CODE_BYTES", "FAMILIES", "FINDS", "LOOKUP", "OXFORD", "RATES", "TRIPLE", "Entry", "Guard", "Pair"]

CODE_BYTES = 1024
"""A caller's code word has a byte for each class number there can be."""

OXFORD = 960
"""The class of the comma before the last of four or more items; a rule of its own, not a line of a file."""

TRIPLE = 961
"""The class of the comma before the last of three items of one word each, all of them nouns by their endings; a rule likewise."""

_SETS: dict[str, str] = {
    "subject": "i you he she it we they anyone everyone someone anybody everybody somebody",
    "personal": "i you he she it we they who",
    "asking": "why how what who where when which whom whose than as whatever whoever wherever however so",
    "conjunction": "and or but because if as when than though while",
    "the": "the a an this that these those my your his her its our their all each both some any",
    "own": "the your my his her our their its",
    "det": "the a an this that his her my your our their its no any some each every in on at of for with",
    "participle": "been got had become gone done seen made taken given come grown found lost learned built heard written brought "
    "begun known left met set put won told spent kept ... ed",
    "ing": "... ing",
    "imperative": "add remember don't make consider be keep try use always check ensure take serve pour stir mix place cut prepare "
    "bring put set cover bake cook gather choose create write let open close turn press click run test review you we",
    "plural": "people children men women ... s",
    "base": "use create make take find need want begin start ask look work help try give tell show keep explore consider suggest "
    "recommend advise propose utilize employ ensure provide offer gather establish implement focus analyze examine approach explain "
    "describe add choose say call go see know think feel be bring build carry check collect combine communicate conduct continue "
    "design develop discuss draw engage enjoy emphasize encourage express follow introduce invite invest incorporate investigate join "
    "learn lead like love listen maintain note observe organize perform pay plan prefer prepare present prioritize promote protect "
    "pursue reach rely remain remind request research respond return search seek select send serve share speak spend stay study "
    "support teach test travel visit wish write advocate address adapt attempt appreciate argue assess assure avoid cast cook craft "
    "document determine demonstrate direct hope imagine urge act adjust apply aim allow assist",
    "kinds": "activities animals factors elements materials things topics foods ingredients resources technologies sources techniques "
    "features skills methods tools services products areas fields languages subjects events plants fruits vegetables spices herbs "
    "minerals metals gases issues problems challenges conditions practices systems structures devices languages nutrients emotions "
    "qualities values concepts themes aspects traits animals species countries cities regions planets phenomena substances products "
    "organizations industries diseases sports games instruments options strategies questions exercises measures items objects "
    "risks platforms services programs patterns landforms sectors landmarks rules concepts bodies virtues tasks interests purposes "
    "projects symbols chores locations tactics arts characteristics components functions hobbies jobs landmarks obstacles places "
    "policies principles procedures professions properties scenarios solutions supplies symptoms threats treatments vehicles",
    "matter": "way world place thing plant potion planet language life system process environment society future force device machine "
    "tool method approach project plan story tale book idea role spell ship structure surface substance material light power bond "
    "moment time technology resource landscape atmosphere event experience journey concept object element "
    "... s ion ment ity ness nce ism",
    "being": "says knows believes thinks means shows is was has does suggests ensures implies proves shows indicates feels hopes as "
    "humans individuals friends citizens students members others heroes ones those characters beings knights kings queens parents "
    "animals cats dogs girls boys gods goddesses colleagues guests mortals souls wizards elves pirates ancestors peoples professionals "
    "inhabitants residents allies enemies foes adversaries minds experts guys adults artists lords ladies hence since once companions "
    "champions guardians civilians humans aliens champion companion person audience prince princess guardian mention mentions "
    "mentioned witness ... ers ors ists ians ants nts ds",
}
"""Words that guards name together. After `...` stand endings."""

_NO_ENDING = frozenset(
    re.findall(
        r"\w+",
        "need indeed speed feed seed red bed thing nothing something anything everything king spring ring string bring evening morning "
        "during ceiling this his its is was has does as yes us thus always perhaps various previous serious less across success class "
        "process address focus plus business",
    )
)
"""Words that have an ending only by chance."""


class Guard(NamedTuple):
    """What must hold around a place; see the module."""

    follow: Callable[[str], bool] | None = None
    precede: Callable[[str], bool] | None = None
    then: Callable[[str], bool] | None = None
    later: Callable[[str], bool] | None = None
    word: bool = False
    comma: bool = False
    end: bool = False
    start: bool | None = None


class Pair(NamedTuple):
    """A class: its number, its two surfaces in lower case, its guard, and its file's name."""

    number: int
    surfaces: tuple[str, str]
    guard: Guard
    family: str


class Entry(NamedTuple):
    """One reading of a surface that was found: which class and variant it is, how long it is, and what the other variant is."""

    length: int
    number: int
    variant: int
    other: str
    guard: Guard


def _member(words: Iterable[str]) -> tuple[frozenset[str], tuple[str, ...]]:
    plain: set[str] = set()
    endings: list[str] = []
    for word in words:
        if not word.startswith("@"):
            plain.add(word)
            continue
        listed, _, tail = _SETS[word[1:]].partition("...")
        plain.update(listed.split())
        endings.extend(tail.split())
    return frozenset(plain), tuple(endings)


def _test(words: Iterable[str], wanted: bool) -> Callable[[str], bool]:
    """A predicate of the neighbouring word, which is empty where there is none."""
    plain, endings = _member(words)
    if not endings:
        return plain.__contains__ if wanted else lambda word: word not in plain
    return lambda word: (word in plain or (word.endswith(endings) and word not in _NO_ENDING)) is wanted


def _both(first: Callable[[str], bool] | None, second: Callable[[str], bool]) -> Callable[[str], bool]:
    return second if first is None else lambda word: first(word) and second(word)


def _guard(texts: Iterable[str]) -> Guard:
    guard = Guard()
    for text in texts:
        kind, *words = text.split()
        if kind in {"next", "not-next"}:
            guard = guard._replace(follow=_both(guard.follow, _test(words, kind == "next")))
        elif kind in {"prev", "not-prev"}:
            guard = guard._replace(precede=_both(guard.precede, _test(words, kind == "prev")))
        elif kind == "then":
            guard = guard._replace(then=_test(words, True))
        elif kind == "later":
            guard = guard._replace(later=_test(words, True))
        elif kind in {"start", "inside"}:
            guard = guard._replace(start=kind == "start")
        elif kind == "word":
            guard = guard._replace(word=True)
        elif kind == "comma":
            guard = guard._replace(comma=True)
        elif kind == "end":
            guard = guard._replace(end=True)
        else:
            raise ValueError(f"no guard is called {kind!r}")
    return guard


def _pair(line: str, family: str) -> Pair:
    head, *guards = line.split(" ; ")
    number, _, surfaces = head.partition(" ")
    first, _, second = surfaces.partition(" | ")
    return Pair(int(number), (first.strip(), second.strip()), _guard(guards), family)


def _lines(name: str) -> list[str]:
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _entries(pairs: Iterable[Pair]) -> dict[str, tuple[Entry, ...]]:
    """Surface to readings, the longest first: where guards reject it, the shorter surface that it begins with may still hold."""
    found: dict[str, list[Entry]] = {}
    for pair in pairs:
        for variant, surface in enumerate(pair.surfaces):
            found.setdefault(surface, []).append(Entry(len(surface), pair.number, variant, pair.surfaces[1 - variant], pair.guard))
    for surface in sorted(found, key=len):
        shorter = surface.rpartition(" ")[0]
        while shorter and shorter not in found:
            shorter = shorter.rpartition(" ")[0]
        found[surface].extend(found.get(shorter, ()))
    return {surface: tuple(entries) for surface, entries in found.items()}


def _trie(surfaces: Iterable[str]) -> str:
    """A pattern of all surfaces that shares their beginnings, the longest match first."""
    root: dict[str, dict[str, object]] = {}
    for surface in surfaces:
        node = root
        for letter in surface:
            node = node.setdefault(letter, {})  # type: ignore[assignment]
        node[""] = {}
    return _pattern(root)


def _pattern(node: dict[str, dict[str, object]]) -> str:
    stem = ""
    while len(node) == 1 and "" not in node:
        (letter, node), *_ = node.items()  # type: ignore[assignment]
        stem += re.escape(letter)
    ends = "" in node
    branches = [re.escape(letter) + _pattern(child) for letter, child in sorted(node.items()) if letter]  # type: ignore[arg-type]
    if not branches:
        return stem
    inner = branches[0] if len(branches) == 1 and not ends else f"(?:{'|'.join(branches)})"
    return f"{stem}{inner}?" if ends else stem + inner


FAMILIES = ("contractions", "connectives", "adverbs", "synonyms", "that")
CLASSES: tuple[Pair, ...] = tuple(_pair(line, family) for family in FAMILIES for line in _lines(f"{family}.txt"))
LOOKUP: dict[str, tuple[Entry, ...]] = _entries(CLASSES)
FINDS = re.compile(rf"[ (*—]({_trie(LOOKUP)})(?=[ ,;:!?)*—…\n]|\.(?!\w)|\Z)")
"""Finds what parts a surface from the word before it, and the surface as group 1, in lower-case text with a space put before it."""

RATES: dict[int, float] = {int(number): int(percent) / 100 for number, percent in map(str.split, _lines("rates.txt"))}
