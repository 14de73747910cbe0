"""Leased slices in Redis: one script charges a slice of a limit in advance, one gives back what was not needed of it.

A slice is charged in the very counter that a take would charge, so a limit may be leased by some processes and taken exactly by
others, and its usage stays when the policy changes from one to the other.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.limit import Claim
from gateway.stores.redis_holds import counter_key, read_lua, record_key, words_of
from gateway.stores.redis_line import Line, Script

__all__ = ["Granted", "RedisLeases"]

_KEPT_MS = 60_000
"""How long a slice's record outlives its lease, and that of an ended one its end."""

_PATIENCE = 4


@dataclass(frozen=True, slots=True)
class Granted:
    """Reply to a lease: `amount` of the slice (0 also where nothing was wanted), and how the limit stood after it, as in LimitState."""

    amount: int
    fitted: bool
    used: int
    reset_us: int
    retry_us: int


class RedisLeases:
    """The leases of one counter after the other; see the module. StoreUnavailable, OutcomeUnknown as in `redis_line`."""

    def __init__(self, line: Line, *, clock: str | None = None) -> None:
        shared = (read_lua("now") if clock is None else clock) + read_lua("windows")
        self._line = line
        self._lease = Script(shared + read_lua("lease"))
        self._shrink = Script(shared + read_lua("shrink"))

    async def lease(
        self, slice_id: str, claim: Claim, *, least: int, most: int, ahead_us: int, lease_us: int, force: bool = False
    ) -> Granted:
        """Charge between `least` and `most`, nothing where `least` does not fit and is not forced."""
        args = [slice_id, lease_us, _KEPT_MS, least, ahead_us, int(force), *words_of([claim], [most])]
        granted, fitted, used, reset, retry = await self._line.run(self._lease, _keys(claim, slice_id), args)
        return Granted(granted, fitted == 1, used, reset, retry)

    async def shrink(self, slice_id: str, claim: Claim, keep: int, *, lease_us: int, final: bool) -> str:
        """Leave no more than `keep` of a slice charged: settled | repeated | expired | unknown_id."""
        args = [slice_id, lease_us, _KEPT_MS, _KEPT_MS, keep, int(final), *words_of([claim])]
        keys = _keys(claim, slice_id)
        outcome = await self._line.run(self._shrink, keys, args, deadline_s=_PATIENCE * self._line.deadline_s)
        return str(outcome.decode())


def _keys(claim: Claim, slice_id: str) -> list[str]:
    return [record_key(claim.slot, slice_id), counter_key(claim)]
