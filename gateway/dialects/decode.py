"""Compressed bodies, within bounds: requests are unpacked so that they can be parsed, a copy of answers so that they can be counted.

A few kilobytes can unpack to gigabytes, so nothing is ever unpacked further than its bound. A request that cannot be read is told so;
an answer that cannot be read passes all the same and only goes uncounted.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Protocol

import brotli  # type: ignore[import-untyped]
import zstandard

from gateway.errors import BadRequest

__all__ = ["AnswerDecoder", "answer_decoder", "decode_request"]

_MAX_CHAIN = 2
_MAX_WINDOW = 8 * 1024 * 1024
"""Bytes of a zstd frame's window: what RFC 9659 lets a sender on the web expect, and no more memory than that."""

_MOST_MEMBERS = 4096
"""gzip members or zstd frames one after another. Each costs the same whether it holds anything or not: megabytes of empty ones, of
nine bytes each, would keep the loop busy for minutes."""

_PIECE = 64 * 1024
"""Bytes of gzip that are looked at together: whatever follows a member's end is copied, once a member."""

_ERRORS = (zlib.error, brotli.error, zstandard.ZstdError)


class _Coding(Protocol):
    """One content coding being undone. `decode(data, room)` gives what the data unpacks to, and cuts it where that is more than
    `room` bytes: then the result is longer than `room`, and nothing may be asked any more. One of `_ERRORS` on broken data.
    `ended`: so far the data is whole."""

    @property
    def ended(self) -> bool: ...
    def decode(self, data: bytes, room: int) -> bytes: ...


def _one_more(members: int, fault: type[Exception]) -> int:
    if members == _MOST_MEMBERS:
        raise fault(f"more than {_MOST_MEMBERS} members")
    return members + 1


class _Gzip:
    """gzip, in one member or in several one after another (RFC 1952)."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._members = 1

    @property
    def ended(self) -> bool:
        return self._inflate.eof

    def decode(self, data: bytes, room: int) -> bytes:
        out = bytearray()
        for at in range(0, len(data), _PIECE):
            piece = data[at : at + _PIECE]
            while piece and len(out) <= room:
                if self._inflate.eof:
                    self._members = _one_more(self._members, zlib.error)
                    self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
                out += self._inflate.decompress(piece, room + 1 - len(out))
                piece = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
        return bytes(out)


class _Deflate:
    """deflate: in the zlib wrapper that the specification asks for, or bare, as some senders have it."""

    def __init__(self) -> None:
        self._inflate: zlib._Decompress | None = None

    @property
    def ended(self) -> bool:
        return self._inflate is not None and self._inflate.eof

    def decode(self, data: bytes, room: int) -> bytes:
        if not data:
            return b""
        if self._inflate is None:
            wrapped = data[0] & 0x0F == 8  # the method's four bits; no bare stream that zlib writes begins so
            self._inflate = zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
        if self._inflate.eof:
            raise zlib.error("data after the end")
        out = self._inflate.decompress(data, room + 1)
        if self._inflate.unused_data:
            raise zlib.error("data after the end")
        return out


class _Brotli:
    """br (RFC 7932)."""

    def __init__(self) -> None:
        self._decoder = brotli.Decompressor()

    @property
    def ended(self) -> bool:
        return bool(self._decoder.is_finished())

    def decode(self, data: bytes, room: int) -> bytes:
        out = bytearray()
        if data:
            out += self._decoder.process(data, output_buffer_limit=room + 1)
        while len(out) <= room and not self._decoder.can_accept_more_data():
            more = self._decoder.process(b"", output_buffer_limit=room + 1 - len(out))
            if not more:
                break
            out += more
        return bytes(out)


class _Zstd:
    """zstd, in one frame or several. Its library unpacks whatever it is given, so it is given little at a time: one byte can become
    at most 32 KiB (a block of 128 KiB that repeats one byte takes four), beside one block that was pending."""

    def __init__(self) -> None:
        self._frame = self._begin()
        self._frames = 1

    @staticmethod
    def _begin() -> zstandard.ZstdDecompressionObj:
        return zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).decompressobj()

    @property
    def ended(self) -> bool:
        return bool(self._frame.eof)

    def decode(self, data: bytes, room: int) -> bytes:
        out = bytearray()
        at = 0
        while at < len(data) and len(out) <= room:
            if self._frame.eof:
                self._frames = _one_more(self._frames, zstandard.ZstdError)
                self._frame = self._begin()
            piece = data[at : at + max(64, (room - len(out)) >> 15)]
            out += self._frame.decompress(piece)
            at += len(piece) - (len(self._frame.unused_data) if self._frame.eof else 0)
        return bytes(out[: room + 1])


_CODINGS: dict[str, Callable[[], _Coding]] = {"gzip": _Gzip, "x-gzip": _Gzip, "deflate": _Deflate, "br": _Brotli, "zstd": _Zstd}


def _chain(encoding: str) -> list[_Coding] | None:
    """The codings of a Content-Encoding in the order of undoing them; None where one is unknown or there are too many."""
    given = [name for part in encoding.split(",") if (name := part.strip().lower()) not in {"", "identity"}]
    if len(given) > _MAX_CHAIN or any(name not in _CODINGS for name in given):
        return None
    return [_CODINGS[name]() for name in reversed(given)]


def decode_request(wire: bytes, encoding: str, limit: int) -> bytes:
    """A request's body as it reads, of at most `limit` bytes at every stage of its unpacking. `encoding` is its Content-Encoding.

    BadRequest with status 415 for a coding that is not known (or more than two), 413 beyond the limit, 400 for broken data.
    """
    chain = _chain(encoding)
    if chain is None:
        known = "gzip, deflate, br, zstd or at most two of them"
        raise BadRequest(f"This Content-Encoding is not supported: send {known}.", status=415, code="unsupported_media_type")
    data = wire
    for coding in chain:
        try:
            data = coding.decode(data, limit)
        except _ERRORS:
            raise BadRequest("The body is not what its Content-Encoding says.") from None
        if len(data) > limit:
            raise BadRequest(f"The request unpacks to more than {limit} bytes.", status=413, code="request_too_large")
        if not coding.ended:
            raise BadRequest("The compressed body breaks off before its end.")
    return data


class AnswerDecoder:
    """A copy of a compressed answer, unpacked as it passes. `feed` never raises: beyond `limit` bytes in all, and from the first
    broken byte on, it gives nothing more. `whole` says whether all so far could be read."""

    def __init__(self, chain: list[_Coding], limit: int) -> None:
        self.whole = True
        self._chain = chain
        self._room = limit

    def feed(self, chunk: bytes) -> bytes:
        """What this chunk unpacks to, as far as there is room."""
        data = chunk if self.whole else b""
        for coding in self._chain:
            if not data:
                break
            try:
                data = coding.decode(data, self._room)
            except _ERRORS:
                self.whole = False
                return b""
            if len(data) > self._room:
                self.whole = False
                data = data[: self._room]
        if len(data) > self._room:
            self.whole = False
            data = data[: self._room]
        self._room -= len(data)
        return data


def answer_decoder(encoding: bytes, limit: int) -> AnswerDecoder | None:
    """The decoder for an answer's Content-Encoding, None where that is not known."""
    chain = _chain(encoding.decode("latin-1"))
    return None if chain is None else AnswerDecoder(chain, limit)
