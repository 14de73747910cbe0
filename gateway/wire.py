"""uvicorn's HTTP protocol with bounds on what it leaves unbounded: the size of a request's head, and the time one may take to come.

Without them a peer that dribbles header fields, or sends one without an end, holds memory and a connection for ever. And fields
in a chunked body's trailer are dropped: uvicorn adds them to the request's own, behind the back of whoever judged those.

A request that asks for another protocol (`Upgrade: h2c`, as Java's client does at first) is served as if it did not ask, as RFC 9110
has it. uvicorn would lose its body, and read what comes of it later as the next request.

Two things are told as they are, which uvicorn levels: an empty query (`/a?`), by an extension of the scope, and an answer of unknown
length to HTTP/1.0, which knows no chunks, by the connection's end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gateway.asgi.intake import EMPTY_QUERY

__all__ = ["HEAD_DEADLINE_S", "MAX_HEAD", "BoundedProtocol"]

MAX_HEAD = 64 * 1024
"""Bytes of request line and header fields together, trailers included; more is answered 431. A piece from the socket more may be
held until it is known that it is part of a head."""

HEAD_DEADLINE_S = 30.0
"""How long a request may take from its first byte to the first of its body, and a fresh connection until its first request."""

_LINGER_S = 1.0
"""How long what still comes is thrown away after a 431: closing at once would reset the connection before it is read."""

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class _HeadTooLarge(Exception):
    """Stops the parser, which then reports any exception of a callback as a malformed request."""


class BoundedProtocol(HttpToolsProtocol):
    """See the module. One timer a connection, armed while a head, or the first of a body, is awaited."""

    _heading = False
    """A request has begun and its head has not ended."""
    _head = 0
    """Bytes of this request's line, fields and trailers, as the parser has told them."""
    _untold = 0
    """Bytes since the parser last told of any progress: it keeps a field to itself until the field has ended."""
    _refused = False
    """A 431 has been sent; nothing more is listened to."""
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self._deadline is None and self._resting():
            self._arm()  # uvicorn has stopped its own timer: even stray line ends have to become a request
        self._untold += len(data)
        self._unset_keepalive_if_required()
        try:
            self._feed(data)
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
        if self._untold > MAX_HEAD and not self.transport.is_closing():
            self.send_400_response("")

    def send_400_response(self, msg: str) -> None:
        """Answer what is no good request, 431 where it is too large; but never into another answer that is under way."""
        if self._refused:
            return
        if not self._may_answer():
            self.transport.close()
        elif max(self._head, self._untold) <= MAX_HEAD:
            super().send_400_response(msg)
        else:
            self._refused = True
            self.transport.write(_TOO_LARGE)
            self._disarm()
            self._deadline = self.loop.call_later(_LINGER_S, self.transport.close)

    def on_message_begin(self) -> None:
        self._heading, self._head, self._untold = True, 0, 0
        if self._deadline is None:
            self._arm()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + 4)
        if self._heading:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._heading, self._untold = False, 0
        if self.parser.should_upgrade():
            return
        if self.url.endswith(b"?"):
            self.scope["extensions"] = {EMPTY_QUERY: {}}
        super().on_headers_complete()
        if self.scope["http_version"] == "1.0":
            self.cycle.send = _OpenEnded(self.cycle)  # type: ignore[method-assign] # its task has not begun

    def on_body(self, body: bytes) -> None:
        self._untold = 0
        self._disarm()
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._untold = 0
        self._disarm()
        super().on_message_complete()

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self.parser.get_method() == b"CONNECT":
                raise httptools.HttpParserError("this is no tunnel") from None
            head = self._head_without_asking()
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it
            self._feed(head + data[upgrade.args[0] :])

    def _head_without_asking(self) -> bytes:
        """The head that has just been read, its `Connection` without `upgrade`: no parser takes it for a change of protocol."""
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())]
        for name, value in self.headers:
            if name == b"connection":
                tokens = [token.strip() for token in value.split(b",")]
                value = b", ".join(token for token in tokens if token.lower() != b"upgrade")
            lines.append(name + b": " + value)
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def _resting(self) -> bool:
        """Nothing is under way: everything that was asked has been answered."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def _may_answer(self) -> bool:
        return self._resting() or not (self._heading or self.pipeline or self.cycle.response_started)

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
        if self.pipeline or (self._heading and not self._resting()):
            self._arm()  # an earlier request on this connection is still being answered
        else:
            self.transport.close()


class _OpenEnded:
    """`send` of an answer to HTTP/1.0: without a length its body is what comes until the connection ends."""

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle
        self._send: Callable[[Any], Awaitable[None]] = cycle.send
        self._open = False

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._open = all(name.lower() != b"content-length" for name, _ in message.get("headers", ()))
            if self._open:
                self._cycle.chunked_encoding = False
        elif self._open:
            self._cycle.expected_content_length = len(message.get("body", b""))
        await self._send(message)
