"""What one process gives out alone while the shared store is lost, for limits that say `degrade`.

Each such limit holds for this process with its amount and burst cut to `share_when_lost`; the others were let go by the policy and
are told as they would stand unused. What is charged here is forgotten with the process, and never added to the shared store.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.model.limit import Amounts, Claim, Hold, LimitState, Settlement, Taken
from gateway.model.value import replace
from gateway.stores.memory_holds import MemoryHolds

__all__ = ["DegradedHolds", "own_share"]


def own_share(claim: Claim) -> Claim:
    """The claim on this process's share: at least 1 of what is not 0. A want that fits the whole limit is cut to the share, and
    what it costs more becomes debt; one that never fitted stays as it is."""
    share = claim.limit.share_when_lost
    amount, burst = _cut(claim.amount, share), _cut(claim.burst, share)
    cut = replace(claim, amount=amount, burst=burst)
    if claim.want > claim.capacity:
        return cut
    want = min(claim.want, cut.capacity)
    return replace(cut, want=want, guess=max(0, claim.guess - (claim.want - want)))


def _cut(amount: int, share: float) -> int:
    return min(amount, max(1, int(amount * share))) if amount else 0


class DegradedHolds:
    """HoldStore over a memory store of its own; see the module."""

    local = True

    def __init__(self, inner: MemoryHolds) -> None:
        self._inner = inner
        self.lease_us = inner.lease_us

    async def take(self, hold: Hold) -> Taken:
        """See `ports.HoldStore`; claims of limits that do not degrade always fit and are not charged."""
        taken = await self._inner.take(_shared_out(hold))
        return replace(taken, states=_in_order(hold.claims, taken.states))

    async def extend(self, hold: Hold, number: int, wants: Sequence[int]) -> Taken:
        """See `ports.HoldStore`; claims of limits that do not degrade always fit and are not charged."""
        ours = [want for claim, want in zip(hold.claims, wants, strict=True) if _degrades(claim)]
        taken = await self._inner.extend(_shared_out(hold), number, ours)
        return taken if taken.settled else replace(taken, states=_in_order(hold.claims, taken.states))

    async def settle(self, hold: Hold, amounts: Amounts) -> Settlement:
        """See `ports.HoldStore`."""
        return await self._inner.settle(_shared_out(hold), amounts)

    async def renew(self, hold: Hold) -> bool:
        """See `ports.HoldStore`."""
        return await self._inner.renew(_shared_out(hold))

    async def look(self, claims: Sequence[Claim]) -> tuple[LimitState, ...]:
        """See `ports.HoldStore`."""
        return _in_order(claims, await self._inner.look([own_share(claim) for claim in claims if _degrades(claim)]))

    async def aclose(self) -> None:
        """Nothing to close."""


def _degrades(claim: Claim) -> bool:
    return claim.limit.when_state_is_lost == "degrade"


def _shared_out(hold: Hold) -> Hold:
    return replace(hold, claims=tuple(own_share(claim) for claim in hold.claims if _degrades(claim)))


def _in_order(claims: Sequence[Claim], states: tuple[LimitState, ...]) -> tuple[LimitState, ...]:
    """The states of those that degrade, each in its place among the others, which stand as unused."""
    known = iter(states)
    return tuple(next(known) if _degrades(claim) else LimitState(claim, True, 0, claim.capacity, 0, 0) for claim in claims)
