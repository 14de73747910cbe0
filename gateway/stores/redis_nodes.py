"""A line to several Redis nodes: each call goes to the node that has its slot, and finds it anew when that has changed.

Where the slots are is learnt from a topology (a Cluster's own map, or Sentinels that name one primary for all of them). A call is
sent again only where surely nothing was done: a node said MOVED, ASK, TRYAGAIN or that it takes no writes, or could not be
reached. One that went out and got no answer is of unknown outcome, here as on a single line. Everything ends within the call's own
deadline, so while a failover is under way (a Cluster's node timeout and an election, some seconds by default) calls to the lost
slots end in StoreUnavailable, and calls to the others are served. So do takes on a slot while it is being moved to another node (a
script that writes a new key is refused by both of them then), which is some milliseconds where slots are moved one by one.

What an asynchronous failover can lose: writes that the old primary acknowledged and had not sent on when it died. For limits that is
at most what was taken on those slots within the replication lag (usually under a millisecond; a Redis that is set to
`min-replicas-to-write 1` and `min-replicas-max-lag 1` stops taking writes after about a second without its replica, which bounds it
for a partition too). Holds that were lost are settled as unknown ids.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

from redis.crc import key_slot
from redis.exceptions import (
    AskError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    MovedError,
    ReadOnlyError,
    TryAgainError,
)

from gateway.errors import OutcomeUnknown, StoreError, StoreUnavailable
from gateway.stores.redis_line import RedisLine, Script, Word

__all__ = ["SLOTS", "Address", "RedisNodes", "Topology"]

SLOTS = 16384
"""Hash slots of a Redis Cluster."""

Address = tuple[str, int]
"""Host and port of a node."""

Send = Callable[[RedisLine, float, bool], Awaitable[Any]]
"""Sends a call over a line, within so many seconds, asking or not."""

_NO_KEY = frozenset({"PING", "INFO", "TIME"})
_HOPS = 12
_LEARN_S = 0.25
"""How long a node or a Sentinel may take to say where the slots are."""
_LEARN_EVERY_S = 0.05
_TRY_AGAIN_S = 0.005
_RETIRE_S = 5.0
"""A line to a node that no longer has slots is closed so much later, when all its calls are over."""


class Topology(Protocol):
    """Where slots are: ranges (first, last, node) as somebody who was asked says; StoreUnavailable when nobody does.

    `nodes` gives a line to a node that has data.
    """

    async def learn(self, known: Sequence[Address], node: Callable[[Address], RedisLine]) -> list[tuple[int, int, Address]]: ...
    async def aclose(self) -> None: ...


class RedisNodes:
    """See `redis_line.Line`. `open_line` makes the line to a node; `deadline_s` is for calls that name none of their own."""

    def __init__(self, topology: Topology, open_line: Callable[[Address], RedisLine], *, deadline_s: float) -> None:
        self.deadline_s = deadline_s
        self._topology = topology
        self._open_line = open_line
        self._lines: dict[Address, RedisLine] = {}
        self._map: list[Address | None] = [None] * SLOTS
        self._retiring: list[tuple[float, RedisLine]] = []
        self._learning: asyncio.Task[None] | None = None
        self._next_learn = 0.0
        self._why: Exception | None = None
        self._closed = False

    async def call(self, *words: Word, deadline_s: float | None = None) -> Any:
        """One command's reply; its first argument is its key. StoreUnavailable, OutcomeUnknown."""
        key = None if len(words) < 2 or words[0] in _NO_KEY else words[1]
        return await self._routed(key, deadline_s, lambda line, left, asking: line.call(*words, deadline_s=left, asking=asking))

    async def run(self, script: Script, keys: Sequence[Word], args: Sequence[Word], *, deadline_s: float | None = None) -> Any:
        """One script's reply; all its keys are in one slot. StoreUnavailable, OutcomeUnknown."""
        return await self._routed(
            keys[0], deadline_s, lambda line, left, asking: line.run(script, keys, args, deadline_s=left, asking=asking)
        )

    async def aclose(self) -> None:
        """Close every line. Calls under way end in OutcomeUnknown."""
        self._closed = True
        if self._learning is not None:
            self._learning.cancel()
            with suppress(asyncio.CancelledError, StoreError):
                await self._learning
        for line in [*self._lines.values(), *(line for _, line in self._retiring)]:
            await line.aclose()
        await self._topology.aclose()

    # ── One call ────────────────────────────────────────────────────────────────────────────────

    async def _routed(self, key: Word | None, deadline_s: float | None, send: Send) -> Any:
        """1. To the node that should have it. 2. Where surely nothing was done, to the one that has it now, while there is time."""
        loop = asyncio.get_running_loop()
        due = loop.time() + (self.deadline_s if deadline_s is None else deadline_s)
        slot = random.randrange(SLOTS) if key is None else key_slot(_raw(key))  # noqa: S311 - any node will do
        address, asking = self._map[slot], False
        for _ in range(_HOPS):
            if address is None:
                address = await self._found(slot, due)
            try:
                return await send(self._line(address), due - loop.time(), asking)
            except OutcomeUnknown:
                self._learn_soon()
                raise
            except StoreUnavailable as error:
                address, asking = await self._instead(error, slot, address, due)
        raise StoreUnavailable("the nodes of Redis send a call to each other: its slot is being moved")

    async def _instead(self, error: StoreUnavailable, slot: int, address: Address, due: float) -> tuple[Address, bool]:
        """Where to go with a call that was refused at an address, and whether by asking; the error where that changes nothing."""
        said = error.__cause__
        if isinstance(said, MovedError):
            self._map[slot] = moved = (said.host or address[0], said.port)
            self._learn_soon()
            return moved, False
        if isinstance(said, AskError):
            return (said.host or address[0], said.port), True
        if isinstance(said, TryAgainError):
            await asyncio.sleep(_TRY_AGAIN_S)
            return self._map[slot] or address, False
        if said is not None and not isinstance(said, (ClusterDownError, MasterDownError, ReadOnlyError, BusyLoadingError)):
            raise error
        found = await self._found(slot, due, error)
        if found == address:
            raise error
        return found, False

    async def _found(self, slot: int, due: float, error: StoreUnavailable | None = None) -> Address:
        """The node of a slot by what is learnt now, at the latest when the call is due."""
        loop = asyncio.get_running_loop()
        learning = self._learn_soon()
        if learning is not None:
            await asyncio.wait([learning], timeout=max(0.0, due - loop.time()))
        address = self._map[slot]
        if address is None or loop.time() >= due:
            if error is not None:
                raise error
            raise StoreUnavailable("no node of Redis has this slot, or none said so in time") from self._why
        return address

    # ── What is known of the nodes ──────────────────────────────────────────────────────────────

    def _line(self, address: Address) -> RedisLine:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        line = self._lines.get(address)
        if line is None:
            line = self._lines[address] = self._open_line(address)
        return line

    def _learn_soon(self) -> asyncio.Task[None] | None:
        """The learning that is under way, begun if the last one is some moments ago: however many calls fail, one of them asks."""
        loop = asyncio.get_running_loop()
        if self._learning is not None and not self._learning.done():
            return self._learning
        if self._closed or loop.time() < self._next_learn:
            return None
        self._next_learn = loop.time() + _LEARN_EVERY_S * (1 + random.random())  # noqa: S311
        self._learning = asyncio.ensure_future(self._learn())
        return self._learning

    async def _learn(self) -> None:
        known = list(self._lines)
        random.shuffle(known)
        try:
            async with asyncio.timeout(4 * _LEARN_S):
                ranges = await self._topology.learn(known, self._line)
        except (StoreError, TimeoutError) as error:
            self._why = error
            return
        fresh: list[Address | None] = [None] * SLOTS
        for first, last, address in ranges:
            fresh[first : last + 1] = [address] * (last - first + 1)
        self._map = fresh
        await self._retire({address for _, _, address in ranges})

    async def _retire(self, serving: set[Address]) -> None:
        now = asyncio.get_running_loop().time()
        over = [line for when, line in self._retiring if when <= now]
        self._retiring = [(when, line) for when, line in self._retiring if when > now]
        for address in [address for address in self._lines if address not in serving]:
            self._retiring.append((now + _RETIRE_S, self._lines.pop(address)))
        for line in over:
            await line.aclose()


def _raw(key: Word) -> bytes:
    return key if isinstance(key, bytes) else str(key).encode("utf-8", "surrogatepass")
