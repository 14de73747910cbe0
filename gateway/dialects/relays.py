"""Answers passing by: an event stream whose end is kept back, and any other answer whose last chunk is.

The bytes go on as they came. What is read of them is the work of a `Watch` (of events) or a `Reader` (of a whole body), which each
dialect brings. An answer that comes compressed passes as it is, and a bounded copy is unpacked to be read.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Protocol

from gateway.dialects.base import Headers, Relay, Seen
from gateway.dialects.decode import AnswerDecoder, answer_decoder
from gateway.dialects.sse import MAX_EVENT, EventSplitter
from gateway.model.decision import Refusal
from gateway.model.request import NO_USAGE

__all__ = ["BodyCopy", "CopiedRelay", "EventRelay", "Part", "Reader", "Uncut", "Unread", "Watch", "WholeRelay", "field", "relay_of"]

MAX_UNPACKED = 64 * 1024 * 1024
"""Bytes of a compressed answer that are unpacked to be counted; the rest passes uncounted."""

_MAX_AFTER_END = 1024 * 1024


class Part(IntEnum):
    """What an event is to its stream."""

    ON = 0
    """One of many: handed on at once."""
    LAST = 1
    """May be the last: kept back until another follows."""
    END = 2
    """The dialect's own end: kept back, with whatever follows."""


class Watch(Protocol):
    """Reads one stream's events. `event` returns what goes on in the event's place (empty: nothing) and what it is to the stream.

    `counted` is the output counted so far. `ending` gives the events that end the stream early, as one that ran into its length, and
    `seen` says so from then on; None where they cannot be known.
    """

    def event(self, raw: bytes) -> tuple[bytes, Part]: ...
    def seen(self) -> Seen: ...
    def counted(self) -> int: ...
    def ending(self) -> bytes | None: ...
    def error_event(self, refusal: Refusal) -> bytes: ...


class Reader(Protocol):
    """Reads one whole body, bounded. `finished`: it came to its end."""

    def take(self, chunk: bytes) -> None: ...
    def seen(self, *, finished: bool) -> Seen: ...


class Uncut:
    """What an answer that cannot be ended early says of it. See `base.Relay`."""

    waits = False

    def go_on(self, bound: int | None) -> bytes:
        return b""

    def counted(self) -> int:
        return 0

    def cut(self) -> bytes | None:
        return None


class EventRelay:
    """A stream of events. See `base.Relay`."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._splitter = EventSplitter()
        self._held: list[bytes] = []
        self._held_size = 0
        self._ended = False
        self._bound: int | None = None
        self._waiting: list[bytes] = []
        """Events that came along with the one that exceeded the bound."""
        self.waits = False

    def feed(self, chunk: bytes) -> bytes:
        pieces = self._splitter.feed(chunk)
        if len(pieces) == 1 and not self._held:
            passed, part = self._watch.event(pieces[0])
            if self._bound is not None:
                self.waits = self._watch.counted() > self._bound
            if part is Part.ON:
                return passed
            self._place(passed, part, [])
            return b""
        return self._pass(pieces)

    def _pass(self, pieces: list[bytes]) -> bytes:
        out: list[bytes] = []
        bound, watch = self._bound, self._watch
        for place, piece in enumerate(pieces, 1):
            self._place(*watch.event(piece), out)
            if bound is not None and watch.counted() > bound:
                self.waits = True
                self._waiting = pieces[place:]
                break
        return b"".join(out)

    def go_on(self, bound: int | None) -> bytes:
        self._bound = bound
        self.waits = bound is not None and self._watch.counted() > bound
        if self.waits or not self._waiting:
            return b""
        waiting, self._waiting = self._waiting, []
        return self._pass(waiting)

    def counted(self) -> int:
        return self._watch.counted()

    def cut(self) -> bytes | None:
        """None in the midst of an event that was too large to keep back, too. Where the stream's own end has come, that is the end."""
        if self._ended:
            return b"".join(self._held)
        ending = None if self._splitter.inside else self._watch.ending()
        return None if ending is None else b"".join(self._held) + ending

    def _place(self, passed: bytes, part: Part, out: list[bytes]) -> None:
        if not passed:
            return
        if self._ended:
            self._hold(passed, out)
            return
        out += self._held
        self._held.clear()
        self._held_size = 0
        if part is Part.ON:
            out.append(passed)
            return
        self._ended = part is Part.END
        self._hold(passed, out)

    def _hold(self, passed: bytes, out: list[bytes]) -> None:
        self._held.append(passed)
        self._held_size += len(passed)
        while self._held_size > MAX_EVENT + _MAX_AFTER_END:
            first = self._held.pop(0)
            self._held_size -= len(first)
            out.append(first)

    def finish(self) -> bytes:
        rest = self._splitter.rest()
        if rest:
            self._held.append(self._watch.event(rest)[0])
        return b"".join(self._held)

    def fail(self, refusal: Refusal) -> bytes | None:
        """The dialect's error event; None where it would fall in the midst of an event that was too large to keep back."""
        return None if self._splitter.inside else self._watch.error_event(refusal)

    def seen(self) -> Seen:
        return self._watch.seen()


