"""Cuts a stream of text into sentences, and says which parts of each may be touched.

What is never touched: code (fenced, inline, indented), JSON, formulas, quotations, links and addresses, tags, tables, headings, quoted
lines, lines that do not end as sentences do (verse, labels), and text that is not English. The cuts depend on the text alone, never
on how it arrived: after the mark that ends a sentence and the space behind it, after a line's end, and after `LONGEST` characters.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["LONGEST", "Piece", "Sentences", "is_english"]

LONGEST = 600
"""Characters after which a sentence without an end is cut, at its last space."""

_CUT = re.compile(r"[\n.!?…](?:(?<=\n)|[\"'”’)\]*_]{0,3}[ \t])")
_ENDS = re.compile(r"[\n.!?…]")
_REACH = 5
"""A cut's pattern is at most this long, so what is this far from the end of the buffer need not be looked at again."""

_FENCE = re.compile(r"\s*(?:>\s*|[-*+]\s+|\d+[.)]\s+)*(`{3,}|~{3,})")
_CLOSED_LINE = re.compile(r" {4}| {0,3}(?:\t|[#>|<{\[}\]])")
_LISTED = re.compile(r"\s*(?:[-*•+]|\d{1,3}[.)])\s")
_ENDED = ".!?:;…"
_MAYBE = re.compile(r"[`\"“”$\\{}\[\]<>@‘]")
_QUOTES = re.compile(r"(?<![^\s(\[—*])'")
_MARKS = re.compile(
    r"(?P<link>(?:https?://|www\.)[^\s\"“”'’`<>]+|[^\s\"“”'’`<>]+@[\w.-]+|\[[^\]\n`\"]*\]\([^)\n`]*\))"
    r"|(?P<math>\$[^$\n\"“”`]+\$(?!\w)|\\\([^\n`]*?\\\))"
    r"|(?P<ticks>`+)"
    r"|(?P<block>\$\$|\\\[|\\begin\b|\$(?=[A-Za-z\\]))"
    r"|(?P<unblock>\\\]|\\end\b)"
    r"|(?P<open>(?<![^\s(\[—*])[\"'](?=\S)|[“‘])"
    r"|(?P<close>[\"”]|['’](?!\w))"
    r"|(?P<brace>[{\[])"
    r"|(?P<unbrace>[}\]])"
    r"|</?(?P<tag>[A-Za-z][\w-]*)[^<>\n]*>"
)
_CLOSES = {'"': '"', "“": "”", "'": "'’", "‘": "’'", "$$": ("$$",), "\\[": ("\\]",), "\\begin": ("\\end",), "{": "}", "[": "]"}
_OF_A_LINE = frozenset({"'", "‘", "$", "["})
_OF_A_PARAGRAPH = frozenset({'"', "“", "{"})
_RAW_TAGS = frozenset({"code", "pre", "script", "style", "math", "svg", "kbd", "samp", "blockquote", "q", "cite"})
_COMMON = frozenset(
    re.findall(
        r"\S+",
        "the and that with are this you not your which they from or by can their would these if more have been when who how what our "
        "there could should his her them than about into because while through also such its it it's of to is i'm i've i'll don't "
        "can't won't isn't you're we're they're that's there's doesn't didn't",
    )
)
"""Words that only English has all of; a sentence of another language has hardly two."""


class Piece(NamedTuple):
    """One sentence, or what is left of one: its text, whether it may be touched, where not, and whether it begins a sentence."""

    text: str
    open: bool
    spans: tuple[tuple[int, int], ...]
    begins: bool


def is_english(lowered: str) -> bool:
    """Whether a sentence in lower case is English, by its commonest words; cheap, and doubtful ones are not."""
    if not lowered.isascii():
        foreign = sum(letter >= "\u00c0" for letter in lowered if letter.isalpha())
        if foreign * 50 > len(lowered):
            return False
    words = lowered.split(" ")
    return len(_COMMON.intersection(words)) >= (1 if len(words) <= 8 else 2)


