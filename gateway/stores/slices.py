"""What one process has leased of one limit, and what it gives out of that: pure bookkeeping, the time is an argument.

A slice is charged in the store in advance. `keep` of it stays charged for good: what requests hold of it, what they came to, and of
a bucket what has drained meanwhile; the rest is idle, may be given out until `due`, and is then given back. Why a sum over all
processes is never above the limit:

- sliding: a slice is charged in the store at its lease's end, so it counts there at least as long as anything given out of it would;
- bucket: the idle part of a slice drains at the limit's own rate, rounded up. Take the level as it would be had every request been
  charged at its own time, plus all idle parts: while anything is left of it, it falls at least as fast as the store's level, and it
  rises with that, so it is never above it, and the store's level is at most the burst (but for what a refund gives back that had
  drained meanwhile, which is so with a bucket that is not leased, too);
- calendar, lifetime: a charge counts in its period from its first moment on, and a slice ends with its period;
- slots: one slot is one slice, renewed while it is open, and given from request to request.

A slice grows with demand: twice the last one where that was used up, half where half of it came back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from gateway.model.limit import Claim, LimitState

__all__ = ["LIFE_S", "LARGEST_SHARE", "Part", "Pool", "Slice", "life_s"]

LIFE_S = 2.0
"""How long a slice is given out of at most, in seconds."""
_SHORTEST_LIFE_S = 0.05
_LIVES_PER_WINDOW = 30

LARGEST_SHARE = 8
"""At most one part in so many of a limit is leased at once, unless a single request needs more."""

_FASTER = 1.001
"""Clocks of processes run apart by less than this; a bucket's idle part drains by the faster one."""


def life_s(claim: Claim) -> float:
    """How long a slice of a limit may be given out, in seconds: a thirtieth of the window, at least 50 ms, at most two seconds."""
    if claim.limit.window == "slots":
        return LIFE_S
    window_s = claim.window_us / 1e6
    return LIFE_S if not window_s else min(LIFE_S, max(_SHORTEST_LIFE_S, window_s / _LIVES_PER_WINDOW))


@dataclass(slots=True, eq=False)
class Slice:
    """One slice. `told` is what the store has charged for it, `since` and `due` are seconds of the process's monotonic clock."""

    id: str
    claim: Claim
    told: int
    since: float
    due: float
    keep: int = 0
    open: int = 0
    drained: int = 0
    ended: bool = False
    renewed: float = 0.0
    listed: bool = False
    awaited: bool = False
    awaited_at: float = 0.0

    def __post_init__(self) -> None:
        self.renewed = self.since

    def idle(self, now: float) -> int:
        """What may be given out of it now."""
        if self.ended or now >= self.due:
            return 0
        limit = self.claim.limit
        if limit.window == "bucket" and limit.window_us:
            gone = math.ceil((now - self.since) * 1e6 * _FASTER * self.claim.amount / limit.window_us)
            self.keep = min(self.told, self.keep + gone - self.drained)
            self.drained = gone
        return max(0, self.told - self.keep)

    def taken(self, amount: int) -> Part | None:
        """Give some of it out, whether or not it is due; None for nothing."""
        if amount <= 0:
            return None
        self.keep += amount
        self.open += 1
        return Part(self, amount)

    def counts(self, now: float) -> bool:
        """Whether what is charged for it still counts in the store; in a sliding window it stops to, a window after its end."""
        limit = self.claim.limit
        return limit.window != "sliding" or now < self.due + limit.window_us / 1e6


@dataclass(slots=True)
class Part:
    """What a request holds of a slice."""

    slice: Slice
    amount: int


