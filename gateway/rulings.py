"""What people decided, as a running process goes by it: read from the state twice a second, looked at by every request.

A cleared caller's evidence is dropped where it is heard of, and no verdict from before stands; a confirmed caller's verdict says so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from gateway.errors import StoreError
from gateway.model.caller import fingerprint
from gateway.model.evidence import Verdict
from gateway.model.ruling import Ruling
from gateway.model.value import replace
from gateway.ports import HistoryStore, RulingStore
from gateway.risk.ruled import ruled

__all__ = ["RuledVerdicts", "Rulings"]

_log = logging.getLogger("gateway")

_EVERY_S = 0.5
_MOST = 10_000


class Rulings:
    """The ruling that stands on each caller, and `heard`, called once for each that comes."""

    def __init__(self, store: RulingStore) -> None:
        self._store = store
        self._place = 0
        self._standing: dict[str, Ruling] = {}
        self.heard: Callable[[Ruling], object] = _unheard

    def of(self, key_id: str) -> Ruling | None:
        """What was decided on a caller last. Never waits."""
        return self._standing.get(key_id)

    async def read(self) -> None:
        """Take in what came since the last time. StoreError."""
        self._place, came = await self._store.since(self._place)
        for ruling in came:
            if self._standing.get(ruling.key_id) == ruling:
                continue
            self._standing.pop(ruling.key_id, None)
            self._standing[ruling.key_id] = ruling
            _log.info("%s was %s by %s", fingerprint(ruling.key_id), ruling.finding, ruling.by)
            self.heard(ruling)
        while len(self._standing) > _MOST:
            del self._standing[next(iter(self._standing))]

    async def watch(self) -> None:
        """Read for as long as the process serves. While the state does not answer, what is known stands."""
        while True:
            try:
                await self.read()
            except StoreError as error:
                _log.debug("decisions on callers cannot be read: %s", type(error).__name__)
            await asyncio.sleep(_EVERY_S)


class RuledVerdicts:
    """HistoryStore over another, with what people decided applied to what it says."""

    def __init__(self, verdicts: HistoryStore, rulings: Rulings) -> None:
        self._verdicts = verdicts
        self._rulings = rulings

    def standing(self, key_id: str) -> Verdict:
        """See `ports.HistoryStore`."""
        return ruled(self._verdicts.standing(key_id), self._rulings.of(key_id))

    def put(self, key_id: str, verdict: Verdict) -> None:
        """See `ports.HistoryStore`."""
        self._verdicts.put(key_id, replace(verdict, confirmed=False))  # said anew by `standing`, as long as it is so


def _unheard(ruling: Ruling) -> None:
    """Nobody has to be told."""