class Sentences:
    """Takes text as it comes and gives it back in pieces; at most `LONGEST` characters are held back. One per text channel."""

    __slots__ = (
        "_begins",
        "_broken",
        "_buffer",
        "_closed",
        "_closed_line",
        "_fence",
        "_inside",
        "_line_starts",
        "_listed",
        "_quiet",
        "_seen",
        "_started",
    )

    def __init__(self) -> None:
        self._buffer = ""
        self._seen = 0
        self._started = self._closed = self._broken = self._closed_line = self._listed = False
        self._line_starts = self._begins = self._quiet = True
        self._fence = ""
        self._inside: tuple[str, int] | None = None

    def feed(self, text: str) -> list[Piece]:
        """The pieces that are complete now."""
        buffer = self._buffer + text if self._buffer else text
        ends = _ENDS.search(text)
        if ends is None and self._quiet and len(buffer) < LONGEST:
            self._buffer = buffer
            return []
        pieces: list[Piece] = []
        start, seen = 0, self._seen
        while True:
            cut = _CUT.search(buffer, start + seen)
            if cut is not None and cut.end() - start <= LONGEST:
                end = cut.end()
            elif len(buffer) - start >= LONGEST:
                end = (buffer.rfind(" ", start, start + LONGEST) + 1) or start + LONGEST
            else:
                break
            pieces.append(self._piece(buffer[start:end], last=False))
            start, seen = end, 0
        self._buffer = buffer[start:] if start else buffer
        self._seen = max(0, len(self._buffer) - _REACH)
        self._quiet = _ENDS.search(self._buffer, self._seen) is None
        return pieces

    def finish(self) -> list[Piece]:
        """What was held back."""
        rest, self._buffer = self._buffer, ""
        return [self._piece(rest, last=True)] if rest else []

    def _piece(self, text: str, *, last: bool) -> Piece:
        ends_line = text.endswith("\n")
        is_blank = text.isspace()
        if not self._started and not is_blank:
            self._started = True
            self._closed = text.lstrip()[0] in "{[<"
        open_ = not self._closed and not self._broken
        if self._line_starts:
            self._begin_line(text, is_blank)
        fenced = self._in_fence(text)
        open_ = open_ and not fenced and not is_blank
        if "|" in text:
            self._closed_line = True
        open_ = open_ and not self._closed_line
        spans = () if fenced else self._spans(text)
        if open_ and (ends_line or last) and not self._listed:
            open_ = text.rstrip(" \t\n*_)\"'”’")[-1:] in _ENDED and bool(text.strip(" \t\n*_)\"'”’"))
        piece = Piece(text, open_, spans, self._begins)
        self._line_starts = ends_line
        self._broken = not (ends_line or text[-1].isspace())
        self._begins = ends_line or text.rstrip(" \t\"'”’)]*_")[-1:] in ".!?…" or (is_blank and self._begins)
        if ends_line:
            if self._inside is not None and self._inside[0] in _OF_A_LINE:
                self._inside = None
            self._closed_line = self._listed = False
        return piece

    def _begin_line(self, text: str, is_blank: bool) -> None:
        if is_blank:
            if self._inside is not None and (self._inside[0] in _OF_A_PARAGRAPH or self._inside[0][0] == "`"):
                self._inside = None
            return
        self._closed_line = _CLOSED_LINE.match(text) is not None
        self._listed = _LISTED.match(text) is not None

    def _in_fence(self, text: str) -> bool:
        """Whether this piece belongs to a fenced block; the fence's own lines do."""
        if not self._line_starts:
            return bool(self._fence)
        match = _FENCE.match(text)
        if self._fence:
            bare = text.strip().lstrip("> ")
            if match is not None and bare.startswith(self._fence) and not bare.strip(self._fence[0]):
                self._fence = ""
            return True
        if match is not None and not ("`" in match[1] and "`" in text[match.end() :]):
            self._fence = match[1]
            return True
        return False

    def _spans(self, text: str) -> tuple[tuple[int, int], ...]:
        """What is protected in this piece; leaves what stays open behind it."""
        if self._inside is None and not _may_protect(text):
            return ()
        spans: list[tuple[int, int]] = []
        inside, since = self._inside, 0
        for mark in _MARKS.finditer(text):
            kind, found = mark.lastgroup or "", mark.group()
            if inside is not None:
                inside = _after(inside, kind, found, mark)
                if inside is None:
                    spans.append((since, mark.end()))
                continue
            if kind in {"link", "math", "tag"}:
                spans.append(mark.span())
            opened = _opened(kind, found, mark)
            if opened is not None:
                inside, since = (opened, 1), mark.start()
        if inside is not None:
            spans.append((since, len(text)))
        self._inside = inside
        return tuple(spans)


def _may_protect(text: str) -> bool:
    """Whether anything in a piece could be protected; most sentences have nothing of the kind, and this is cheap."""
    return _MAYBE.search(text) is not None or ("'" in text and _QUOTES.search(text) is not None) or "://" in text or "www." in text


def _opened(kind: str, found: str, mark: re.Match[str]) -> str | None:
    """What a mark opens that does not end with itself."""
    if kind in {"ticks", "block", "open", "brace"}:
        return found
    if kind == "tag" and mark["tag"].lower() in _RAW_TAGS and not found.startswith("</") and not found.endswith("/>"):
        return "<" + mark["tag"].lower()
    return None


def _after(inside: tuple[str, int], kind: str, found: str, mark: re.Match[str]) -> tuple[str, int] | None:
    """What is still open after a mark, None when it closed."""
    what, depth = inside
    if what[0] == "<":
        closes = kind == "tag" and found.startswith("</") and mark["tag"].lower() == what[1:]
    elif what[0] == "`":
        closes = found == what
    elif what == "$":
        closes = "$" in found
    elif what in "\"“'‘":
        closes = kind == "close" and found in _CLOSES[what]
    else:
        if kind == "brace" and found == what:
            return what, depth + 1
        closes = found in _CLOSES[what]
    if not closes:
        return inside
    return None if depth <= 1 else (what, depth - 1)
