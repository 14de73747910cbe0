"""An even pace: a stream goes out in helpings at fixed times, so that neither the model's rhythm nor its speed can be read from it.

The upstream is read ahead, up to a bound; at every tick of a grid that begins when the request went out, at most so many events are
handed on together as the pace allows (an event counts as a token). Any other answer is handed on at the tick by which its tokens, four
bytes each, would have been told at that pace, at most LONGEST_WAIT_S after it was asked for. Errors are not held back.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import deque

from gateway.dialects.sse import EventSplitter
from gateway.perturb.base import Pace
from gateway.ports import Headers, UpstreamAnswer

__all__ = ["LONGEST_WAIT_S", "MOST_AHEAD", "Evened", "evened"]

LONGEST_WAIT_S = 30.0
"""How long an answer that is no stream is kept at most."""

MOST_AHEAD = 256 * 1024
"""Bytes of a stream that are read ahead; then the upstream is read no faster than its answer is handed on."""


def evened(answer: UpstreamAnswer, pace: Pace | None, sent_at: float) -> UpstreamAnswer:
    """The answer at an even pace; itself where none is asked for or it is an error. `sent_at`: on the loop's clock."""
    return answer if pace is None or answer.status >= 400 else Evened(answer, pace, sent_at)


class Evened:
    """An `ports.UpstreamAnswer` behind another."""

    def __init__(self, answer: UpstreamAnswer, pace: Pace, sent_at: float) -> None:
        self.status: int = answer.status
        self.headers: Headers = answer.headers
        self._answer = answer
        self._pace = pace
        self._sent_at = sent_at
        self._splitter = EventSplitter() if dict(answer.headers).get(b"content-type", b"").startswith(b"text/event-stream") else None
        self._came: deque[bytes] = deque()
        self._ahead = 0
        self._over: Exception | bool = False
        """Whether all came, or what broke it off."""
        self._more = asyncio.Event()
        self._room = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self._allowed = 0.0

    async def read(self) -> bytes:
        """See `ports.UpstreamAnswer`."""
        if self._reader is None:
            self._reader = asyncio.get_running_loop().create_task(self._read_ahead())
        if self._splitter is None:
            return await self._whole()
        while True:
            while not self._came and not self._over:
                self._more.clear()
                await self._more.wait()
            if not self._came:
                return self._end()
            await self._tick()
            if helping := self._helping():
                return helping

    async def aclose(self) -> None:
        """See `ports.UpstreamAnswer`."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reader
        await self._answer.aclose()

    def _end(self) -> bytes:
        over, self._over = self._over, True
        if isinstance(over, Exception):
            raise over
        return b""

    async def _tick(self) -> None:
        """Wait for the next tick of the grid."""
        now, every = asyncio.get_running_loop().time() - self._sent_at, self._pace.every_us / 1e6
        await asyncio.sleep((math.floor(now / every) + 1) * every - now)

    def _helping(self) -> bytes:
        """As many events as the tick allows; what it allows and nobody needed does not pile up."""
        most = self._pace.tokens * self._pace.every_us / 1e6
        self._allowed = min(self._allowed + most, most + 1)
        out = []
        while self._came and self._allowed >= 1:
            self._allowed -= 1
            out.append(self._came.popleft())
        told = b"".join(out)
        self._ahead -= len(told)
        self._room.set()
        return told

    async def _whole(self) -> bytes:
        """An answer that is no stream: all of it at once, in its time."""
        while not self._over:
            self._more.clear()
            await self._more.wait()
        if not self._came:
            return self._end()
        told = b"".join(self._came)
        self._came.clear()
        due = min(len(told) / 4 / self._pace.tokens, LONGEST_WAIT_S)
        wait = self._sent_at + due - asyncio.get_running_loop().time()
        await asyncio.sleep(max(wait, 0.0))
        await self._tick()
        return told

    async def _read_ahead(self) -> None:
        """Read to the end or the first fault, which is handed on in its turn."""
        over: Exception | bool = False
        while not over:
            while self._splitter is not None and self._ahead >= MOST_AHEAD:
                self._room.clear()
                await self._room.wait()
            try:
                chunk = await self._answer.read()
            except Exception as error:  # noqa: BLE001 - whatever it is, the reader of this answer is told
                chunk, over = b"", error
            over = over or not chunk
            pieces = [chunk] if self._splitter is None else self._splitter.feed(chunk) if chunk else [self._splitter.rest()]
            self._came += [piece for piece in pieces if piece]
            self._ahead += sum(map(len, pieces))
            self._more.set()
        self._over = over
        self._more.set()
