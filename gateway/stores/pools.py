"""The pools of one process: leases slices when requests need them, and gives back what was not used.

One lease at a time is asked for per counter on behalf of all who wait, and only who is not served by it asks for itself. A process
needs no timer of its own per slice: `mind` looks after all that is due, and runs while there is anything to look after.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
import secrets
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from gateway.errors import OutcomeUnknown, StoreError, StoreUnavailable
from gateway.model.limit import Claim
from gateway.stores.redis_leases import Granted, RedisLeases
from gateway.stores.slices import LARGEST_SHARE, LIFE_S, Part, Pool, Slice, life_s

__all__ = ["Ask", "Pools", "Spent"]

T = TypeVar("T")

_ROUNDS = 8
_WAITS = 3
_TICK_S = 0.05
_SETTLED_SOON_S = 0.5
_AGAIN_S = 0.25
_FORGET_S = 30.0
_MOST_POOLS = 20_000


@dataclass(frozen=True, slots=True)
class Ask:
    """What is wanted of one claim. One that does not refuse is charged in any case."""

    claim: Claim
    want: int
    refuses: bool


@dataclass(slots=True)
class Spent:
    """What an ask got: whether it fitted (else when it would), and its parts, None where it was refused."""

    ask: Ask
    pool: Pool
    fitted: bool
    retry_us: int
    parts: list[Part] | None


@dataclass(frozen=True, slots=True)
class _Answer:
    """Reply to a lease for at least `least`, with the part of it that its asker has."""

    granted: Granted
    least: int
    part: Part | None


class Pools:
    """See the module. `now` is monotonic, in seconds; `lease_us` how long the store keeps a slice that nobody renews;
    `expire` ends the holds that nobody renewed."""

    def __init__(self, leases: RedisLeases, *, lease_us: int, now: Callable[[], float], expire: Callable[[], None]) -> None:
        self._leases = leases
        self._expire = expire
        self._lease_us = lease_us
        self._now = now
        self._name = secrets.token_hex(8)
        self._serial = itertools.count()
        self._pools: dict[str, Pool] = {}
        self._asking: dict[str, asyncio.Task[_Answer]] = {}
        self._events: list[tuple[float, int, Pool, Slice]] = []
        self._minder: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    # ── What holds ask for ──────────────────────────────────────────────────────────────────────

    async def take(self, asks: Sequence[Ask]) -> list[Spent]:
        """Give all that is asked, or nothing (parts None) where one that refuses does not fit. StoreUnavailable."""
        now = self._now()
        pools = [self._pool(ask.claim) for ask in asks]
        if all(pool.covers(ask.claim, ask.want, now) for ask, pool in zip(asks, pools, strict=True)):
            return [Spent(ask, pool, True, 0, pool.spend(ask.want, now)) for ask, pool in zip(asks, pools, strict=True)]
        task = self._spawn(self._take_slowly(asks, pools))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(self._unwanted)
            raise

    async def _take_slowly(self, asks: Sequence[Ask], pools: Sequence[Pool]) -> list[Spent]:
        """One after the other, so that who is refused by one limit never has had of the next what another could have used."""
        spent: list[Spent] = []
        try:
            for ask, pool in zip(asks, pools, strict=True):
                spent.append(await self._acquire(ask, pool))
        except StoreError:
            self.give_back(spent)
            raise
        if any(answer.parts is None for answer in spent):
            self.give_back(spent)
        return spent

    def _unwanted(self, task: asyncio.Task[list[Spent]]) -> None:
        """What was given to somebody who has left meanwhile goes back."""
        if not task.cancelled() and task.exception() is None:
            self.give_back(task.result())

    def give_back(self, spent: Sequence[Spent]) -> None:
        """Undo a take."""
        for answer in spent:
            if answer.parts is not None:
                self.settle(answer.pool, answer.parts, answer.ask.want, 0)
                answer.parts = None

    def settle(self, pool: Pool, parts: list[Part], want: int, true: int) -> None:
        """Put the truth in the place of what was given out; the store is told soon."""
        now = self._now()
        pool.settle(parts, want, true, now)
        for part in parts:
            piece = part.slice
            if piece.ended:
                self._look_at(pool, piece, now if not piece.open else now + _SETTLED_SOON_S)
        self._start_minding()

    def pool(self, claim: Claim) -> Pool | None:
        """The pool of a claim's counter, if there is one."""
        return self._pools.get(claim.key)

    async def aclose(self) -> None:
        """Give back what is idle, once; what the store does not take now stays charged until the window lets go of it."""
        tasks = [*self._tasks, *([self._minder] if self._minder else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        rest = [(pool, piece) for pool in self._pools.values() for piece in pool.slices]
        self._pools.clear()
        giving = [self._shrink(pool, piece, final=True) for pool, piece in rest if piece.keep < piece.told]
        await asyncio.gather(*giving, return_exceptions=True)

    # ── Leasing ─────────────────────────────────────────────────────────────────────────────────

    async def _acquire(self, ask: Ask, pool: Pool) -> Spent:
        """1. From what is there. 2. From what others have just asked for. 3. By a lease of its own for what is lacking."""
        claim, want = ask.claim, ask.want
        if pool.covers(claim, want, self._now()):
            return Spent(ask, pool, True, 0, pool.spend(want, self._now()))
        for _ in range(_WAITS):
            others = self._asking.get(claim.key)
            if others is None:
                break
            answer = await self._with_others(pool, others, want)
            if pool.covers(claim, want, self._now()):
                return Spent(ask, pool, True, 0, pool.spend(want, self._now()))
            if not answer.granted.fitted and ask.refuses and want >= answer.least and claim.capacity <= pool.claim.capacity:
                return Spent(ask, pool, False, answer.granted.retry_us, None)
        parts: list[Part] = []
        try:
            for _ in range(_ROUNDS):
                answer = await self._asked(pool, ask, want)
                parts += [answer.part] if answer.part else []
                want, now = ask.want - sum(part.amount for part in parts), self._now()
                fitted, retry_us = answer.granted.fitted, answer.granted.retry_us
                if (fitted and want <= max(0, pool.idle(now))) or not ask.refuses or pool.covers(claim, want, now):
                    return Spent(ask, pool, fitted or ask.refuses, retry_us, parts + pool.spend(want, now))
                if not fitted and want - pool.idle(now) >= answer.least:
                    self.settle(pool, parts, ask.want - want, 0)
                    return Spent(ask, pool, False, retry_us, None)
            raise StoreUnavailable("what was leased of a limit was used up by others again and again")
        except StoreError:
            self.settle(pool, parts, ask.want - want, 0)
            raise

    async def _with_others(self, pool: Pool, others: asyncio.Task[_Answer], want: int) -> _Answer:
        pool.waiting += want
        try:
            return await asyncio.shield(others)
        finally:
            pool.waiting -= want

    async def _asked(self, pool: Pool, ask: Ask, want: int) -> _Answer:
        """Lease what an ask still lacks; who is the first to ask does it for those that will have come by then, too."""
        key, least = ask.claim.key, max(0, want - pool.idle(self._now()))
        if key in self._asking or ask.claim.limit.window == "slots":
            task = self._spawn(self._lease(pool, ask, least, least, want))
        else:
            most = max(least, min(pool.size, ask.claim.capacity // LARGEST_SHARE), pool.waiting)
            task = self._asking[key] = self._spawn(self._lease(pool, ask, least, most, want))
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        return await asyncio.shield(task)

    async def _lease(self, pool: Pool, ask: Ask, least: int, most: int, own: int) -> _Answer:
        """Lease a slice. What its asker lacks is the asker's at once: it was taken in that instant in which the store charged it."""
        claim = ask.claim
        slots = claim.limit.window == "slots"
        life, lease_us = life_s(claim), claim.limit.window_us if slots else self._lease_us
        sent, name = self._now(), f"{self._name}-{next(self._serial)}"
        try:
            granted = await self._leases.lease(
                name, claim, least=least, most=most, ahead_us=int(life * 1e6), lease_us=lease_us, force=not ask.refuses
            )
        except OutcomeUnknown as error:
            lost = Slice(name, claim, most, sent, sent, ended=True)
            pool.slices.append(lost)
            self._look_at(pool, lost, sent)
            raise StoreUnavailable("a part of a limit could not be leased in time") from error
        pool.used, pool.reset_us, pool.seen = granted.used, granted.reset_us, self._now()
        if claim.capacity > pool.claim.capacity:
            pool.claim = claim
        if not granted.fitted and ask.refuses:
            return _Answer(granted, least, None)
        due = sent + (lease_us / 1e6 if slots else life)
        if claim.periods and granted.reset_us > 0:
            due = min(due, sent + granted.reset_us / 1e6)
        piece = Slice(name, claim, granted.amount, sent, due)
        pool.grant(piece)
        self._look_at(pool, piece, sent + min(LIFE_S, lease_us / 3e6) if slots else due)
        return _Answer(granted, least, piece.taken(min(own, least, granted.amount)))

    # ── Giving back ─────────────────────────────────────────────────────────────────────────────

    async def mind(self) -> None:
        """Look after all that is due now: end slices, give back, renew, and charge what settles came to beyond their holds."""
        self._expire()
        now, due = self._now(), []
        while self._events and self._events[0][0] <= now:
            _, _, pool, piece = heapq.heappop(self._events)
            piece.awaited = False
            due.append((pool, piece))
        owing = [pool for pool in self._pools.values() if pool.debt and pool.claim.key not in self._asking]
        work = [*(self._tend(pool, piece, now) for pool, piece in due), *(self._charge(pool, now) for pool in owing)]
        await asyncio.gather(*work)
        for key in [key for key, pool in self._pools.items() if not (pool.slices or pool.debt or pool.waiting)]:
            if (now - self._pools[key].seen > _FORGET_S or len(self._pools) > _MOST_POOLS) and key not in self._asking:
                del self._pools[key]

    async def _tend(self, pool: Pool, piece: Slice, now: float) -> None:
        """1. End what is over. 2. What nobody needs any more goes. 3. What somebody still holds is kept alive in the store."""
        slots = piece.claim.limit.window == "slots"
        if not piece.ended and (now >= piece.due or (slots and not piece.open)):
            pool.end(piece, now)
        final, whole = piece.ended and not piece.open, piece.keep >= piece.told
        every = min(LIFE_S, piece.claim.limit.window_us / 3e6) if slots else self._lease_us / 3e6
        if final and whole:
            self._drop(pool, piece)
        elif not final and whole and now - piece.renewed < every:
            self._look_at(pool, piece, piece.renewed + every)
        else:
            await self._tell(pool, piece, now, every, final=final)

    async def _tell(self, pool: Pool, piece: Slice, now: float, every: float, *, final: bool) -> None:
        try:
            outcome = await self._shrink(pool, piece, final=final)
        except StoreError:
            if now - piece.renewed > self._lease_us / 1e6:
                self._drop(pool, piece)
            else:
                self._look_at(pool, piece, now + _AGAIN_S * (1 + random.random()))  # noqa: S311
            return
        if final or outcome != "settled":
            self._drop(pool, piece)
            return
        piece.renewed = now
        if piece.claim.limit.window == "slots" and not piece.ended:
            piece.due = now + piece.claim.limit.window_us / 1e6
        self._look_at(pool, piece, now + every)

    async def _shrink(self, pool: Pool, piece: Slice, *, final: bool) -> str:
        keep = piece.keep
        slots = piece.claim.limit.window == "slots"
        lease_us = piece.claim.limit.window_us if slots else self._lease_us
        outcome = await self._leases.shrink(piece.id, piece.claim, keep, lease_us=lease_us, final=final)
        if outcome == "settled":
            pool.used = max(0, pool.used - (piece.told - keep))
            piece.told = keep
        return outcome

    async def _charge(self, pool: Pool, now: float) -> None:
        pool.pay(now)
        if pool.debt:
            with suppress(StoreError):
                answer = await self._lease(pool, Ask(pool.claim, pool.debt, False), pool.debt, pool.debt, pool.debt)
                if answer.part is not None:
                    pool.paid(answer.part)

    def _drop(self, pool: Pool, piece: Slice) -> None:
        piece.ended = True
        with suppress(ValueError):
            pool.slices.remove(piece)

    def _look_at(self, pool: Pool, piece: Slice, when: float) -> None:
        if not piece.awaited or when < piece.awaited_at:
            piece.awaited, piece.awaited_at = True, when
            heapq.heappush(self._events, (when, next(self._serial), pool, piece))
        self._start_minding()

    def _start_minding(self) -> None:
        if self._minder is None or self._minder.done():
            self._minder = asyncio.ensure_future(self._keep_minding())

    async def _keep_minding(self) -> None:
        while self._events or self._pools:
            await asyncio.sleep(_TICK_S)
            await self.mind()

    def _pool(self, claim: Claim) -> Pool:
        pool = self._pools.get(claim.key)
        if pool is None:
            pool = self._pools[claim.key] = Pool(claim)
        return pool

    def _spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)
        return task

    def _over(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()
