"""What people decided, in a running process: read from the state twice a second, looked at by every request, and written to its log.

A cleared caller's evidence is dropped where it is heard of, and no verdict from before stands; a confirmed caller's verdict says so.
The log of a process says what it goes by: what stood when it began, and each decision that it heard of since, once.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from gateway.errors import AuditError, StoreError
from gateway.model.caller import fingerprint
from gateway.model.evidence import Verdict
from gateway.model.ruling import Ruling
from gateway.model.value import replace
from gateway.ports import HistoryStore, RulingStore
from gateway.risk.ruled import ruled

__all__ = ["Decided", "RuledVerdicts", "Rulings"]

_log = logging.getLogger("gateway")

_EVERY_S = 0.5
_MOST = 10_000


class Rulings:
    """The ruling that stands on each caller; `heard` is called once for each that comes, and `write` puts it into the log."""

    def __init__(self, store: RulingStore, write: Callable[[Ruling], Awaitable[None]] | None = None) -> None:
        self._store = store
        self._place = 0
        self._began = False
        self._standing: dict[str, Ruling] = {}
        self._write = write
        self._unwritten: deque[Ruling] = deque(maxlen=_MOST)
        self._reading = asyncio.Lock()
        self.heard: Callable[[Ruling], object] = _unheard

    def of(self, key_id: str) -> Ruling | None:
        """What was decided on a caller last. Never waits."""
        return self._standing.get(key_id)

    async def read(self) -> None:
        """Take in what came since the last time, and write it down. StoreError."""
        async with self._reading:
            place, came = await self._store.since(self._place)
            whole, self._began, self._place = not self._began or place < self._place, True, place
            new = [ruling for ruling in came if self._take(ruling)]
            while len(self._standing) > _MOST:
                del self._standing[next(iter(self._standing))]
            if self._write is not None:
                self._unwritten.extend(_last(new) if whole else new)
        await self._written()

    def _take(self, ruling: Ruling) -> bool:
        """Go by a ruling from now on; False where it is known already."""
        if self._standing.get(ruling.key_id) == ruling:
            return False
        self._standing.pop(ruling.key_id, None)
        self._standing[ruling.key_id] = ruling
        _log.info("%s was %s by %s", fingerprint(ruling.key_id), ruling.finding, ruling.by)
        self.heard(ruling)
        return True

    async def _written(self) -> None:
        """Write what waits for it; what cannot be written now is tried again with the next reading."""
        while self._write is not None and self._unwritten:
            ruling = self._unwritten.popleft()
            try:
                await self._write(ruling)
            except AuditError:
                self._unwritten.appendleft(ruling)
                return

    async def watch(self) -> None:
        """Read for as long as the process serves. While the state does not answer, what is known stands."""
        while True:
            try:
                await self.read()
            except StoreError as error:
                _log.debug("decisions on callers cannot be read: %s", type(error).__name__)
            await asyncio.sleep(_EVERY_S)


class Decided(Protocol):
    """Who knows what was decided on a caller last."""

    def of(self, key_id: str) -> Ruling | None: ...


class RuledVerdicts:
    """HistoryStore over another, with what people decided applied to what it says."""

    def __init__(self, verdicts: HistoryStore, rulings: Decided) -> None:
        self._verdicts = verdicts
        self._rulings = rulings

    def standing(self, key_id: str) -> Verdict:
        """See `ports.HistoryStore`."""
        return ruled(self._verdicts.standing(key_id), self._rulings.of(key_id))

    def put(self, key_id: str, verdict: Verdict) -> None:
        """See `ports.HistoryStore`."""
        self._verdicts.put(key_id, replace(verdict, confirmed=False))  # said anew by `standing`, as long as it is so


def _last(rulings: Sequence[Ruling]) -> list[Ruling]:
    """Of each caller the last, in their order."""
    last = {ruling.key_id: ruling for ruling in rulings}
    return [ruling for ruling in rulings if last[ruling.key_id] is ruling]


def _unheard(ruling: Ruling) -> None:
    """Nobody has to be told."""