@dataclass(slots=True, eq=False)
class Pool:
    """The slices of one counter, those that are given out of in `live`, and how it stood when the store was last asked.

    `debt` is what settles came to beyond their holds and no slice has paid for yet; `waiting` what requests lack that wait for a lease
    which others asked for; `size` how large the next slice is to be.
    """

    claim: Claim
    slices: list[Slice] = field(default_factory=list)
    live: list[Slice] = field(default_factory=list)
    debt: int = 0
    waiting: int = 0
    size: int = 1
    used: int = 0
    reset_us: int = 0
    seen: float = 0.0
    known_until: float = -math.inf
    """Until when what the store said holds for a request that wants nothing."""

    def idle(self, now: float) -> int:
        """What may be given out now, once debt is paid. Slices that are used up or over are listed no longer."""
        total, over = -self.debt, False
        for piece in self.live:
            idle = piece.idle(now)
            total += idle
            over = over or not idle
        if over:
            self._unlist(now)
        return total

    def _unlist(self, now: float) -> None:
        for piece in self.live:
            piece.listed = piece.idle(now) > 0
        self.live = [piece for piece in self.live if piece.listed]

    def _list(self, piece: Slice) -> None:
        if not piece.listed and not piece.ended:
            piece.listed = True
            self.live.append(piece)

    def spare(self, now: float) -> int:
        """What the store has charged for this process and will get back: what is idle, and what is on its way."""
        self.idle(now)
        return sum(piece.told - piece.keep for piece in self.slices if piece.counts(now)) - self.debt

    def covers(self, claim: Claim, want: int, now: float) -> bool:
        """Whether a claim can be served from here. One on a smaller share of the limit looks at what is used of it, too."""
        idle = self.idle(now)
        if idle < want or (not want and now >= self.known_until):
            return False
        return claim.capacity >= self.claim.capacity or self.used - idle + want <= claim.capacity

    def spend(self, want: int, now: float) -> list[Part]:
        """Give out `want`, from the slices that end first. What they do not have becomes debt."""
        self.pay(now)
        parts = []
        for piece in self.live if want else ():
            part = piece.taken(min(want, piece.idle(now)))
            if part is not None:
                want -= part.amount
                parts.append(part)
        self.debt += want
        return parts

    def paid(self, part: Part) -> None:
        """A part that was leased for debt alone."""
        part.slice.open -= 1
        self.debt -= min(self.debt, part.amount)

    def pay(self, now: float) -> None:
        """Pay debt from what is idle."""
        for piece in self.live if self.debt else ():
            amount = min(self.debt, piece.idle(now))
            piece.keep += amount
            self.debt -= amount

    def settle(self, parts: list[Part], want: int, true: int, now: float) -> None:
        """Put the truth in the place of what was given out for `want`: the rest is idle again, an excess is debt."""
        self.debt += max(0, true - want)
        refund = max(0, want - true)
        for part in reversed(parts):
            part.slice.idle(now)
            gone = min(refund, part.amount)
            part.slice.keep -= gone
            part.slice.open -= 1
            refund -= gone
            if gone:
                self._list(part.slice)
        self.debt -= min(self.debt, refund)

    def grant(self, piece: Slice) -> None:
        """Add a slice that the store has charged; the next is to be twice as large should this one be used up."""
        self.slices.append(piece)
        self._list(piece)
        self.known_until = max(self.known_until, piece.due)
        self.size = min(max(1, self.claim.capacity // LARGEST_SHARE), max(self.size, piece.told) * 2)

    def end(self, piece: Slice, now: float) -> None:
        """From now on nothing is given out of a slice."""
        idle = piece.idle(now)
        piece.ended = True
        if 2 * idle >= piece.told:
            self.size = max(1, self.size // 4)

    def state(self, claim: Claim, fitted: bool, retry_us: int, now: float) -> LimitState:
        """How the limit stands: all that is charged in the store, but for what is idle here."""
        used = max(0, self.used - self.idle(now))
        reset = self.reset_us if self.reset_us < 0 else max(0, self.reset_us - int((now - self.seen) * 1e6))
        return LimitState(claim, fitted, used, max(0, claim.capacity - used), reset, 0 if fitted else retry_us)
