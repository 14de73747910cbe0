"""Writes quota and verdicts behind the memory that serves them, so that both outlive the process: twice a second, in a thread.

The road only marks a key as changed. What is written is the state at the time of writing, so a counter costs one row however often it
was charged meanwhile. A killed process loses at most what changed since the last write began: half a second, and the time that one
write takes. A hold that was open then counts as spent as estimated, because its charge stands in its counters; its slots are free,
because slots are never written. After a power cut or a crash of the kernel, what the kernel had not put on disk is lost too; the file
stays whole.

A disk that is full or gone stops nothing: it is counted, logged once, and what waits is written when it answers again.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from itertools import islice

from gateway.errors import StoreUnavailable
from gateway.ports import Meter
from gateway.stores.database import Database
from gateway.stores.kept import Batch, Found, Rows
from gateway.stores.memory_holds import MemoryHolds
from gateway.stores.verdicts import MemoryVerdicts

__all__ = ["Changes", "Journal"]

_log = logging.getLogger("gateway")

_EVERY_S = 0.5
_MOST = 512
"""Changes in one transaction: few enough for the loop not to notice."""

_MOST_WAITING = 400_000
"""Changes that wait for a disk. Of more, those that only say that something is gone are forgotten: they do no harm as they are."""


class Changes:
    """The keys that changed since they were last written, in the order in which they did. `mark(key)` is all the road does."""

    def __init__(self) -> None:
        self._keys: dict[str, None] = {}
        self.mark = self._keys.setdefault

    def __len__(self) -> int:
        return len(self._keys)

    def take(self, most: int) -> list[str]:
        """The first of them, which count as written from now on."""
        keys = list(islice(self._keys, most))
        for key in keys:
            del self._keys[key]
        return keys

    def keep(self, keys: list[str]) -> None:
        """Count these alone as changed."""
        self._keys.clear()
        self._keys.update(dict.fromkeys(keys))


class Journal:
    """What stands behind one process's memory. `load` first, then `start`; `aclose` writes what is left."""

    def __init__(self, database: Database, holds: MemoryHolds, verdicts: MemoryVerdicts, counters: Changes, judged: Changes) -> None:
        self._database = database
        self._holds = holds
        self._verdicts = verdicts
        self._counters = counters
        self._judged = judged
        self._meter: Meter | None = None
        self._rows = Rows()
        self._writing: Batch | None = None
        self._failing = False
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def measure(self, meter: Meter) -> None:
        """Count writes there from now on."""
        self._meter = meter

    async def load(self) -> None:
        """Take over what an earlier process left, but for what its window has forgotten since. StoreUnavailable."""
        found = await self._database.run(self._rows.read)
        gone = [*found.unreadable, *_restore(found, self._holds, self._verdicts)]
        self._counters.keep(gone)
        self._judged.keep([])
        if found.unreadable:
            _log.warning("%d counters or verdicts that were kept cannot be read any more and count as unused", len(found.unreadable))
        await self._database.run(self._rows.tidy)

    def start(self) -> None:
        """Write twice a second from now on."""
        self._task = asyncio.ensure_future(self._run())

    async def flush(self) -> bool:
        """Write all that has changed by now; False when the disk does not take it, which then is tried again later."""
        for _ in range(1 + (len(self._counters) + len(self._judged)) // _MOST):
            batch = self._writing = self._collected()
            if not len(batch):
                break
            try:
                await self._database.run(partial(self._rows.write, batch=batch))
            except Exception as error:  # noqa: BLE001 - whatever a disk's trouble is, requests go on
                self._failed(batch, error)
                return False
            self._written()
        self._writing = None
        return True

    async def aclose(self) -> None:
        """Write what is left and end. Where the loop that this began in is over, what that one was writing is written again."""
        task, self._task = self._task, None
        if task is not None and task.get_loop() is asyncio.get_running_loop():
            self._stop.set()
            await task
        elif self._writing is not None:
            self._put_back(self._writing)
        await self.flush()

    async def _run(self) -> None:
        while not self._stop.is_set():
            try:
                async with asyncio.timeout(_EVERY_S):
                    await self._stop.wait()
            except TimeoutError:
                await self.flush()

    def _collected(self) -> Batch:
        """The next changes as they stand now. States are values, so no later charge reaches them."""
        batch = Batch(self._holds.time())
        batch.counters = [(key, self._holds.kept(key)) for key in self._counters.take(_MOST)]
        batch.verdicts = [(key, self._verdicts.kept(key)) for key in self._judged.take(_MOST - len(batch.counters))]
        return batch

    def _put_back(self, batch: Batch) -> None:
        for changes, rows in ((self._counters, batch.counters), (self._judged, batch.verdicts)):
            for key, _ in rows:
                changes.mark(key)
        if len(self._counters) > _MOST_WAITING:
            waiting = self._counters.take(len(self._counters))
            self._counters.keep([key for key in waiting if self._holds.kept(key) is not None])

    def _failed(self, batch: Batch, error: Exception) -> None:
        self._rows.forget()
        self._put_back(batch)
        self._writing = None
        self._count("failed")
        if not self._failing:
            cause = error.__cause__ or error
            what = cause if isinstance(error, StoreUnavailable) else type(error).__name__
            _log.error("quota and verdicts cannot be kept for a restart (%s): they hold in memory, and it is tried again", what)
        self._failing = True

    def _written(self) -> None:
        self._count("written")
        if self._failing:
            _log.warning("quota and verdicts are kept for a restart again")
        self._failing = False

    def _count(self, outcome: str) -> None:
        if self._meter is not None:
            self._meter.count("gateway_state_writes_total", (outcome,))


def _restore(found: Found, holds: MemoryHolds, verdicts: MemoryVerdicts) -> list[str]:
    """Give an earlier process's state to this one's stores; the keys of the counters that are as good as unused by now."""
    holds.resume(found.time)
    gone = [claim.key for claim, state in found.counters if not holds.restore(claim, state)]
    for key_id, verdict in found.verdicts:
        verdicts.put(key_id, verdict)
    return gone
