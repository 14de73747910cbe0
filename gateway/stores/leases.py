"""Limits that many requests on many machines share, given out from slices that each process leases in advance.

Which limits: on a Cluster those that span accounts (per model, tier, peer, campaign, everyone), whose counters no script can reach
together with an account's; on any Redis those that say `shared: leased`, which relieves a counter that every request touches. A
request takes its part of these locally, then the rest by one script; if that refuses, the parts go back. All or none, one round trip
while the slices last. A slice is charged in the store before anything of it is given out, so what all processes give out is never
above the limit, at any instant (`slices` says why, window by window); only debt of settles goes beyond, as everywhere.

What the exactness costs is that some of a limit may lie idle: of each process at most an eighth of the limit (or what one request
wants, where that is more), a quarter of what was free when it was leased, and for at most two seconds or a thirtieth of the window. A
limit is refused while others' idle parts would have had room. In a sliding window what is leased counts from the lease's end, so it
counts up to that much longer than if it were taken exactly.

Failures. A process that dies leaves its idle parts charged until the window lets go of them (a slot until its lease ends), never
longer; what its requests held stays charged as estimated. While the store is lost, what was leased is given out until it ends, then
`when_state_is_lost` decides. A slice whose lease was not answered is given back when the store answers again. An asynchronous
failover may lose the newest slices' charges, as it may lose takes: at most what was leased within the replication lag.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gateway.errors import OutcomeUnknown, StoreUnavailable
from gateway.model.limit import Amounts, Claim, Hold, LimitState, Settlement, Taken
from gateway.model.value import replace
from gateway.ports import HoldStore
from gateway.stores.pools import Ask, Pools, Spent
from gateway.stores.redis_leases import RedisLeases
from gateway.stores.slices import Part

__all__ = ["LeasedHolds", "spans"]

_MOST_CLOSED = 65_536


def spans(claim: Claim) -> bool:
    """Whether a claim's counter is shared by several accounts, and so lives on no account's slot."""
    return "account" not in claim.limit.per and "key" not in claim.limit.per


@dataclass(slots=True)
class _Open:
    """What an open hold was given from pools, and the answer that its take had (None while that is not
    known); `extended` is the answer of its last extension by its number."""

    until: float
    taken: Taken | None
    spent: list[Spent]
    slots_until: float = math.inf
    extended: dict[int, Taken] = field(default_factory=dict)


class LeasedHolds:
    """HoldStore; see the module. `spread` where the store has many nodes. `now` is monotonic, in seconds."""

    local = False

    def __init__(self, inner: HoldStore, leases: RedisLeases, *, spread: bool, now: Callable[[], float] = time.monotonic) -> None:
        self.lease_us = inner.lease_us
        self.pools = Pools(leases, lease_us=inner.lease_us, now=now, expire=self._expire)
        self._inner = inner
        self._spread = spread
        self._now = now
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._closed: OrderedDict[str, str] = OrderedDict()
        self._slot_ends: list[tuple[float, str]] = []

    async def take(self, hold: Hold) -> Taken:
        """See `ports.HoldStore`. First what is leased, which costs no round trip while slices last; then the rest by one script."""
        rest = self._rest(hold)
        if rest is hold:
            return await self._inner.take(hold)
        self._expire()
        opened = self._open.get(hold.id)
        if opened is not None and opened.taken is not None:
            return opened.taken
        if hold.id in self._closed:
            return Taken(False, await self.look(hold.claims), settled=True)
        if opened is None:
            spent = await self.pools.take([Ask(c, c.want, not c.limit.shadow) for c in hold.claims if self._leased(c)])
            if any(answer.parts is None for answer in spent):
                return Taken(False, self._states(hold.claims, spent, await self._inner.look(rest.claims) if rest.claims else ()))
            opened = self._open[hold.id] = _Open(0.0, None, spent)
            self._lease(hold, opened)
        return await self._take_rest(hold, rest, opened)

    async def _take_rest(self, hold: Hold, rest: Hold, opened: _Open) -> Taken:
        """The part of a hold that its own script takes. Where that may have been done, what was leased is kept for the settle."""
        taken = Taken(True, ())
        if rest.claims:
            try:
                taken = await self._inner.take(rest)
            except StoreUnavailable:
                self._undo(hold.id)
                raise
        states = self._states(hold.claims, opened.spent, taken.states)
        if not taken.held:
            self._undo(hold.id)
            return replace(taken, states=states)
        opened.taken = Taken(True, states)
        return opened.taken

    async def extend(self, hold: Hold, number: int, wants: Sequence[int]) -> Taken:
        """See `ports.HoldStore`."""
        if not any(map(self._leased, hold.claims)):
            return await self._inner.extend(hold, number, wants)
        self._expire()
        opened = self._open.get(hold.id)
        if opened is None:
            return Taken(False, (), settled=True)
        if opened.extended and number <= max(opened.extended):
            return opened.extended[max(opened.extended)]
        further = [replace(claim, want=want) for claim, want in zip(hold.claims, wants, strict=True)]
        asks = [Ask(c, c.want, not c.limit.shadow and c.limit.when_spent != "continue") for c in further if self._leased(c) and c.want]
        spent = await self.pools.take(asks)
        rest = self._rest(hold)
        if any(answer.parts is None for answer in spent):
            states = await self._inner.look(self._rest(replace(hold, claims=tuple(further))).claims) if rest.claims else ()
            return Taken(False, self._states(further, spent, states))
        taken = Taken(True, ())
        if rest.claims:
            try:
                taken = await self._inner.extend(rest, number, [c.want for c in further if not self._leased(c)])
            except StoreUnavailable:
                self.pools.give_back(spent)
                raise
            except (OutcomeUnknown, asyncio.CancelledError):
                opened.spent.extend(spent)  # it may have been done: kept for the settle
                raise
        states = self._states(further, spent, taken.states) if taken.states or not rest.claims else ()
        if not taken.held:
            self.pools.give_back(spent)
            return replace(taken, states=states)
        opened.spent.extend(spent)
        opened.extended = {number: Taken(True, states)}
        return opened.extended[number]

    async def settle(self, hold: Hold, amounts: Amounts) -> Settlement:
        """See `ports.HoldStore`."""
        rest = self._rest(hold)
        if rest is hold:
            return await self._inner.settle(hold, amounts)
        outcome = self._settle(hold.id, amounts)
        return await self._inner.settle(rest, amounts) if rest.claims else outcome

    async def renew(self, hold: Hold) -> bool:
        """See `ports.HoldStore`."""
        rest = self._rest(hold)
        self._expire()
        opened = self._open.get(hold.id)
        if opened is not None:
            self._lease(hold, opened)
        if len(rest.claims) == len(hold.claims) or (rest.claims and opened is not None):
            return await self._inner.renew(rest)
        return opened is not None

    async def look(self, claims: Sequence[Claim]) -> tuple[LimitState, ...]:
        """See `ports.HoldStore`; of what is leased, what the store gets back from here counts as free."""
        rest = [claim for claim in claims if not self._leased(claim)]
        leased = [claim for claim in claims if self._leased(claim)]
        asked = [self._inner.look(rest)] if rest or not leased else []
        got = await asyncio.gather(*asked, *(self._inner.look([claim]) for claim in leased))
        direct = iter(got[0] if asked else ())
        ours = (self._but_spare(state) for (state,) in got[len(asked) :])
        return tuple(next(ours) if self._leased(claim) else next(direct) for claim in claims)

    async def aclose(self) -> None:
        """Give back what is leased."""
        await self.pools.aclose()
        await self._inner.aclose()

    # ── How it is done ──────────────────────────────────────────────────────────────────────────

    def _leased(self, claim: Claim) -> bool:
        limit = claim.limit
        return limit.shared == "leased" or (self._spread and spans(claim))

    def _rest(self, hold: Hold) -> Hold:
        """The hold without what is leased."""
        rest = tuple([claim for claim in hold.claims if not self._leased(claim)])
        return hold if len(rest) == len(hold.claims) else replace(hold, claims=rest, plan=0)

    def _lease(self, hold: Hold, opened: _Open) -> None:
        """Let a hold last for its lease from now on, and its slots, while it has them, for theirs."""
        now = self._now()
        opened.until = now + self.lease_us / 1e6
        self._open.move_to_end(hold.id)
        slots = [answer.ask.claim.limit.window_us for answer in opened.spent if answer.ask.claim.limit.window == "slots"]
        if slots:
            opened.slots_until = now + min(slots) / 1e6
            heapq.heappush(self._slot_ends, (opened.slots_until, hold.id))

    def _states(self, claims: Sequence[Claim], spent: Sequence[Spent], others: Sequence[LimitState]) -> tuple[LimitState, ...]:
        now, direct = self._now(), iter(others)
        known = {answer.ask.claim.key: answer for answer in spent}
        states = []
        for claim in claims:
            if not self._leased(claim):
                states.append(next(direct))
            elif (answer := known.get(claim.key)) is not None:
                states.append(answer.pool.state(claim, answer.fitted, answer.retry_us, now))
            else:
                pool = self.pools.pool(claim)
                states.append(pool.state(claim, True, 0, now) if pool else LimitState(claim, True, 0, claim.capacity, 0, 0))
        return tuple(states)

    def _but_spare(self, state: LimitState) -> LimitState:
        pool, claim = self.pools.pool(state.claim), state.claim
        spare = pool.spare(self._now()) if pool else 0
        used = max(0, state.used - spare)
        fitted = state.fitted or used + claim.want <= claim.capacity
        return LimitState(claim, fitted, used, max(0, claim.capacity - used), state.reset_us, 0 if fitted else state.retry_us)

    def _undo(self, hold_id: str) -> None:
        opened = self._open.pop(hold_id, None)
        if opened is not None:
            self.pools.give_back(opened.spent)

    def _settle(self, hold_id: str, amounts: Amounts) -> Settlement:
        self._expire()
        opened = self._open.pop(hold_id, None)
        if opened is None:
            before = self._closed.pop(hold_id, None)
            self._close(hold_id, "repeated")
            return Settlement("repeated" if before == "repeated" else "expired" if before else "unknown_id")
        self._close(hold_id, "repeated")
        for first, parts, want in _by_pool(opened.spent):
            self.pools.settle(first.pool, parts, want, amounts.for_claim(first.ask.claim))
        return Settlement("settled")

    def _expire(self) -> None:
        """End what was not renewed: slots come free, the rest stays charged as estimated."""
        now = self._now()
        while self._slot_ends and self._slot_ends[0][0] <= now:
            when, hold_id = heapq.heappop(self._slot_ends)
            opened = self._open.get(hold_id)
            if opened is not None and opened.slots_until == when:
                self.pools.give_back([answer for answer in opened.spent if answer.ask.claim.limit.window == "slots"])
                opened.spent = [answer for answer in opened.spent if answer.parts is not None]
        while self._open and next(iter(self._open.values())).until <= now:
            hold_id, opened = self._open.popitem(last=False)
            for answer in opened.spent:
                true = 0 if answer.ask.claim.limit.window == "slots" else answer.ask.want
                self.pools.settle(answer.pool, answer.parts or [], answer.ask.want, true)
            self._close(hold_id, "expired")

    def _close(self, hold_id: str, outcome: str) -> None:
        self._closed[hold_id] = outcome
        if len(self._closed) > _MOST_CLOSED:
            self._closed.popitem(last=False)


def _by_pool(spent: Sequence[Spent]) -> list[tuple[Spent, list[Part], int]]:
    """What was spent, the slices of an extended hold joined: the first answer of each pool, all parts, and all that was wanted."""
    if len({answer.ask.claim.key for answer in spent}) == len(spent):
        return [(answer, answer.parts or [], answer.ask.want) for answer in spent]
    joined: dict[str, tuple[Spent, list[Part], int]] = {}
    for answer in spent:
        first, parts, want = joined.get(answer.ask.claim.key, (answer, [], 0))
        joined[answer.ask.claim.key] = first, parts + (answer.parts or []), want + answer.ask.want
    return list(joined.values())
