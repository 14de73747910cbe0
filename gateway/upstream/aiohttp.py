"""The way upstream for the hot path: aiohttp's client, with everything it would add or follow on its own turned off.

Choices that are not obvious:

- Idle connections are kept for 4 seconds: less than the servers at the other end keep them (uvicorn and node: 5), so that hardly
  ever a request meets a connection that is just being closed. If it does all the same, aiohttp sends it once more where the
  method is idempotent; a POST that may have been read is never repeated, but fails as `broken`, `sent`.
- At most `max_connections` to one host, 1024 by default; whoever waits for a free one waits no longer than its connect timeout.
- An upload may be stalled by the upstream for its idle timeout; how slowly the client sends is the door's business.
- Proxies of the environment are not used.
- Field values go as they came where they are ASCII or UTF-8. Other bytes are read as Latin-1 and go as UTF-8, the only coding that
  aiohttp writes.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import aiohttp
from aiohttp import AddrInfoType
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from gateway.errors import UpstreamError, UpstreamFault
from gateway.ports import Headers, UpstreamRequest
from gateway.upstream.wire import Origin, answer_fault, given_length, longest_s, lowered, measured, measured_by_head, split_url

__all__ = ["AiohttpUpstream"]

_KEEP_ALIVE_S = 4.0
_READ_BUFFER = 64 * 1024
"""aiohttp stops reading from the socket at twice this many unread bytes."""
_LARGE = 1024 * 1024
_SLICE = 256 * 1024
_LONGEST_FIELD = 64 * 1024
_LONGEST_LINE = 16 * 1024
_MOST_FIELDS = 256
_KEPT_ALIVE_BY = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))
"""Seconds of silence before the kernel asks, seconds between its questions, and how many may go unanswered."""
_ADDED_BY_DEFAULT = frozenset({"user-agent", "accept", "accept-encoding", "content-type"})


class AiohttpUpstream:
    """See `ports.Upstream`. Belongs to the event loop of its first request. `tls`: a context in place of the system's trust."""

    def __init__(self, *, max_connections: int = 1024, tls: ssl.SSLContext | None = None) -> None:
        self._max_connections = max_connections
        self._tls = tls
        self._opened: aiohttp.ClientSession | None = None

    async def send(self, request: UpstreamRequest) -> _Answer:
        """See `ports.Upstream`."""
        origin, target = split_url(request.url)
        headers = [(name.decode("latin-1"), _text(value)) for name, value in request.headers]
        upload = _upload(request, headers)
        cutoff = asyncio.timeout(longest_s(request) if upload is None else None)
        try:
            async with cutoff:
                if upload is not None:
                    upload.cutoff = cutoff
                response = await self._session().request(
                    request.method,
                    # The whole target as path: yarl would drop an empty query.
                    URL.build(scheme=origin.scheme, host=origin.host, port=origin.port, path=target, encoded=True),
                    headers=headers,
                    data=upload.chunks() if upload is not None else request.body or None,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(
                        total=None, connect=request.connect_timeout_us / 1e6, sock_read=request.first_byte_timeout_us / 1e6
                    ),
                )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if upload is not None and upload.error is not None:
                raise upload.error from None
            raise _before_the_head(error, origin) from error
        finally:
            if upload is not None:
                upload.cutoff = None
        return _answer(response, origin, request.idle_timeout_us)

    async def aclose(self) -> None:
        """Close all connections."""
        session, self._opened = self._opened, None
        if session is not None:
            await session.close()

    def _session(self) -> aiohttp.ClientSession:
        if self._opened is None:
            connector = aiohttp.TCPConnector(
                limit=0,
                limit_per_host=self._max_connections,
                keepalive_timeout=_KEEP_ALIVE_S,
                ssl=self._tls if self._tls is not None else True,
                socket_factory=_socket,
            )
            connector._factory = partial(_Connection, loop=asyncio.get_running_loop())  # type: ignore[assignment] # a subclass will do
            self._opened = aiohttp.ClientSession(
                connector=connector,
                request_class=_Request,
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=_ADDED_BY_DEFAULT,
                auto_decompress=False,
                read_bufsize=_READ_BUFFER,
                max_line_size=_LONGEST_LINE,
                max_field_size=_LONGEST_FIELD,
                max_headers=_MOST_FIELDS,
            )
        return self._opened


def _socket(info: AddrInfoType) -> socket.socket:
    """A socket that the kernel keeps alive: a model may think for minutes, and what lies between forgets silent connections."""
    family, kind, protocol, _, _ = info
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEPT_ALIVE_BY:
        if hasattr(socket, option):
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return made


class _Request(aiohttp.ClientRequest):
    """aiohttp's request, but without a body it has no length that it was not given: a DELETE that says `content-length: 0` and a
    content-type is, to some servers, one with a body that is no JSON."""

    def update_body_from_data(self, body: Any, _stacklevel: int = 3) -> None:
        if body is not None:
            super().update_body_from_data(body, _stacklevel + 1)


class _Connection(ResponseHandler):
    """aiohttp's connection, but a fault that it notices under way also reaches who is reading the answer; else, after a chunk
    that is none, a reader would wait for ever."""

    def set_exception(self, *args: Any, **kwargs: Any) -> None:
        super().set_exception(*args, **kwargs)
        content = self._payload
        if content is not None and not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError("the connection failed under way"))


