"""Quota as a command sees it beside the gateway that gives it out: what that one last wrote down, to look at only.

The counters are in the memory of the serving process, and what is looked at here is at most a second old. A slot is never written
down, so slots look free.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.errors import StoreUnavailable
from gateway.model.limit import Amounts, Claim, Hold, LimitState, Settlement, Taken
from gateway.ports import Clock
from gateway.stores.database import Database
from gateway.stores.kept import Rows
from gateway.stores.memory_holds import LEASE_US, MemoryHolds

__all__ = ["HoldsBeside"]

_SERVED_ELSEWHERE = "quota in memory is given out by the serving process alone: stop it, or use --state redis://HOST:PORT/DB"


class HoldsBeside:
    """HoldStore that answers `look` and refuses to change anything."""

    local = False
    lease_us = LEASE_US

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def take(self, hold: Hold) -> Taken:
        """StoreUnavailable, always."""
        raise StoreUnavailable(_SERVED_ELSEWHERE)

    async def extend(self, hold: Hold, number: int, wants: Sequence[int]) -> Taken:
        """StoreUnavailable, always."""
        raise StoreUnavailable(_SERVED_ELSEWHERE)

    async def settle(self, hold: Hold, amounts: Amounts) -> Settlement:
        """StoreUnavailable, always."""
        raise StoreUnavailable(_SERVED_ELSEWHERE)

    async def renew(self, hold: Hold) -> bool:
        """StoreUnavailable, always."""
        raise StoreUnavailable(_SERVED_ELSEWHERE)

    async def look(self, claims: Sequence[Claim]) -> tuple[LimitState, ...]:
        """See `ports.HoldStore`: as the serving process wrote it down last."""
        found = await self._database.run(lambda connection: Rows.read(connection, [claim.key for claim in claims]))
        seen = MemoryHolds(self._clock)
        seen.resume(found.time)
        for claim, state in found.counters:
            seen.restore(claim, state)
        return await seen.look(claims)

    async def aclose(self) -> None:
        """Nothing of its own: whoever opened the database closes it."""
