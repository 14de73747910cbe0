"""An answer that is altered as it passes: read as documents, edited, and written again before its own relay sees it.

Only a flagged caller's answer takes this way, before its relay sees it: usage, the end that is kept back and a cut at the budget are as
in any answer. What the edits leave as it was keeps its bytes. What cannot be read cannot be altered, and is not handed on: an answer
that comes compressed unasked, a document that is too large, a body that is no JSON. What an edit holds back when an answer breaks is
lost.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from gateway.dialects.base import Headers
from gateway.dialects.relays import field
from gateway.dialects.sse import EventSplitter, Fragment, data_of, name_of, with_data
from gateway.dialects.stencil import MARK, Stencil, Telling, stencil_of
from gateway.errors import UpstreamError

__all__ = ["Document", "Edits", "Rewriting", "read_document", "rewriting", "written"]

Document = dict[str, Any]

MAX_DOCUMENT = 64 * 1024 * 1024
"""Bytes of a whole answer that are held to be altered."""

_MOST_STENCILS = 8
_MOST_IN_VAIN = 8
"""Stencils of a stream that fitted nothing, until no more are made for it."""

_NAME = re.compile(rb"(?m)^(event: ?)[^\r\n]*")

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Edits(Protocol):
    """What is done to the documents of one answer.

    `event` gives what goes out in the place of one event's document, `whole` edits a whole answer in place, `rest` gives what was held
    back when the stream ends. `telling` says of an event's document where it tells a piece of text and nothing else, None where it does
    not, or where what becomes of the event hangs on the text otherwise than by its `write`; then `event` is not asked.
    """

    def telling(self, document: Document) -> Telling | None: ...
    def event(self, document: Document) -> list[Document]: ...
    def whole(self, document: Document) -> None: ...
    def rest(self) -> list[Document]: ...


def read_document(text: bytes) -> Document:
    """A JSON object whose numbers keep their spelling; ValueError for anything else."""
    try:
        value = _decode(text)
    except msgspec.DecodeError:
        value = json.loads(text)  # half a surrogate pair, which only this parser takes
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def written(document: Any) -> bytes:
    """The JSON text of a document that `read_document` gave."""
    try:
        return _encode(document)
    except (UnicodeEncodeError, msgspec.EncodeError):
        return json.dumps(document, separators=(",", ":"), default=float).encode()


class Rewriting(Protocol):
    """The bytes of one answer in, altered bytes out. `rest` gives what is left, once all bytes came. UpstreamError for what cannot be
    read, so that nothing of it goes out unaltered."""

    def feed(self, chunk: bytes) -> bytes: ...
    def rest(self) -> bytes: ...


def rewriting(edits: Edits, status: int, headers: Headers) -> Rewriting | None:
    """How an answer is altered by `edits`; None where it is an error's, or neither events nor JSON."""
    kind = (field(headers, b"content-type") or b"").partition(b";")[0].strip().lower()
    if not 200 <= status < 300 or kind not in {b"text/event-stream", b"application/json"}:
        return None
    if (field(headers, b"content-encoding") or b"").strip().lower() not in {b"", b"identity"}:
        return _Unreadable()
    return _Events(edits) if kind == b"text/event-stream" else _Whole(edits)


class _Unreadable:
    """An answer that came compressed though it was asked for uncompressed."""

    def feed(self, chunk: bytes) -> bytes:
        raise _unalterable("is compressed")

    def rest(self) -> bytes:
        return b""


class _Whole:
    """One JSON document, held to its end."""

    def __init__(self, edits: Edits) -> None:
        self._edits = edits
        self._held = bytearray()

    def feed(self, chunk: bytes) -> bytes:
        self._held += chunk
        if len(self._held) > MAX_DOCUMENT:
            raise _unalterable("is too large")
        return b""

    def rest(self) -> bytes:
        body = bytes(self._held)
        try:
            document = read_document(body)
        except (ValueError, RecursionError):
            raise _unalterable("is no JSON object") from None
        before = written(document)
        self._edits.whole(document)
        after = written(document)
        return body if after == before else after


class _Events:
    """The events of one stream."""

    def __init__(self, edits: Edits) -> None:
        self._edits = edits
        self._splitter = EventSplitter()
        self._model = b""
        """An event as this stream has them, for those that are made anew."""
        self._stencils: list[Stencil] = []
        self._in_vain = 0

    def feed(self, chunk: bytes) -> bytes:
        return b"".join([self._event(raw) for raw in self._splitter.feed(chunk)])

    def rest(self) -> bytes:
        rest = self._splitter.rest()
        out = self._event(rest) if rest else b""
        return out + self._held_back()

    def _event(self, raw: bytes) -> bytes:
        if isinstance(raw, Fragment):
            raise _unalterable("has an event that is too large")
        for stencil in self._stencils:
            if (told := stencil.told(raw)) is not None:
                return told
        data = data_of(raw)
        if not data.startswith(b"{"):
            return self._held_back() + raw if data.strip() == b"[DONE]" else raw
        try:
            document = read_document(data)
        except (ValueError, RecursionError):
            raise _unalterable("has an event that is no JSON") from None
        self._model = raw
        if (told := self._learned(raw, document)) is not None:
            return told
        return self._read(raw, document)

    def _read(self, raw: bytes, document: Document) -> bytes:
        before = written(document)
        out: list[bytes] = []
        for edited in self._edits.event(document):
            after = written(edited)
            out.append(raw if after == before else _renamed(raw, edited, after))
        return b"".join(out)

    def _learned(self, raw: bytes, document: Document) -> bytes | None:
        """What goes out for an event that tells a piece of text, by a stencil that the next ones may fit; None for any other."""
        telling = self._edits.telling(document)
        if telling is None:
            self._stencils.clear()
            return None
        if self._in_vain >= _MOST_IN_VAIN or (stencil := stencil_of(raw, telling)) is None:
            return None
        telling.holder[telling.key] = MARK
        before = written(document)
        edited = telling.edit(document)
        if [written(other) for other in edited] != [before]:
            if stencil.counts:
                return self._read(raw, read_document(data_of(raw)))
            out = b"".join([_renamed(raw, other, written(_unpadded(other))) for other in edited])
            stencil.out = tuple(out.split(written(MARK)))
        self._in_vain = self._in_vain + 1 if self._stencils and self._stencils[0].used == 1 else 0
        self._stencils = [stencil, *self._stencils[: _MOST_STENCILS - 1]]
        return stencil.told(raw)

    def _held_back(self) -> bytes:
        return b"".join([_renamed(self._model, document, written(document)) for document in self._edits.rest()])


def _unpadded(document: Document) -> Document:
    return {key: value for key, value in document.items() if key != "obfuscation"}


def _renamed(raw: bytes, document: Document, data: bytes) -> bytes:
    """The event with other data, and with the name that goes with them where this one is named by its type."""
    kind = document.get("type")
    if isinstance(kind, str) and name_of(raw) not in {b"", kind.encode()}:
        raw = _NAME.sub(lambda line: line.group(1) + kind.encode(), raw)
    return with_data(raw, data)


def _unalterable(why: str) -> UpstreamError:
    return UpstreamError("protocol", f"the answer {why}, so that it cannot be altered as the policy says", sent=True)
