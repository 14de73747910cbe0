"""Where a text can be said in two ways: the places that are marked, and the same places when a suspect text is read.

One walk serves both, so that what was written is what is found. A place's position in the code word is its class's own bit, or one of
seven bits of class and word before it, half of the contexts each: the former survives rewording, the latter gives more bits.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import chain
from typing import NamedTuple
from zlib import crc32

from gateway.perturb.fingerprint_classes import CODE_BYTES, FINDS, LOOKUP, OXFORD, TRIPLE, Entry, Guard
from gateway.perturb.fingerprint_text import Piece, Sentences, is_english

__all__ = ["POSITIONS", "Pick", "Place", "places", "position_of", "said"]

POSITIONS = CODE_BYTES * 8
"""How many positions a code word has; a position is a class's number times eight plus 0 (its own bit) or 1 to 7 (a context's)."""

Pick = Callable[[int, int], int]
"""Of a position and the variant that stands there, the variant that shall."""

_NEXT = re.compile(r" [*(]?([a-z]+(?:'[a-z]+)*)")
_LATER = re.compile(r",? [*(]?[a-z]+(?:'[a-z]+)*,? ([a-z]+(?:'[a-z]+)*)")
_LAST = re.compile(r"([a-z]+(?:'[a-z]+)*)[*)]? $")
_LETTER = re.compile(r"[a-z]")
_SERIES = re.compile(r", ([a-z-]+(?: [a-z-]+)?)(,?) (?:and|or) [a-z-]+(?=[ .;:!?\n]|\Z)")
_ITEM = re.compile(r"[a-z-]+(?: [a-z-]+)?")
_WORD = re.compile(r"[a-z-]+")
_NOUN = r"[a-z-]*[a-rt-z-](?:s|ion|ity|lty|ness|ment|nce|ism|ship|gth|dom|cy|gy)"
_LIKE = rf"(?:[a-z-]*(?:al|ic|ive|ous|ful|ed|ing|able|ible|ary) )?{_NOUN}"
_THREE = re.compile(rf", ({_LIKE})(,?) (?:and|or) {_LIKE}(?=[.;:!?])")
_FIRST = re.compile(_NOUN)
_DEEP = 25
"""Three items are a list only where a sentence has begun: before them "In cities, cars and buses" would be one."""
_ARTICLE = re.compile(r"(?:^|[^\w'’-])([Aa]n?) $")
_SOUND_VOWEL = re.compile(r"(?!one|once|uni|use|usu)[aeiou]|hour|honest")


class Place(NamedTuple):
    """Characters `start` to `end` of a text, the position of the code word they speak of, and the variant (0 or 1) that is there."""

    start: int
    end: int
    position: int
    variant: int


def position_of(number: int, before: str) -> int:
    """The position of a class after a word (lower case, empty where there is none)."""
    mixed = (crc32(before.encode(), number) * 0x9E3779B1 >> 12) & 15
    return number * 8 + (0 if mixed < 8 else mixed - 8 or 7)


def places(text: str) -> list[Place]:
    """The places of a whole text in order, found as `said` finds them when the text passes in pieces."""
    sentences, found, at = Sentences(), [], 0
    for piece in chain(sentences.feed(text), sentences.finish()):
        here = piece.text

        def note(start: int, end: int, position: int, variant: int, at: int = at) -> int:
            found.append(Place(at + start, at + end, position, variant))
            return variant

        _walk(piece, note)
        at += len(here)
    return found


def said(piece: Piece, pick: Pick) -> tuple[str, int]:
    """A piece with each place in the variant that `pick` wants, and how many places changed. What is not a place stays as it is."""
    return _walk(piece, lambda start, end, position, variant: pick(position, variant))


def _walk(piece: Piece, choose: Callable[[int, int, int, int], int]) -> tuple[str, int]:
    text = piece.text
    if not piece.open:
        return text, 0
    lowered = text.lower()
    if "’" in lowered:
        lowered = lowered.replace("’", "'")
    padded = " " + lowered
    match = FINDS.search(padded)
    series = _listed(padded) if ", " in lowered else None
    if (match is None and series is None) or len(lowered) != len(text) or not is_english(lowered):
        return text, 0
    first = _LETTER.search(lowered)
    head = first.start() if first and piece.begins else -1
    parts: list[str] = []
    done = changed = 0
    last, last_end = "", -1
    while match is not None or series is not None:
        comma = series is not None and (match is None or series.start <= match.start())
        if comma:
            assert series is not None
            start, before, number, variant = series
            end, other = start + variant, "" if variant else ","
            series = None
            if start < done:
                continue
        else:
            assert match is not None
            start = match.start()
            before = last if start - 1 == last_end else _before(padded, start)
            entry = _reading(match[1], text, padded, start, before, head)
            if entry is None:
                match = FINDS.search(padded, start + 1)
                continue
            end, number, variant, other = start + entry.length, entry.number, entry.variant, entry.other
            match = FINDS.search(padded, end + 1)
        if piece.spans and _touches(piece.spans, start, end):
            continue
        changes = choose(start, end, position_of(number, before), variant) != variant
        if not comma:
            last, last_end = (other if changes else padded[start + 1 : end + 1]).rpartition(" ")[2], end
        if changes:
            changed += 1
            put = other if comma else _written(other, text[start:end], text)
            kept = text[done:start] if comma else _agreeing(text[done:start], put)
            parts.append(kept + put)
            done = end
    if not changed:
        return text, 0
    parts.append(text[done:])
    return "".join(parts), changed


class _Comma(NamedTuple):
    """Where the comma before a list's last item stands or may stand, the word before it, its class and its variant."""

    start: int
    before: str
    number: int
    variant: int


