"""uvicorn's HTTP protocol with bounds on what it leaves unbounded: the size of a request's head, and the time one may take to come.

Without them a peer that dribbles header fields for ever holds memory and a connection for ever.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["HEAD_DEADLINE_S", "MAX_HEAD", "BoundedProtocol"]

MAX_HEAD = 64 * 1024
"""Bytes of request line and header fields together; more is answered 431."""

HEAD_DEADLINE_S = 30.0
"""How long a request's head may take from its first byte, and a fresh connection until its first request."""

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class _HeadTooLarge(Exception):
    """Stops the parser, which then reports any exception of a callback as a malformed request."""


class BoundedProtocol(HttpToolsProtocol):
    """See the module. One timer a connection, armed while a head is awaited or under way."""

    _head = 0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        if self._head <= MAX_HEAD:
            super().send_400_response(msg)
            return
        self.transport.write(_TOO_LARGE)
        self.transport.close()

    def on_message_begin(self) -> None:
        self._head = 0
        if self._deadline is None:
            self._arm()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._disarm()
        super().on_headers_complete()

    def _count(self, size: int) -> None:
        self._head += size
        if self._head > MAX_HEAD:
            raise _HeadTooLarge

    def _arm(self) -> None:
        self._deadline = self.loop.call_later(HEAD_DEADLINE_S, self._too_slow)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        self.transport.close()
