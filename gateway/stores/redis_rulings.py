"""What people decided about callers, in Redis: every process of a fleet reads what has come since it last looked.

Like keys these do not expire. All of it lies in one slot of a Cluster.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from gateway.model.ruling import Ruling
from gateway.stores.redis_line import Line, Script, Word

__all__ = ["RedisRulings"]

_LUA = Path(__file__).parent / "lua"
_SPECS, _ORDER, _LAST, _COUNT = _KEYS = ["azg:{rulings}:by", "azg:{rulings}:order", "azg:{rulings}:last", "azg:{rulings}:count"]
_PATIENCE = 4
"""Asked for off the road: may take so many times as long as a take of quota."""

_DECODE = msgspec.json.Decoder(Ruling).decode


class RedisRulings:
    """RulingStore. Of more than `capacity` rulings those that were replaced are forgotten first, then the oldest."""

    def __init__(self, line: Line, *, capacity: int = 10_000) -> None:
        self._line = line
        self._capacity = capacity
        self._rule = Script((_LUA / "rule.lua").read_text())
        self._deadline_s = _PATIENCE * line.deadline_s

    async def put(self, ruling: Ruling) -> None:
        """See `ports.RulingStore`."""
        arguments: list[Word] = [ruling.key_id, msgspec.json.encode(ruling), self._capacity]
        await self._line.run(self._rule, _KEYS, arguments, deadline_s=self._deadline_s)

    async def since(self, place: int) -> tuple[int, list[Ruling]]:
        """See `ports.RulingStore`. Places have no gap but for what was forgotten, so that they need not be listed."""
        last = int(await self._call("GET", _COUNT) or 0)
        if last == place:
            return place, []
        from_place = place if place < last else 0
        places = [int(member) for member in await self._call("ZRANGE", _ORDER, 0, -1)] if last - from_place > _FEW else None
        wanted = sorted(one for one in places if one > from_place) if places is not None else range(from_place + 1, last + 1)
        if not wanted:
            return last, []
        found = await self._call("HMGET", _SPECS, *wanted)
        return last, [_DECODE(spec.partition(b" ")[2]) for spec in found if spec is not None]

    async def _call(self, *words: Word) -> Any:
        return await self._line.call(*words, deadline_s=self._deadline_s)


_FEW = 64
"""Rulings that are asked for by their places without asking first which there are."""