class WholeRelay(Uncut):
    """Any other answer: the last chunk is kept back, and a bounded copy is read when somebody asks. See `base.Relay`."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._held = b""
        self._finished = False

    def feed(self, chunk: bytes) -> bytes:
        if not chunk:
            return b""
        self._reader.take(chunk)
        held, self._held = self._held, chunk
        return held

    def finish(self) -> bytes:
        self._finished = True
        return self._held

    def fail(self, refusal: Refusal) -> bytes | None:
        """None: bytes of an answer that lacks its rest are not to be ended as if they were whole."""
        return None

    def seen(self) -> Seen:
        return self._reader.seen(finished=self._finished)


class CopiedRelay(Uncut):
    """A compressed answer: it passes as it is, its last chunk is kept back, and what reads it is fed an unpacked copy."""

    def __init__(self, inner: Relay, decoder: AnswerDecoder) -> None:
        self._inner = inner
        self._decoder = decoder
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        if not chunk:
            return b""
        self._inner.feed(self._decoder.feed(chunk))
        held, self._held = self._held, chunk
        return held

    def finish(self) -> bytes:
        self._inner.finish()
        return self._held

    def fail(self, refusal: Refusal) -> bytes | None:
        """None: nothing can be written into the midst of compressed bytes."""
        return None

    def seen(self) -> Seen:
        return self._inner.seen()


class BodyCopy:
    """A bounded copy of a body: whole up to `limit` bytes, of a larger one only its first and last `edge` bytes."""

    def __init__(self, limit: int = 2 * 1024 * 1024, edge: int = 16 * 1024) -> None:
        self._limit = limit
        self._edge = edge
        self._parts: list[bytes] = []
        self._kept = 0
        self._head = b""
        self.size = 0

    @property
    def whole(self) -> bool:
        return self.size <= self._limit

    def add(self, chunk: bytes) -> None:
        self.size += len(chunk)
        self._parts.append(chunk)
        self._kept += len(chunk)
        if self._kept > self._limit:
            kept = b"".join(self._parts)
            self._head = self._head or kept[: self._edge]
            self._parts = [kept[-self._edge :]]
            self._kept = len(self._parts[0])

    def body(self) -> bytes:
        """The whole body; empty where it was larger than the limit."""
        return b"".join(self._parts) if self.whole else b""

    def edges(self) -> tuple[bytes, bytes]:
        """The first and the last bytes of a body larger than the limit."""
        return self._head, b"".join(self._parts)[-self._edge :]


class Unread:
    """The reader of an answer in which nothing is looked for, an error's for example."""

    def take(self, chunk: bytes) -> None:
        return None

    def seen(self, *, finished: bool) -> Seen:
        return Seen(NO_USAGE, terminal=finished)


def relay_of(headers: Headers, *, events: Callable[[], Watch] | None, whole: Callable[[], Reader]) -> Relay:
    """The relay for an answer by its content-type and content-encoding. `events` None: the dialect has no stream.

    An encoding that nobody here can undo passes unread.
    """
    streams = events is not None and (field(headers, b"content-type") or b"").lower().startswith(b"text/event-stream")
    encoding = (field(headers, b"content-encoding") or b"").strip().lower()
    relay: Relay = EventRelay(events()) if events is not None and streams else WholeRelay(whole())
    if encoding in {b"", b"identity"}:
        return relay
    decoder = answer_decoder(encoding, MAX_UNPACKED)
    return WholeRelay(whole()) if decoder is None else CopiedRelay(relay, decoder)


def field(headers: Headers, name: bytes) -> bytes | None:
    """The first value of a header, its name in lower case."""
    return next((value for key, value in headers if key == name), None)
