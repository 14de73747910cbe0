"""How a text is laid out: as a record to train on, with tools told of in it, as words at random, or as a product's own prompt.

Wording can be changed at will; these can less. Nothing of the text stays but a few bits and hashes of the names of tools.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway.signals.cues import CUES, FIGURES, LEANS
from gateway.signals.lexicon import GROUPS
from gateway.signals.minhash import word_hashes
from gateway.signals.stopwords import STOP_WORDS

__all__ = ["figures", "layout_of", "owned", "salad", "told_tools"]

_BEGINS = re.compile(
    r"\s*(?:#+\s*)?(?:below is an instruction|instruction|question|q|human|user|prompt|input)\b[^\n]{0,160}?[:\n.]", re.I
)
_ENDS = re.compile(r"(?:^|\n)\s*(?:#+\s*)?(?:response|answer|a|output|assistant|completion)\s*:\s*$", re.I)
_LAST_LABEL = re.compile(r"\n[^\w\n]*([^\W\d_]{3,24})[^\w\n]*[:：]\s*$")
_ANSWERED = re.compile(
    r"\n[^\w\n]*(?:final )?(?:answer|solution|response|output|a|result|lösung|antwort|réponse|respuesta|resposta|risposta|ответ"
    r"|答案|答え|정답)[^\w\n]*[:：][^\S\n]*\S",
    re.I,
)
_REASONS = frozenset(GROUPS["reasoning"].split())
_SIGNATURE = re.compile(r"^[a-z_]\w{1,40}\([a-z_, ]{0,80}\)$", re.I | re.M)
_NUMBERS = re.compile(r"\d[^\d]{2,80}\d")
_CODE = 0.1
_CHOICES = """
    suggest suggestion suggestions idea ideas slogan slogans tagline taglines caption captions headline headlines title titles subject
    newsletter name names advert ad ads variant variants wording wordings alternatives vorschlag vorschläge idee ideen überschrift
    überschriften betreff varianten titel suggère suggestions idées titre titres légende légendes variantes sugiere sugerencias título
    títulos sugestões ideias suggerisci suggerimenti titolo titoli варианты заголовок заголовки идеи pomysły tytuł başlık öneri
    """
_TO_CHOOSE = frozenset(_CHOICES.split())
"""What people choose from, asked for."""
_ASKED_BY = 16
_BLOCK = 1_500
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
    """What a text is laid out as. A record leans: it begins as the instruction and ends where the answer has to stand. Where the answer
    stands already, and what has to follow is how it was come by, it is a cue."""
    shape = LEANS["form"] if _ENDS.search(text[-60:]) and _BEGINS.match(text) else 0
    end = text[-40:]
    label = _LAST_LABEL.search(end) if ":" in end or "：" in end else None
    if label is not None and label[1].lower() in _REASONS:
        block = text[-_BLOCK:].rstrip().rpartition("\n\n")[2] or text[-_BLOCK:]
        shape |= CUES["backfill"] if _ANSWERED.search("\n" + block) else LEANS["form"]
    return shape


def figures(text: str, words: Sequence[str], code: float) -> int:
    """`FIGURES` where a text has two numbers near each other, or a share `code` of signs as programs have, and does not begin or end by
    asking for what people choose from."""
    if code < _CODE and _NUMBERS.search(text) is None:
        return 0
    ends = words if len(words) <= 2 * _ASKED_BY else (*words[:_ASKED_BY], *words[-_ASKED_BY:])
    return FIGURES if _TO_CHOOSE.isdisjoint(ends) else 0


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