class _Upload:
    """A body on its way. Remembers its own failure, and puts the time that the upstream takes to accept a piece under a deadline."""

    def __init__(self, body: AsyncIterator[bytes], request: UpstreamRequest) -> None:
        self.error: Exception | None = None
        self.cutoff: asyncio.Timeout | None = None
        self._body = body
        self._patience = request.idle_timeout_us / 1e6
        self._longest = longest_s(request)

    async def chunks(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._body:
                self._within(self._patience)
                yield chunk
                self._within(None)
        except Exception as error:
            self.error = error
            raise
        self._within(self._longest)

    def _within(self, seconds: float | None) -> None:
        """From now on the upstream has so long; None: it is the client's turn. After the head, reading has deadlines of its own."""
        if self.cutoff is not None and not self.cutoff.expired():
            self.cutoff.reschedule(None if seconds is None else asyncio.get_running_loop().time() + seconds)


def _upload(request: UpstreamRequest, headers: list[tuple[str, str]]) -> _Upload | None:
    """A body to be sent piece by piece: one that streams, or one so large that it would block the loop. None: send it in one go."""
    body = request.body
    if not isinstance(body, bytes):
        return _Upload(measured(body, given_length(request.headers)), request)
    if len(body) <= _LARGE:
        return None
    headers.append(("content-length", str(len(body))))
    return _Upload(_slices(body), request)


async def _slices(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), _SLICE):
        yield body[start : start + _SLICE]


class _Answer:
    """See `ports.UpstreamAnswer`."""

    __slots__ = ("_content", "_ended", "_lost", "_origin", "_patience", "_response", "headers", "status")

    def __init__(
        self, response: aiohttp.ClientResponse, headers: Headers, origin: Origin, patience: float, lost: ResponseHandler | None
    ) -> None:
        self.status = response.status
        self.headers = headers
        self._patience = patience
        self._response = response
        self._content = response.content
        self._origin = origin
        self._lost = lost
        self._ended = False

    async def read(self) -> bytes:
        if self._ended:
            return b""
        content = self._content
        if content.exception() is not None and content._buffer:
            # What came before the break was received, and is handed on; the break is told by the next read.
            return content._read_nowait(-1)
        try:
            if content.is_eof():  # all of it is here already: no clock is needed
                chunk = await content.readany()
            else:
                async with asyncio.timeout(self._patience):
                    chunk = await content.readany()
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            await self.aclose()
            raise _under_way(error, self._origin) from error
        if not chunk:
            self._ended = True
            if self._lost is not None and isinstance(self._lost.exception(), aiohttp.ClientOSError):
                # aiohttp takes a reset for the end of an answer that has no length.
                raise UpstreamError("broken", f"the answer of {self._origin} broke off: the connection was reset", sent=True)
        return chunk

    async def aclose(self) -> None:
        self._ended = True
        self._response.close()


def _answer(response: aiohttp.ClientResponse, origin: Origin, idle_timeout_us: int) -> _Answer:
    """The answer, once its head proved sound. aiohttp's clock is stopped: it runs while nobody asks, and stops at its own faults."""
    protocol = response.connection.protocol if response.connection is not None else None
    if protocol is not None:
        protocol.read_timeout = None
        protocol.start_timeout()
    headers = lowered(response.raw_headers)
    fault = answer_fault(response.status, headers)
    if fault is not None:
        response.close()
        raise UpstreamError("protocol", f"the answer of {origin} cannot be relayed: {fault}", sent=True)
    return _Answer(response, headers, origin, idle_timeout_us / 1e6, None if measured_by_head(headers) else protocol)


def _text(value: bytes) -> str:
    """A field value as aiohttp wants it; it encodes UTF-8."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


_BEFORE: tuple[tuple[type[Exception], UpstreamFault, bool], ...] = (
    (aiohttp.ConnectionTimeoutError, "connect_timeout", False),
    (aiohttp.ClientConnectorCertificateError, "tls", False),
    (aiohttp.ClientConnectorSSLError, "tls", False),
    (aiohttp.ClientConnectorError, "connect", False),
    (aiohttp.InvalidURL, "protocol", False),
    (aiohttp.ClientResponseError, "protocol", True),
    (TimeoutError, "first_byte_timeout", True),
    (aiohttp.ClientError, "broken", True),
    (OSError, "broken", True),
    (ValueError, "protocol", False),
)
"""The first that fits says how it failed, and whether some of the request may have been sent."""


def _before_the_head(error: Exception, origin: Origin) -> UpstreamError:
    kind, sent = next((kind, sent) for type_, kind, sent in _BEFORE if isinstance(error, type_))
    return UpstreamError(kind, f"{origin} gave no answer: {kind} ({type(error).__name__})", sent=sent)


def _under_way(error: Exception, origin: Origin) -> UpstreamError:
    kind: UpstreamFault = "idle_timeout" if isinstance(error, TimeoutError) else "broken"
    return UpstreamError(kind, f"the answer of {origin} broke off: {kind} ({type(error).__name__})", sent=True)
