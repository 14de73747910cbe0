"""A throttled caller's answers: everything takes 1/share as long as the upstream took, evenly, and nothing says why.

What the upstream sends is read ahead with the time at which it came, up to a bound; it is handed on when so much time has passed
since the request went out as had passed then, divided by the share. (While the bound is reached, the upstream waits for us: that time
is not its own, and does not count.) So the answer keeps its own rhythm, a slow model's and a fast one's, and nobody can read a fixed
rate from it. It is never later than LONGEST_LAG_S, so that no client gives up on it, and errors of the upstream are not held back.

The place at the upstream is kept until the end is handed on: a throttled caller has fewer, each for longer.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque

from gateway.ports import Headers, UpstreamAnswer

__all__ = ["LONGEST_LAG_S", "MOST_AHEAD", "Paced", "paced"]

LONGEST_LAG_S = 30.0
"""How far the answer may fall behind the upstream."""

MOST_AHEAD = 256 * 1024
"""Bytes that are read ahead; then the upstream is read no faster than its answer is handed on."""


def paced(answer: UpstreamAnswer, share: float, sent_at: float) -> UpstreamAnswer:
    """The answer at a share of its pace; itself where the share is whole or it is an error. `sent_at`: on the loop's clock."""
    return Paced(answer, share, sent_at) if share < 1.0 and answer.status < 400 else answer


class Paced:
    """An `ports.UpstreamAnswer` behind another."""

    def __init__(self, answer: UpstreamAnswer, share: float, sent_at: float) -> None:
        self.status: int = answer.status
        self.headers: Headers = answer.headers
        self._answer = answer
        self._share = share
        self._sent_at = sent_at
        self._held = 0.0
        self._came: deque[tuple[bytes | Exception, float]] = deque()
        self._ahead = 0
        self._more = asyncio.Event()
        self._room = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self._ended = False

    async def read(self) -> bytes:
        """See `ports.UpstreamAnswer`."""
        if self._ended:
            return b""
        loop = asyncio.get_running_loop()
        if self._reader is None:
            self._reader = loop.create_task(self._read_ahead())
        while not self._came:
            self._more.clear()
            await self._more.wait()
        what, due = self._came[0]
        if due > loop.time():
            await asyncio.sleep(due - loop.time())
        self._came.popleft()
        if isinstance(what, Exception):
            self._ended = True
            raise what
        self._ended = not what
        self._ahead -= len(what)
        self._room.set()
        return what

    async def aclose(self) -> None:
        """See `ports.UpstreamAnswer`."""
        self._ended = True
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reader
        await self._answer.aclose()

    def _due(self, now: float) -> float:
        """When what came now is handed on."""
        return min(self._sent_at + (now - self._held - self._sent_at) / self._share, now + LONGEST_LAG_S)

    async def _read_ahead(self) -> None:
        """Read to the end or the first fault, which is handed on in its turn."""
        loop = asyncio.get_running_loop()
        what: bytes | Exception = b"?"
        while what and not isinstance(what, Exception):
            full = loop.time()
            while self._ahead >= MOST_AHEAD:
                self._room.clear()
                await self._room.wait()
            self._held += loop.time() - full
            try:
                what = await self._answer.read()
                self._ahead += len(what)
            except Exception as error:  # noqa: BLE001 - whatever it is, the reader of this answer is told
                what = error
            self._came.append((what, self._due(loop.time())))
            self._more.set()
