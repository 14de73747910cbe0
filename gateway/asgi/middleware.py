"""The door of the middleware: which scopes are governed, and starting and stopping along with the application behind.

Only governed paths are touched. Everything else (other HTTP paths, WebSocket, lifespan) passes through as it came. The gateway
starts when the first request or the lifespan comes, once per event loop, and stops with the lifespan or by `aclose()`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from gateway.asgi.intake import Engine, Intake
from gateway.dialects.routes import dialect_for

__all__ = ["Middleware"]

Scope = dict[str, Any]


class Middleware:
    """Pure ASGI. `opened()` builds the engine, `closed()` gives everything back. `governs(path)` chooses paths; None: the dialects'."""

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
        path: str = scope["path"]
        if self._governs is not None:
            return self._governs(path)
        return dialect_for("POST", path).operation != "opaque"

    async def start(self) -> Intake:
        """The intake, started at the first call; calls meanwhile wait for the same start. A failed start is tried again by the next."""
        if self._starting is None:
            self._starting = asyncio.ensure_future(self._start())
        starting = self._starting
        try:
            return await asyncio.shield(starting)
        except Exception:
            if self._starting is starting:
                self._starting = None
            raise

    async def _start(self) -> Intake:
        return Intake(await self._opened())

    async def aclose(self) -> None:
        """Finish what is under way and give everything back; the next request would start anew."""
        if self._starting is None:
            return
        starting, self._starting = self._starting, None
        await starting
        await self._closed()

    async def _lifespan(self, scope: Scope, receive: Any, send: Any) -> None:
        """Start before the application says it has started, stop after it says it has shut down."""

        async def sending(message: dict[str, Any]) -> None:
            if message["type"] == "lifespan.startup.complete":
                try:
                    await self.start()
                except Exception as error:
                    await send({"type": "lifespan.startup.failed", "message": f"gateway: {error}"})
                    raise
            elif message["type"] == "lifespan.shutdown.complete":
                await self.aclose()
            await send(message)

        await self.app(scope, receive, sending)
