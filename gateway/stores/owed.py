"""Settles that a lost store still owes: remembered while it does not answer, and sent again once it does.

A settle that failed is told as failed and kept here, at most `capacity` of them and no longer than an hour, after which the store
would not know their holds any more. What is kept is tried again after pauses that double up to two seconds, first by one call alone,
then by batches. A hold's id makes it safe: what had been settled all the same says `repeated` and changes nothing. So an outage
neither leaks what was held before it nor counts anything twice; a hold whose lease ended meanwhile stays charged as estimated,
as the port says.
"""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress

from gateway.errors import StoreError
from gateway.model.limit import Amounts, Claim, Hold, LimitState, Settlement, Taken
from gateway.ports import HoldStore, Meter

__all__ = ["OwedHolds"]

_KEPT_S = 3600.0
_FIRST_S, _LONGEST_S = 0.05, 2.0
_BATCH = 64


class OwedHolds:
    """HoldStore over another one; see the module."""

    def __init__(self, inner: HoldStore, *, capacity: int = 20_000) -> None:
        self.local = inner.local
        self.lease_us = inner.lease_us
        self._inner = inner
        self._capacity = capacity
        self._owed: OrderedDict[str, tuple[Hold, Amounts, float]] = OrderedDict()
        self._paying: asyncio.Task[None] | None = None
        self._meter: Meter | None = None

    def measure(self, meter: Meter) -> None:
        """Tell from now on how many settles are owed."""
        self._meter = meter
        self._tell()

    def __len__(self) -> int:
        """How many settles are owed."""
        return len(self._owed)

    async def take(self, hold: Hold) -> Taken:
        """See `ports.HoldStore`."""
        return await self._inner.take(hold)

    async def extend(self, hold: Hold, number: int, wants: Sequence[int]) -> Taken:
        """See `ports.HoldStore`."""
        return await self._inner.extend(hold, number, wants)

    async def settle(self, hold: Hold, amounts: Amounts) -> Settlement:
        """See `ports.HoldStore`. One that fails, or whose wait is cut short, is owed from then on."""
        try:
            return await self._inner.settle(hold, amounts)
        except (StoreError, asyncio.CancelledError):
            self._owe(hold, amounts)
            raise

    async def renew(self, hold: Hold) -> bool:
        """See `ports.HoldStore`."""
        return await self._inner.renew(hold)

    async def look(self, claims: Sequence[Claim]) -> tuple[LimitState, ...]:
        """See `ports.HoldStore`."""
        return await self._inner.look(claims)

    async def aclose(self) -> None:
        """Try what is owed once more, and close. What the store does not take now expires there with its lease."""
        if self._paying is not None:
            self._paying.cancel()
            with suppress(asyncio.CancelledError):
                await self._paying
        if self._owed and await self._pay(1):
            await self._pay(len(self._owed))
        await self._inner.aclose()

    def _owe(self, hold: Hold, amounts: Amounts) -> None:
        loop = asyncio.get_running_loop()
        self._owed[hold.id] = (hold, amounts, loop.time() + _KEPT_S)
        if len(self._owed) > self._capacity:
            self._owed.popitem(last=False)
        self._tell()
        if self._paying is None or self._paying.done():
            self._paying = asyncio.ensure_future(self._pay_back())

    async def _pay_back(self) -> None:
        pause_s = _FIRST_S
        while self._owed:
            await asyncio.sleep(pause_s * (0.5 + random.random() / 2))  # noqa: S311
            paid = await self._pay(1)
            while paid and self._owed:
                paid = await self._pay(_BATCH)
            pause_s = min(2 * pause_s, _LONGEST_S)

    async def _pay(self, count: int) -> bool:
        """Send the oldest again; whether the store took them all. Those that are too old are let go."""
        now = asyncio.get_running_loop().time()
        batch = [self._owed[name] for name in list(self._owed)[:count]]
        return all(await asyncio.gather(*(self._pay_one(hold, amounts, now > until) for hold, amounts, until in batch)))

    async def _pay_one(self, hold: Hold, amounts: Amounts, too_old: bool) -> bool:
        try:
            if not too_old:
                await self._inner.settle(hold, amounts)
        except StoreError:
            return False
        self._owed.pop(hold.id, None)
        self._tell()
        return True

    def _tell(self) -> None:
        if self._meter is not None:
            self._meter.gauge("gateway_settles_owed", float(len(self._owed)))
