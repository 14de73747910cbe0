"""Events that tell a piece of text and nothing else are alike but for that text: known by their bytes, they need not be read.

A `Stencil` is made of one such event that was read as JSON. An event that has the same bytes around its text is valid for the same
reason and means the same, so its text is taken out, edited and put back, and nothing else of it is decoded or written. A number that
counts events and padding may differ from event to event. What fits no stencil is read as JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec

from gateway.dialects.sse import data_of

__all__ = ["MARK", "Stencil", "Telling", "stencil_of"]

MARK = "<~azeotrope:text~>"
"""Stands in an event's document for its text while the event is edited. An event that holds it already makes no stencil."""

_NUMBER, _PADDING = "sequence_number", "obfuscation"
_string = msgspec.json.Decoder(str).decode
_written = msgspec.json.Encoder().encode


class Telling:
    """An event that tells a piece of text: where in its document, and what is done to it.

    - `holder[key]` is the text.
    - `write(text)` gives what goes out in the place of a piece; it may be empty, while it is held back.
    - `edit(document)` gives the documents that go out in the place of the event's, whatever its text is; `again()` counts what it did
      once more, for an event that is not read.
    - `number(told)` is the number that the event gets whose own is `told`.
    """

    __slots__ = ("again", "edit", "holder", "key", "number", "write")

    def __init__(
        self,
        holder: dict[str, Any],
        key: str,
        write: Callable[[str], str],
        edit: Callable[[dict[str, Any]], list[dict[str, Any]]],
        again: Callable[[], None],
        number: Callable[[int], int],
    ) -> None:
        self.holder = holder
        self.key = key
        self.write = write
        self.edit = edit
        self.again = again
        self.number = number


class Stencil:
    """What stands around the text of an event, and what goes out around it. `kinds` are the holes between the `pieces`, in order."""

    __slots__ = ("_at", "_first", "_kinds", "_last", "_pieces", "_plain", "_telling", "out", "used")

    def __init__(self, pieces: tuple[bytes, ...], kinds: tuple[str, ...], telling: Telling) -> None:
        self._pieces = pieces
        self._kinds = kinds
        self._first, self._last = pieces[0], pieces[-1]
        self._plain = len(pieces) == 2
        self._at = kinds.index("")
        self._telling = telling
        self.out: tuple[bytes, ...] | None = None
        """What goes out instead, with the text between; None where it is the event itself."""
        self.used = 0

    @property
    def counts(self) -> bool:
        """Whether its events are numbered."""
        return _NUMBER in self._kinds

    def told(self, raw: bytes) -> bytes | None:
        """What goes out in the place of an event; None where it does not fit. Empty while its text is held back."""
        if not (raw.startswith(self._first) and raw.endswith(self._last)):
            return None
        if self._plain:
            holes = [raw[len(self._first) : -len(self._last)]]
        else:
            cut = self._cut(raw)
            if cut is None:
                return None
            holes = cut
        try:
            number = 0 if self._plain else self._number(holes)
            text = _string(holes[self._at])
        except (ValueError, msgspec.DecodeError):
            return None
        self.used += 1
        out = self._telling.write(text)
        if not out:
            return b""
        self._telling.again()
        if self.out is not None:
            return _text(out).join(self.out)
        return raw if out == text and not self.counts else self._filled(holes, out, number)

    def _number(self, holes: list[bytes]) -> int:
        """The event's own number, 0 where it has none; ValueError or DecodeError where a hole has no value of its kind."""
        number = 0
        for kind, hole in zip(self._kinds, holes, strict=True):
            if kind == _NUMBER:
                number = _counted(hole)
            elif kind == _PADDING:
                _string(hole)
        return number

    def _filled(self, holes: list[bytes], out: str, number: int) -> bytes:
        holes[self._at] = _text(out)
        if self.counts:
            holes[self._kinds.index(_NUMBER)] = b"%d" % self._telling.number(number)
        return b"".join([part for pair in zip(self._pieces, [*holes, b""], strict=True) for part in pair])

    def _cut(self, raw: bytes) -> list[bytes] | None:
        """What stands in the holes. The pieces between begin where a value has ended, so that the first find is the right one, or the
        hole is no value."""
        pieces = self._pieces
        at, holes = len(pieces[0]), []
        for piece in pieces[1:-1]:
            end = raw.find(piece, at)
            if end < 0:
                return None
            holes.append(raw[at:end])
            at = end + len(piece)
        end = len(raw) - len(pieces[-1])
        if end < at:
            return None
        holes.append(raw[at:end])
        return holes


def stencil_of(raw: bytes, telling: Telling) -> Stencil | None:
    """The stencil of an event that was read; None where its text cannot be found in its bytes beyond doubt."""
    data = data_of(raw)
    if raw.count(data) != 1 or MARK.encode() in raw:
        return None
    first = raw.index(data)
    found: list[tuple[int, int, str]] = []
    for key, kind in ((telling.key, ""), (_NUMBER, _NUMBER), (_PADDING, _PADDING)):
        spots = list(_SPOTS[key].finditer(raw, first, first + len(data)))
        if len(spots) > 1 or (not spots and not kind):
            return None
        found += [(spot.start(1), spot.end(1), kind) for spot in spots]
    found.sort()
    pieces, at = [], 0
    for start, end, _ in found:
        pieces.append(raw[at:start])
        at = end
    pieces.append(raw[at:])
    try:
        for start, end, kind in found:
            if not kind and _string(raw[start:end]) != telling.holder[telling.key]:
                return None
    except (ValueError, msgspec.DecodeError):
        return None
    return Stencil(tuple(pieces), tuple(kind for _, _, kind in found), telling)


def _text(text: str) -> bytes:
    try:
        return _written(text)
    except UnicodeEncodeError:  # half a surrogate pair
        return json.dumps(text).encode()


def _counted(hole: bytes) -> int:
    if not hole.isdigit() or len(hole) > 18 or (hole[:1] == b"0" and len(hole) > 1):
        raise ValueError("no number")
    return int(hole)


_SPOTS: dict[str, re.Pattern[bytes]] = {
    # A quote after a brace or a comma opens a key or a value, wherever it stands in valid JSON: within a string it would end it.
    key: re.compile(rb'[{,]\s*"%s"\s*:\s*("(?:[^"\\]|\\.)*"|\d+)' % key.encode())
    for key in ("content", "text", "delta", _NUMBER, _PADDING)
}
