"""Server-sent events as bytes: cut where they end, read where needed, and never written anew.

After the WHATWG HTML standard, "9.2.5 Parsing an event stream": lines end in LF, CRLF or CR, a blank line ends an event, a line that
begins with a colon is a comment, several `data` lines are joined by LF, one byte order mark at the very start is skipped. The
raw bytes of an event are kept as they came, so that fields nobody here knows are relayed untouched.
"""

from __future__ import annotations

import re

__all__ = ["MAX_EVENT", "EventSplitter", "Fragment", "data_of", "name_of", "with_data"]

MAX_EVENT = 4 * 1024 * 1024
"""Bytes of one event that are held while its end has not come."""

_BOM = b"\xef\xbb\xbf"
_END = re.compile(rb"(?:\r\n|\n|\r(?=[^\n]))(?:\r\n|\n|\r(?=[^\n]))")
"""Two line ends in a row. A CR counts only once the next byte is known: it may be the half of a CRLF."""

_LINE = re.compile(rb"([^\r\n]*)(\r\n|\n|\r|\Z)")


class Fragment(bytes):
    """A piece of an event that is too large to be held: to be handed on, not to be read."""

    __slots__ = ()


class EventSplitter:
    """Cuts a stream into raw events, whatever chunks it comes in; all pieces put together are the bytes that came.

    An event is given out with the line ends that close it. One larger than `limit` bytes is given out as it comes, in `Fragment`s.
    A byte order mark is a piece of its own, without data.
    """

    def __init__(self, limit: int = MAX_EVENT) -> None:
        self._limit = limit
        self._held = bytearray()
        self._scanned = 0
        self._at_start = True
        self._oversized = False

    @property
    def inside(self) -> bool:
        """Whether a part of an event was given out whose end has not come."""
        return self._oversized

    def feed(self, chunk: bytes) -> list[bytes]:
        """The pieces that are whole now."""
        if not self._held and not self._at_start and not self._oversized and b"\r" not in chunk:
            end = chunk.find(b"\n\n")
            if end >= 0 and end == len(chunk) - 2 and len(chunk) <= self._limit:
                return [chunk]
        self._held += chunk
        pieces: list[bytes] = []
        if self._at_start and not self._begin(pieces):
            return pieces
        self._cut(pieces)
        return pieces

    def rest(self) -> bytes:
        """What came after the last end of an event. It is given out once."""
        rest = bytes(self._held)
        self._held.clear()
        self._scanned = 0
        return Fragment(rest) if self._oversized else rest

    def _begin(self, pieces: list[bytes]) -> bool:
        """Skip the mark at the start. False while it cannot be told whether there is one."""
        head = bytes(self._held[:3])
        if len(head) < 3 and _BOM.startswith(head):
            return False
        self._at_start = False
        if head == _BOM:
            pieces.append(head)
            del self._held[:3]
        return True

    def _cut(self, pieces: list[bytes]) -> None:
        held, start, scan = self._held, 0, self._scanned
        while match := _END.search(held, scan):
            end = match.end()
            event = bytes(held[start:end])
            whole = not self._oversized and len(event) <= self._limit
            pieces.append(event if whole else Fragment(event))
            self._oversized = False
            start = scan = end
        del held[:start]
        if self._oversized or len(held) > self._limit:
            self._let_go(pieces)
        self._scanned = max(0, len(held) - 3)

    def _let_go(self, pieces: list[bytes]) -> None:
        """Give out what is held of an oversized event, all but the bytes that its end may begin with."""
        self._oversized = True
        if len(self._held) > 3:
            pieces.append(Fragment(self._held[:-3]))
            del self._held[:-3]


def data_of(raw: bytes) -> bytes:
    """The event's data, its lines joined by LF; empty for a comment, a `Fragment`, or an event without data."""
    if type(raw) is bytes and raw.startswith(b"data: ") and raw.find(b"\n") == len(raw) - 2 and b"\r" not in raw:
        return raw[6:-2]
    return b"\n".join(value for name, value in _fields(raw) if name == b"data")


def name_of(raw: bytes) -> bytes:
    """The event's name (`event:`), empty when it has none. Of several the last."""
    if raw.startswith(b"data:") and raw.find(b"\n") == len(raw) - 2 and b"\r" not in raw:
        return b""
    return next((value for name, value in reversed(_fields(raw)) if name == b"event"), b"")


def _fields(raw: bytes) -> list[tuple[bytes, bytes]]:
    if isinstance(raw, Fragment):
        return []
    return [_field(line) for line, _ in _LINE.findall(raw) if line and not line.startswith(b":")]


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name, value.removeprefix(b" ")


def with_data(raw: bytes, data: bytes) -> bytes:
    """The event with other data. On one line the rest of the bytes stay as they are; data of several lines keeps its line ends."""
    lines = _LINE.findall(raw)
    at = [index for index, (line, _) in enumerate(lines) if line and _field(line)[0] == b"data"]
    if not at:
        return raw
    first, end = lines[at[0]]
    start = first[: len(first) - len(_field(first)[1])] or b"data:"
    fresh = [(start + part, end) for part in data.split(b"\n")]
    kept = [line for index, line in enumerate(lines) if index not in at[1:]]
    kept[at[0] : at[0] + 1] = fresh
    return b"".join(line + end for line, end in kept)