def _listed(padded: str) -> _Comma | None:
    """The first list of a sentence: of four or more items, else of three nouns."""
    for found in _SERIES.finditer(padded):
        item = padded.rfind(", ", 0, found.start()) + 2
        word = max(padded.rfind(" ", 0, item - 2), padded.rfind("(", 0, item - 2)) + 1
        if item > 1 and _ITEM.fullmatch(padded, item, found.start()) and _WORD.fullmatch(padded, word, item - 2):
            return _Comma(found.start(2) - 1, found[1], OXFORD, len(found[2]))
    for found in _THREE.finditer(padded, _DEEP):
        word = padded.rfind(" ", 0, found.start()) + 1
        if word > _DEEP and _FIRST.fullmatch(padded, word, found.start()):
            return _Comma(found.start(2) - 1, found[1], TRIPLE, len(found[2]))
    return None


def _touches(spans: tuple[tuple[int, int], ...], start: int, end: int) -> bool:
    return any(begin < end and start < stop for begin, stop in spans)


def _before(padded: str, start: int) -> str:
    """The word before a place, directly before it."""
    space = padded.rfind(" ", 0, start) if start else -1
    if space < 0:
        return ""
    word = padded[space + 1 : start]
    if word.isalpha() and word.isascii():
        return word if padded[start] == " " else ""
    match = _LAST.search(padded, space, start + 1)
    return match[1] if match else ""


def _reading(surface: str, text: str, padded: str, start: int, before: str, head: int) -> Entry | None:
    """The first reading of a surface whose guard holds here."""
    for entry in LOOKUP[surface]:
        end = start + entry.length
        if _cased(text[start:end], start == head) and _holds(entry.guard, padded, end + 1, before, start == head):
            return entry
    return None


def _cased(here: str, leads: bool) -> bool:
    """Whether a surface is written plainly: small, or with the capital that its sentence's beginning gives it. Else it is a name."""
    rest = here[1:]
    if not (rest.islower() or not rest or rest == rest.lower()):
        return False
    return here[0].islower() or leads or here[:2] in {"I ", "I'", "I’"}


def _holds(guard: Guard, padded: str, end: int, before: str, leads: bool) -> bool:
    if guard.start is not None and guard.start is not leads:
        return False
    if guard.precede is not None and not guard.precede(before):
        return False
    if guard.comma and padded[end : end + 1] != ",":
        return False
    if guard.then is not None:
        behind = _NEXT.match(padded, end + 1)
        if behind is None or not guard.then(behind[1]):
            return False
    if guard.later is not None:
        second = _LATER.match(padded, end)
        if second is None or not guard.later(second[1]):
            return False
    if guard.end and (padded[end : end + 1] not in {".", "!"} or padded[end + 1 :].strip()):
        return False
    if guard.word or guard.follow is not None:
        match = _NEXT.match(padded, end)
        if match is None:
            return not guard.word and (guard.follow is None or guard.follow(""))
        return guard.follow is None or guard.follow(match[1])
    return True


def _written(put: str, here: str, text: str) -> str:
    """The other variant as it stands here: its capital, and the text's kind of apostrophe."""
    if put.startswith(("i ", "i'")) or here[0].isupper():
        put = put[0].upper() + put[1:]
    if "'" in put and "’" in text:  # the kind of apostrophe that the sentence uses
        put = put.replace("'", "’")
    return put.replace(" i ", " I ") if " i " in put else put


def _agreeing(before: str, put: str) -> str:
    """What stands before a place, its article in agreement with the word that follows now."""
    match = _ARTICLE.search(before)
    if match is None:
        return before
    right = "an" if _SOUND_VOWEL.match(put.lower()) else "a"
    return (
        before
        if match[1].lower() == right
        else before[: match.start(1)] + (right.capitalize() if match[1][0].isupper() else right) + " "
    )
