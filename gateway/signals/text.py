"""Text before it is sketched: cut to a bound, normalised, split into words, its slots masked, its language guessed.

Nothing here keeps what it reads. The work is bounded: of a longer text its beginning and its end are looked at.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from hashlib import blake2b

from gateway.signals.minhash import word_hashes
from gateway.signals.stopwords import LANGUAGES, STOP_WORDS, VOTES

__all__ = ["FIRST", "LAST", "SLOT", "clipped", "code_share", "hash64", "language_of", "masked_words", "topic_of", "words_of"]

FIRST, LAST = 4_000, 2_000
"""Characters of a text that are looked at: of its beginning and, where it is longer, of its end."""

SLOT = "_"
"""The word that stands for whatever looks filled in."""

_MOST_TOPICS = 8
_MOST_TOLD = 160
_WORDS = re.compile(r"\w+")
_ONE_BY_ONE = re.compile("([\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])")
"""Scripts without spaces between words: each character counts as one."""

_PLAIN = {code: chr(code).lower() if chr(code).isalnum() or chr(code) == "_" else " " for code in range(128)}
"""For a text of ASCII alone the same as the expression, in a third of the time."""

_NO_PROSE = b"{}[]()<>=;_#\\/|&*+$^~@`"

_FILLED_IN = re.compile(r"""https?://\S+|"[^"\n]{1,300}"|“[^”\n]{1,300}”|«[^»\n]{1,300}»|„[^“”\n]{1,300}[“”]|`[^`\n]{1,300}`""")
_OPENINGS = ('"', "`", "“", "«", "„", "://")
_LONGEST_WORD = 24
_NAMES = re.compile(r" (?<=[a-z,;] )[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)*")
"""Words with a capital within a sentence. In German these are all nouns, so there they stay."""

_SCRIPTS = (
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("ko", re.compile("[\uac00-\ud7af\u1100-\u11ff]")),
    ("zh", re.compile("[\u3400-\u9fff]")),
    ("uk", re.compile("[іїєґІЇЄҐ]")),
    ("ru", re.compile("[\u0400-\u04ff]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("hi", re.compile("[\u0900-\u097f]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
    ("el", re.compile("[\u0370-\u03ff]")),
)
"""Languages that their script gives away, the more particular first."""


def clipped(text: str) -> str:
    """The part of a text that is looked at: the first 4,000 characters, and the last 2,000 of a longer one."""
    if len(text) <= FIRST + LAST:
        return text
    return f"{text[:FIRST]} {text[-LAST:]}"


def words_of(text: str) -> list[str]:
    """The words of a text, normalised: compatibility forms folded, lower case, marks and spacing gone."""
    if text.isascii():
        return text.translate(_PLAIN).split()
    return _WORDS.findall(_ONE_BY_ONE.sub(r" \1 ", unicodedata.normalize("NFKC", text)).lower())


def masked_words(text: str, language: str, words: list[str] | None = None) -> list[str]:
    """The words of a text with one `SLOT` for each run of what looks filled in. `words`: those of the text as it is, where known."""
    shown = text
    if any(opening in shown for opening in _OPENINGS):
        shown = _FILLED_IN.sub(" _ ", shown)
    if language != "de":
        shown = _NAMES.sub(" _", shown)
    if words is None or shown != text:
        words = words_of(shown)
    # Whatever has a digit in it, or is longer than words are, is a number or an id.
    words = [word if word.isalpha() and len(word) < _LONGEST_WORD else SLOT for word in words]
    if SLOT not in words:
        return words
    return [word for word, before in zip(words, ["", *words], strict=False) if word != SLOT or before != SLOT]


def language_of(text: str, words: Sequence[str]) -> str:
    """A guess by script, else by the small words that a language has most of; "" where fewer than two tell or none is ahead."""
    if not text.isascii():
        begin = text[:400]
        for language, script in _SCRIPTS:
            if len(script.findall(begin)) * 4 >= min(len(begin), 40):
                return language
    told = sum([VOTES[word] for word in words[:_MOST_TOLD] if word in VOTES])
    votes = told.to_bytes(len(LANGUAGES), "little")
    most = max(votes)
    return LANGUAGES[votes.index(most)] if most >= 2 and votes.count(most) == 1 else ""


def code_share(text: str) -> float:
    """Share of the characters that prose has few of, 0.0 to 1.0."""
    raw = text.encode("utf-8", "replace")
    return (len(raw) - len(raw.translate(None, _NO_PROSE))) / len(raw) if raw else 0.0


def topic_of(words: Sequence[str]) -> tuple[int, ...]:
    """Hashes of the up to eight words that look rarest: the longest of those that no language counts among its small ones."""
    telling = [word for word in set(words) if 5 <= len(word) <= 40 and word not in STOP_WORDS]
    telling.sort()
    telling.sort(key=len, reverse=True)
    return tuple(sorted(word_hashes(telling[:_MOST_TOPICS])))


def hash64(words: Sequence[str]) -> int:
    """64 bits that stand for a row of words; 0 for none."""
    if not words:
        return 0
    return int.from_bytes(blake2b(" ".join(words).encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
