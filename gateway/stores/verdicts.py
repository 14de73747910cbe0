"""Standing verdicts in this process's memory: read on the road of every request, so a plain dictionary.

With a shared state they stay local to the process too: each weighs what it has seen itself. Whoever keeps them over a restart is told
whose changed.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

from gateway.model.evidence import NO_VERDICT, Verdict

__all__ = ["MemoryVerdicts"]


class MemoryVerdicts:
    """HistoryStore. At most `capacity` callers; past that the lowest-scored, of equals the least recently put, is forgotten.

    `changed(key_id)` is called for each caller whose verdict changes or is forgotten.
    """

    def __init__(self, capacity: int = 100_000, *, changed: Callable[[str], object] | None = None) -> None:
        self._capacity = capacity
        self._changed = changed or _nobody
        self._verdicts: dict[str, tuple[Verdict, int]] = {}
        self._order: list[tuple[float, int, str]] = []
        self._serial = count()

    def standing(self, key_id: str) -> Verdict:
        """See `ports.HistoryStore`."""
        found = self._verdicts.get(key_id)
        return NO_VERDICT if found is None else found[0]

    def put(self, key_id: str, verdict: Verdict) -> None:
        """See `ports.HistoryStore`."""
        serial = next(self._serial)
        self._verdicts[key_id] = (verdict, serial)
        heapq.heappush(self._order, (verdict.score, serial, key_id))
        self._changed(key_id)
        while len(self._verdicts) > self._capacity:
            self._forget_lowest()
        if len(self._order) > 2 * len(self._verdicts) + 16:
            self._order = [(verdict.score, serial, key) for key, (verdict, serial) in self._verdicts.items()]
            heapq.heapify(self._order)

    def kept(self, key_id: str) -> tuple[int, Verdict] | None:
        """A caller's verdict and its place in the order in which they were put."""
        found = self._verdicts.get(key_id)
        return None if found is None else (found[1], found[0])

    def _forget_lowest(self) -> None:
        _, serial, key_id = heapq.heappop(self._order)
        if self._verdicts.get(key_id, (None, -1))[1] == serial:
            del self._verdicts[key_id]
            self._changed(key_id)


def _nobody(key_id: str) -> None:
    """Nobody keeps the verdicts of this store."""
