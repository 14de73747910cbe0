"""How fast the demo speaks, and that it lets others speak: answers under way take turns on the event loop.

Iterators instead of generators, so that an answer broken off leaves nothing to be closed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence

from gateway.demo.speech import Draft, Piece

__all__ = ["Pace"]

_TURN = 16
"""Tokens in a row before the loop may see to others (and learn that a client has left)."""


class Pace:
    """`tokens_per_second` of each answer; infinite for as fast as can be."""

    def __init__(self, tokens_per_second: float) -> None:
        if not tokens_per_second > 0:
            raise ValueError(f"tokens per second must be a positive number, not {tokens_per_second}")
        self._each = 1.0 / tokens_per_second
        self._spoken = 0

    def speak(self, draft: Draft) -> AsyncIterator[Piece]:
        """The pieces of an answer, one after another."""
        return _One(self, draft)

    def in_turns(self, drafts: Sequence[Draft]) -> AsyncIterator[tuple[int, Piece | None]]:
        """The pieces of several answers side by side, (index, piece); None once where an answer ends."""
        return _Many(self, drafts)

    async def collect(self, draft: Draft) -> list[Piece]:
        """All pieces of an answer."""
        return [piece async for piece in self.speak(draft)]

    async def token(self, share: int = 1) -> None:
        """Wait as long as a token takes; a `share` of that, where so many answers are spoken side by side."""
        self._spoken += 1
        if self._each:
            await asyncio.sleep(self._each / share)
        elif self._spoken % _TURN == 0:
            await self.turn()

    async def turn(self) -> None:
        """Let others go first."""
        await asyncio.sleep(0)


class _One:
    def __init__(self, pace: Pace, draft: Draft) -> None:
        self._pace = pace
        self._pieces = iter(draft)

    def __aiter__(self) -> AsyncIterator[Piece]:
        return self

    async def __anext__(self) -> Piece:
        piece = next(self._pieces, None)
        if piece is None:
            raise StopAsyncIteration
        await self._pace.token()
        return piece


class _Many:
    def __init__(self, pace: Pace, drafts: Sequence[Draft]) -> None:
        self._pace = pace
        self._speaking: deque[tuple[int, Iterator[Piece]]] = deque((index, iter(draft)) for index, draft in enumerate(drafts))

    def __aiter__(self) -> AsyncIterator[tuple[int, Piece | None]]:
        return self

    async def __anext__(self) -> tuple[int, Piece | None]:
        if not self._speaking:
            raise StopAsyncIteration
        index, pieces = self._speaking.popleft()
        piece = next(pieces, None)
        if piece is not None:
            await self._pace.token(len(self._speaking) + 1)
            self._speaking.append((index, pieces))
        return index, piece
