"""The way to the application that the middleware is mounted in front of: an ASGI server of one request, in-process.

The application runs in a task of its own. It hears of a client that left as from any server (`http.disconnect`, OSError from
`send`), and what it still does after its answer's end (background tasks) neither delays that end nor is cut short by it.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from gateway.errors import UpstreamError
from gateway.ports import Headers, UpstreamRequest
from gateway.upstream.wire import lowered

__all__ = ["AsgiUpstream"]

Message = dict[str, Any]
Scope = dict[str, Any]

_log = logging.getLogger("gateway")

_PASSED_ON = frozenset({"tls"})
"""Extensions of the server that still hold behind us: information, and nothing that sends around us."""

_GRACE_S = 5.0
"""How long applications may finish what they do in the background once the gateway closes."""

_NO_BODY = frozenset({204, 304})


class AsgiUpstream:
    """The application behind the middleware. `bound(scope)` is the way to it for one request, an `ports.Upstream`."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._tasks: set[asyncio.Task[None]] = set()

    def bound(self, scope: Scope) -> _Bound:
        """The way for the request of this scope, whose path, peers and state the application sees."""
        return _Bound(self._app, scope, self._start)

    def _start(self, call: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(call)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def aclose(self) -> None:
        """Wait a little for what applications still do in the background, then cancel it."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_GRACE_S)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)


class _Bound:
    """See `ports.Upstream`."""

    def __init__(self, app: Any, scope: Scope, start: Any) -> None:
        self._app = app
        self._scope = scope
        self._start = start

    async def send(self, request: UpstreamRequest) -> _Answer:
        """The answer once the application starts it. What the application raises before that is raised here as it is."""
        answer = _Answer(request)
        self._start(answer.run(self._app, self._derived(request)))
        try:
            async with asyncio.timeout(request.first_byte_timeout_us / 1e6):
                await answer.began()
        except TimeoutError as error:
            await answer.aclose()
            raise UpstreamError("first_byte_timeout", "the application did not start its answer in time", sent=True) from error
        except BaseException:
            await answer.aclose()
            raise
        return answer

    async def aclose(self) -> None:
        """Nothing to close: the adapter that made this keeps the tasks."""

    def _derived(self, request: UpstreamRequest) -> Scope:
        extensions = {name: value for name, value in (self._scope.get("extensions") or {}).items() if name in _PASSED_ON}
        return {**self._scope, "method": request.method, "headers": _framed(request), "extensions": extensions}


class _Answer:
    """See `ports.UpstreamAnswer`; on its other side, `receive` and `send` of the application. One chunk is in between at most."""

    def __init__(self, request: UpstreamRequest) -> None:
        self.status = 0
        self.headers: Headers = []
        self._request = request
        self._body = _Body(request.body)
        self._head = asyncio.Event()
        """The answer has started, or will not."""
        self._ready = asyncio.Event()
        """There is something to read, if only the end."""
        self._room = asyncio.Event()
        """The application may hand over the next chunk."""
        self._room.set()
        self._left = asyncio.Event()
        """Nobody will ask for more: the answer is complete, or its reader went before."""
        self._chunk = b""
        self._started = False
        self._complete = False
        self._abandoned = False
        self._error: Exception | None = None

    # ── Our side ────────────────────────────────────────────────────────────────────────────────

    async def began(self) -> None:
        """Wait for the head, or raise what keeps it from coming."""
        await self._head.wait()
        if self._started:
            return
        error = self._body.error or self._error
        raise error if error is not None else UpstreamError("protocol", "the application returned without an answer", sent=True)

    async def read(self) -> bytes:
        try:
            async with asyncio.timeout(None if self._ready.is_set() else self._request.idle_timeout_us / 1e6):
                await self._ready.wait()
        except TimeoutError as error:
            await self.aclose()
            raise UpstreamError("idle_timeout", "the application sent nothing for too long", sent=True) from error
        chunk, self._chunk = self._chunk, b""
        if chunk:
            if not self._left.is_set():
                self._ready.clear()
            self._room.set()
        elif not self._complete and not self._abandoned:
            await self.aclose()
            raise UpstreamError("broken", "the application did not finish its answer", sent=True) from self._error
        return chunk

    async def aclose(self) -> None:
        """The reader is done. Before the answer's end the application hears that the client has left."""
        self._abandoned = not self._complete
        self._chunk = b""
        self._leave()

    def _leave(self) -> None:
        """Wake whoever waits: there is nothing more to wait for."""
        for event in (self._left, self._head, self._ready, self._room):
            event.set()

    # ── The application's side ──────────────────────────────────────────────────────────────────

    async def run(self, app: Any, scope: Scope) -> None:
        """One run of the application, to its very end."""
        try:
            await app(scope, self._receive, self._send)
        except Exception as error:  # noqa: BLE001 - raised again on our side
            self._error = error
            if self._started and not self._abandoned:
                _log.error("the application failed after its answer had begun: %s", _place(error))
        finally:
            self._leave()
            await self._body.aclose()

    async def _receive(self) -> Message:
        if not self._left.is_set() and not self._body.ended:
            message = await self._body.next(self._left)
            if message is not None:
                return message
            if self._body.error is not None:
                self._head.set()
                return {"type": "http.disconnect"}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            if self._started:
                raise RuntimeError("the application started its answer twice")
            self.status = message["status"]
            self.headers = lowered(message.get("headers", ()))
            self._started = True
            self._head.set()
        elif kind == "http.response.body":
            if not self._started or self._complete:
                raise RuntimeError("the application sent a body before its start or after its end")
            await self._hand_over(message.get("body", b""), final=not message.get("more_body", False))
        elif kind != "http.response.trailers":
            raise RuntimeError(f"the application sent {kind!r}, which was not offered to it")

    async def _hand_over(self, data: bytes, *, final: bool) -> None:
        if self._request.method == "HEAD" or self.status in _NO_BODY:
            data = b""
        while data and not self._room.is_set():
            await self._room.wait()
        if self._abandoned:
            raise OSError("the client has left")
        if data:
            self._room.clear()
            self._chunk = bytes(data)
            self._ready.set()
        if final:
            self._complete = True
            self._leave()


class _Body:
    """The request's body as `receive` hands it out. A cancelled `receive` loses nothing: the next goes on with that piece."""

    def __init__(self, body: bytes | AsyncIterator[bytes]) -> None:
        self.ended = False
        self.error: Exception | None = None
        self._whole = body if isinstance(body, bytes) else None
        self._pieces = None if isinstance(body, bytes) else body
        self._pending: asyncio.Task[bytes | None] | None = None

    async def next(self, left: asyncio.Event) -> Message | None:
        """The next piece; None where it can't come because the client has left."""
        if self._pieces is None:
            self.ended = True
            return {"type": "http.request", "body": self._whole, "more_body": False}
        if self._pending is None:
            self._pending = asyncio.get_running_loop().create_task(self._piece(self._pieces))
        leaving = asyncio.get_running_loop().create_task(left.wait())
        try:
            await asyncio.wait({self._pending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
        if not self._pending.done():
            return None
        done, self._pending = self._pending, None
        piece = done.result()
        if self.error is not None:
            return None
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    async def _piece(self, pieces: AsyncIterator[bytes]) -> bytes | None:
        try:
            return await anext(pieces)
        except StopAsyncIteration:
            self.ended = True
        except Exception as error:  # noqa: BLE001 - raised again by `began`
            self.ended = True
            self.error = error
        return None

    async def aclose(self) -> None:
        """Whatever is left of it is nobody's any more."""
        self.ended = True
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.cancel()
            await asyncio.wait({pending})


def _framed(request: UpstreamRequest) -> Headers:
    """The fields with one true frame: the length of a body that is at hand; else what the client said."""
    fields = [field for field in request.headers if field[0] != b"content-length"]
    lengths = [field for field in request.headers if field[0] == b"content-length"]
    if not isinstance(request.body, bytes):
        return fields + lengths[:1]
    framed = bool(lengths) or any(name == b"transfer-encoding" for name, _ in fields)
    fields = [field for field in fields if field[0] != b"transfer-encoding"]
    if framed or request.body:
        fields.append((b"content-length", str(len(request.body)).encode("ascii")))
    return fields


def _place(error: Exception) -> str:
    """Type and place only: an exception's text may hold what a client sent."""
    frames = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(traceback.extract_tb(error.__traceback__)[-4:]))
    return f"{type(error).__name__} in {frames}"
