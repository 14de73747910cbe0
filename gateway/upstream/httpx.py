"""The way upstream where transports matter: any httpx transport, called directly, so that nothing of httpx's client is added.

Costs an order of magnitude more CPU than aiohttp at high concurrency; use it for tests, in-process transports and side calls.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator

import httpx

from gateway.errors import UpstreamError, UpstreamFault
from gateway.ports import Headers, UpstreamRequest
from gateway.upstream.wire import Origin, answer_fault, given_length, longest_s, lowered, measured, split_url

__all__ = ["HttpxUpstream"]

_KEEP_ALIVE_S = 4.0


class HttpxUpstream:
    """See `ports.Upstream`. `transport`: any; by default HTTP/1.1 with a pool. `tls`: a context in place of the system's trust."""

    def __init__(
        self, transport: httpx.AsyncBaseTransport | None = None, *, max_connections: int = 1024, tls: ssl.SSLContext | None = None
    ) -> None:
        self._transport = transport or httpx.AsyncHTTPTransport(
            verify=tls if tls is not None else ssl.create_default_context(),
            trust_env=False,
            limits=httpx.Limits(
                max_connections=max_connections, max_keepalive_connections=max_connections, keepalive_expiry=_KEEP_ALIVE_S
            ),
        )

    async def send(self, request: UpstreamRequest) -> _Answer:
        """See `ports.Upstream`."""
        origin, target = split_url(request.url)
        body = _Body(request)
        timeouts: dict[str, float] = {
            "connect": request.connect_timeout_us / 1e6,
            "pool": request.connect_timeout_us / 1e6,
            "write": request.idle_timeout_us / 1e6,
            "read": request.first_byte_timeout_us / 1e6,
        }
        try:
            outgoing = httpx.Request(
                request.method,
                f"{origin}{target}",
                headers=[(b"host", origin.authority.encode("ascii")), *request.headers, *body.framing],
                stream=body,
                # httpx.URL normalises; what goes on the wire is this.
                extensions={"timeout": timeouts, "target": target.encode("utf-8")},
            )
            async with asyncio.timeout(longest_s(request) if isinstance(request.body, bytes) else None):
                response = await self._transport.handle_async_request(outgoing)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            if body.error is not None:
                raise body.error from None
            raise _before_the_head(error, origin) from error
        headers = lowered(response.headers.raw)
        fault = answer_fault(response.status_code, headers)
        if fault is not None:
            await response.aclose()
            raise UpstreamError("protocol", f"the answer of {origin} cannot be relayed: {fault}", sent=True)
        # The transport looks these up anew for each read.
        timeouts["read"] = request.idle_timeout_us / 1e6
        return _Answer(response, headers, origin)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()


class _Body(httpx.AsyncByteStream):
    """A request's body and the fields that frame it; remembers its own failure."""

    def __init__(self, request: UpstreamRequest) -> None:
        self.error: Exception | None = None
        self.framing: Headers = []
        self._body = request.body
        self._length = given_length(request.headers)
        if not isinstance(request.body, bytes):
            if self._length is None:
                self.framing.append((b"transfer-encoding", b"chunked"))
        elif request.body:
            self.framing.append((b"content-length", str(len(request.body)).encode("ascii")))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if isinstance(self._body, bytes):
            yield self._body
            return
        try:
            async for chunk in measured(self._body, self._length):
                yield chunk
        except Exception as error:
            self.error = error
            raise


class _Answer:
    """See `ports.UpstreamAnswer`."""

    __slots__ = ("_chunks", "_ended", "_origin", "_response", "headers", "status")

    def __init__(self, response: httpx.Response, headers: Headers, origin: Origin) -> None:
        self.status = response.status_code
        self.headers = headers
        self._response = response
        self._origin = origin
        self._ended = False
        assert isinstance(response.stream, httpx.AsyncByteStream)  # every asynchronous transport gives one
        self._chunks = aiter(response.stream)

    async def read(self) -> bytes:
        if self._ended:
            return b""
        try:
            async for chunk in self._chunks:
                if chunk:
                    return chunk
        except httpx.HTTPError as error:
            await self.aclose()
            kind: UpstreamFault = "idle_timeout" if isinstance(error, httpx.TimeoutException) else "broken"
            raise UpstreamError(kind, f"the answer of {self._origin} broke off: {kind} ({type(error).__name__})", sent=True) from error
        await self.aclose()
        return b""

    async def aclose(self) -> None:
        self._ended = True
        close = getattr(self._chunks, "aclose", None)
        if close is not None:
            await close()
        await self._response.aclose()


_BEFORE: tuple[tuple[type[Exception], UpstreamFault, bool], ...] = (
    (httpx.ConnectTimeout, "connect_timeout", False),
    (httpx.PoolTimeout, "connect_timeout", False),
    (httpx.TimeoutException, "first_byte_timeout", True),
    (TimeoutError, "first_byte_timeout", True),
    (httpx.ConnectError, "connect", False),
    (httpx.LocalProtocolError, "protocol", False),
    (httpx.UnsupportedProtocol, "protocol", False),
    (httpx.InvalidURL, "protocol", False),
    (httpx.RemoteProtocolError, "protocol", True),
)
"""The first that fits says how it failed, and whether some of the request may have been sent; else it `broke`."""


def _before_the_head(error: Exception, origin: Origin) -> UpstreamError:
    kind, sent = next(((kind, sent) for type_, kind, sent in _BEFORE if isinstance(error, type_)), ("broken", True))
    if kind == "connect" and _is_tls(error):
        kind = "tls"
    if kind == "protocol" and "disconnected" in str(error):
        kind = "broken"
    return UpstreamError(kind, f"{origin} gave no answer: {kind} ({type(error).__name__})", sent=sent)


def _is_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False
