"""The door of the middleware: which scopes are governed, and starting and stopping along with the application behind.

Only governed paths are touched. Everything else (other HTTP paths, WebSocket, lifespan) passes through as it came. The gateway
starts when the first request or the lifespan comes, once per event loop, and stops with the lifespan or by `aclose()`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from gateway.asgi.intake import Engine, Intake, path_of
from gateway.dialects.routes import dialect_for
from gateway.errors import SettingsError

__all__ = ["Middleware"]

Scope = dict[str, Any]


class Middleware:
    """Pure ASGI. `opened()` builds the engine, `closed()` gives everything back. `governs(path)` chooses paths; None: the dialects'.

    `opened()` may be called again after `closed()`; also without it, on another loop, where the loop of the last start is over.
    """

    def __init__(
        self,
        app: Any,
        opened: Callable[[], Awaitable[Engine]],
        closed: Callable[[], Awaitable[None]],
        governs: Callable[[str], bool] | None = None,
    ) -> None:
        self.app = app
        self._opened = opened
        self._closed = closed
        self._governs = governs
        self._starting: asyncio.Future[Intake] | None = None

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Govern a request, or pass it through."""
        if scope["type"] == "http" and self._governed(scope):
            intake = await self.start()
            await intake(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _governed(self, scope: Scope) -> bool:
        path = path_of(scope)
        if self._governs is not None:
            return self._governs(path)
        return dialect_for("POST", path).operation != "opaque"

    async def start(self) -> Intake:
        """The intake, started at the first call; calls meanwhile wait for the same start. A failed start is tried again by the next.

        SettingsError where it runs in another loop that is still alive.
        """
        starting = self._started_here()
        if starting is None:
            starting = self._starting = asyncio.ensure_future(self._start())
        return starting.result() if starting.done() else await asyncio.shield(starting)

    def _started_here(self) -> asyncio.Future[Intake] | None:
        """The start under way or done on this loop; None where there is none, it failed, or its loop is over."""
        starting = self._starting
        if starting is None:
            return None
        if starting.get_loop() is not asyncio.get_running_loop():
            if starting.get_loop().is_closed():
                return None
            raise SettingsError(
                "this gateway runs in another event loop, which is not closed: make one Gateway per loop (and per --data), "
                "or aclose() this one there first"
            )
        if starting.done() and (starting.cancelled() or starting.exception() is not None):
            return None
        return starting

    async def _start(self) -> Intake:
        return Intake(await self._opened())

    async def aclose(self) -> None:
        """Finish what is under way and give everything back; requests meanwhile are told so, and the next one would start anew."""
        starting = self._starting
        if starting is None:
            return
        try:
            if self._started_here() is not None:
                with contextlib.suppress(Exception):  # whoever asked for that start was told
                    await asyncio.shield(starting)
            await self._closed()
        finally:
            if self._starting is starting:
                self._starting = None

    async def _lifespan(self, scope: Scope, receive: Any, send: Any) -> None:
        """Start before the application says it has started, stop after it says it has shut down."""
        failed = False

        async def sending(message: dict[str, Any]) -> None:
            nonlocal failed
            if message["type"] == "lifespan.startup.complete":
                try:
                    await self.start()
                except Exception as error:
                    failed = True
                    await send({"type": "lifespan.startup.failed", "message": f"gateway: {error}"})
                    raise
            elif message["type"] in {"lifespan.shutdown.complete", "lifespan.shutdown.failed"}:
                await self.aclose()
            elif failed and message["type"] == "lifespan.startup.failed":
                return  # the application tells what we raised, which the server has heard
            await send(message)

        await self.app(scope, receive, sending)
