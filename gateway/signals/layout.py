"""How a text is laid out: as a record to train on, with tools told of in it, as words at random, or as a product's own prompt.

Wording can be changed at will; these can less. Nothing of the text stays but a few bits and hashes of the names of tools.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway.signals.cues import LEANS
from gateway.signals.minhash import word_hashes
from gateway.signals.stopwords import STOP_WORDS

__all__ = ["layout_of", "owned", "salad", "told_tools"]

_BEGINS = re.compile(
    r"\s*(?:#+\s*)?(?:below is an instruction|instruction|question|q|human|user|prompt|input)\b[^\n]{0,160}?[:\n.]", re.I
)
_ENDS = re.compile(r"(?:^|\n)\s*(?:#+\s*)?(?:response|answer|a|output|assistant|completion)\s*:\s*$", re.I)
_SIGNATURE = re.compile(r"^[a-z_]\w{1,40}\([a-z_, ]{0,80}\)$", re.I | re.M)
_MOST_TOOLS = 8
_LOOKED_AT = 2_000

_NAME = re.compile(r"[a-z,;] (?!I\b|AI\b|JSON\b|English\b|Markdown\b|LaTeX\b|Python\b)[A-Z][\w'’-]{2,}")
_PLACE = re.compile(r"\byou are the [^.\n]{2,60} (?:of|for|at) ", re.I)
_HOUSE_WORDS = """
    our us we customer customers client clients user users shop store product products catalogue catalog order orders company guest
    guests patient patients employees kunden kundin unser unsere unserem unseren wir clientes nuestros nuestra nuestro clients nos notre
    nosso nossa clienti nostri nostro nostra klanten onze клиентам клиентов наших нашего 客户 用户 我们 顧客 당사 고객"""
_HOUSE = frozenset(_HOUSE_WORDS.split())
_OWN_CONTEXT = 8

_SALAD_WORDS = 8
_PUNCTUATION = re.compile(r"[^\w\s]|\d")


def layout_of(text: str) -> int:
    """The lean of a text that is laid out like a record: it begins as the instruction and ends where the answer has to stand."""
    return LEANS["form"] if _ENDS.search(text[-60:]) and _BEGINS.match(text) else 0


def told_tools(text: str) -> tuple[int, ...]:
    """Hashes of the names of tools that a text tells of, ascending: signatures alone on a line. () where there are none, or in code."""
    if ")" not in text:
        return ()
    names = {found.split("(", 1)[0].lower() for found in _SIGNATURE.findall(text[:_LOOKED_AT])}
    if not names or text.count("{") + text.count("=") + text.count(";") > 3:
        return ()
    return tuple(sorted(word_hashes(sorted(names)[:_MOST_TOOLS])))


def owned(system: str, words: Sequence[str]) -> bool:
    """Whether a system prompt tells of a product of its caller's: of some length, with a name, a place of its own or whom it
    serves. In scripts without
    capitals, and in German, length alone says so."""
    if len(words) < _OWN_CONTEXT:
        return False
    return (
        not system.isascii()
        or _NAME.search(system) is not None
        or _PLACE.search(system) is not None
        or any(word in _HOUSE for word in words)
    )


def salad(text: str, language: str) -> bool:
    """Whether the longest line is words or letters at random. A list of names or terms has commas or digits; a search is short."""
    if language not in ("", "en"):
        return False
    line = max(text.split("\n"), key=len)[:600] if "\n" in text else text[:600]
    if not line.isascii() or _PUNCTUATION.search(line):
        return False
    words = line.lower().split()
    if len(words) < _SALAD_WORDS:
        return False
    return sum(word in STOP_WORDS for word in words) * 12 <= len(words)
