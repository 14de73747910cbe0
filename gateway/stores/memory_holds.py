"""Quota in this process's memory: the reference that every other hold store is compared with.

Nothing here waits, so a take is atomic by itself. Everything is bounded: a counter is dropped when it is as good as unused, of
more than `capacity` counters the least recently charged are forgotten, open holds end with their lease, and tombstones are kept an
hour, at most `tombstones` of them.

A take that was refused leaves nothing behind: the same id again is judged again. A settled id is refused whenever it comes back.

Whoever keeps counters over a restart is told the key of each that changed (`changed`), asks for it (`kept`) when there is time to, and
gives it back (`restore`) to the next process. A hold that was open then is charged as estimated, as its lease's end would have left it:
its charge stands in the counter from the take on.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from gateway.model.limit import Amounts, Claim, Hold, LimitState, Settlement, Taken
from gateway.model.value import replace
from gateway.ports import Clock
from gateway.quota.window import Counter, WindowKind, counter_of
from gateway.registry import resolve

__all__ = ["LEASE_US", "TOMBSTONE_US", "MemoryHolds"]

LEASE_US = 300_000_000
"""How long a hold on tokens lasts without a renewal; afterwards it stays charged as estimated."""

TOMBSTONE_US = 3_600_000_000
"""How long the id of a settled or expired hold is remembered."""

_STEP_US = 120_000_000
"""A clock that is this much later than when it was last asked has been set, or nobody asked."""


class _Place:
    """A counter's place: the claim that last touched it, whose amount says when it is as good as unused. `kept` once it is charged."""

    __slots__ = ("claim", "counter", "kept")

    def __init__(self, claim: Claim, counter: Counter) -> None:
        self.claim = claim
        self.counter = counter
        self.kept = False


class _Open(Struct, gc=False):
    """A hold that is not settled: what it charged, claim by claim, and until when its lease runs."""

    taken: Taken
    charged: list[tuple[Claim, int]]
    until: int
    slices: int = 0
    """The number of the last slice that was charged, and what was answered."""
    extended: Taken | None = None


class _Closed(Struct, frozen=True, gc=False):
    """A tombstone. `expired` holds the charges of a hold whose lease ran out before it was settled."""

    forget: int
    expired: _Open | None = None


class MemoryHolds:
    """HoldStore of one process.

    Its time only goes forward: a clock that is set back loses that instant and no more, and its coming forward again by a step gives
    back no time that has passed already. `changed(key)` is called for each counter that changes or goes.
    """

    local = True

    def __init__(
        self,
        clock: Clock,
        *,
        lease_us: int = LEASE_US,
        capacity: int = 300_000,
        tombstones: int = 65_536,
        changed: Callable[[str], object] | None = None,
    ) -> None:
        self.lease_us = lease_us
        self._clock = clock
        self._seen = self._time = clock.now()
        self._capacity = capacity
        self._tombstones = tombstones
        self._changed = changed
        self._counters: OrderedDict[str, _Place] = OrderedDict()
        self._hand: deque[_Place] = deque()
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._closed: OrderedDict[str, _Closed] = OrderedDict()
        self._first_end = 0  # nothing ends before

    async def take(self, hold: Hold) -> Taken:
        """See `ports.HoldStore`."""
        now = self._now()
        known = self._open.get(hold.id)
        if known is not None:
            return known.taken
        closed = self._closed.get(hold.id)
        if closed is not None:
            return closed.expired.taken if closed.expired else Taken(False, self._look(hold.claims, now), settled=True)
        return self._take(hold, now)

    async def extend(self, hold: Hold, number: int, wants: Sequence[int]) -> Taken:
        """See `ports.HoldStore`."""
        now = self._now()
        known = self._open.get(hold.id)
        if known is None:
            return Taken(False, (), settled=True)
        if known.extended is not None and number <= known.slices:
            return known.extended
        further = [replace(claim, want=want) for claim, want in zip(hold.claims, wants, strict=True)]
        return self._extend(hold, known, further, number, now)

    async def settle(self, hold: Hold, amounts: Amounts) -> Settlement:
        """See `ports.HoldStore`."""
        now = self._now()
        known = self._open.pop(hold.id, None)
        if known is not None:
            self._bury(hold.id, _Closed(now + TOMBSTONE_US))
            for claim, mark, true in _parts(known, amounts):
                self._settle(claim, hold.id, mark, true, now)
            return _SETTLED
        closed = self._closed.get(hold.id)
        if closed is not None and closed.expired is None:
            return Settlement("repeated")
        self._bury(hold.id, _Closed(now + TOMBSTONE_US))
        if closed is None or closed.expired is None:
            return Settlement("unknown_id")
        for claim, mark in closed.expired.charged:
            if claim.limit.window == "slots":
                self._settle(claim, hold.id, mark, 0, now)
        return Settlement("expired")

    async def renew(self, hold: Hold) -> bool:
        """See `ports.HoldStore`."""
        now = self._now()
        known = self._open.get(hold.id)
        if known is None:
            return False
        known.until = now + self.lease_us
        self._open.move_to_end(hold.id)
        for place, (claim, mark) in enumerate(known.charged):
            found = self._found(claim)
            later = found.counter.renew(claim, hold.id, mark, now)
            if later != mark:
                self._keep(found, claim, now)
                known.charged[place] = (claim, later)
        return True

    async def look(self, claims: Sequence[Claim]) -> tuple[LimitState, ...]:
        """See `ports.HoldStore`."""
        return self._look(claims, self._now())

    async def aclose(self) -> None:
        """Nothing to close."""

    # ── What outlives the process ───────────────────────────────────────────────────────────────

    def time(self) -> int:
        """This store's time, Unix microseconds."""
        return self._now()

    def resume(self, time: int) -> None:
        """Go on from the time at which an earlier process stopped, if this one's clock is behind it."""
        self._time = max(self._time, time)

    def kept(self, key: str) -> tuple[Claim, Any] | None:
        """A counter that is worth keeping over a restart: the claim that last touched it and its state."""
        found = self._counters.get(key)
        if found is None or not (kind := _kind(found.claim)).lasting(found.claim):
            return None
        state = found.counter.state
        return None if kind.idle(state) else (found.claim, state)

    def restore(self, claim: Claim, state: Any) -> bool:
        """Take over a counter of an earlier process; False when it has become as good as unused since."""
        kind, now = _kind(claim), self._now()
        state = kind.aged(state, claim, now)
        if kind.idle(state):
            return False
        found = self._found(claim)
        found.counter = counter_of(kind, claim, state)
        self._keep(found, claim, now)
        self._trim()
        return True

    # ── How it is done ──────────────────────────────────────────────────────────────────────────

    def _take(self, hold: Hold, now: int) -> Taken:
        """1. See what fits. 2. If all that is not in shadow does, charge all. 3. Remember the answer with the charges."""
        held, seen = True, []
        for claim in hold.claims:
            found = self._found(claim)
            fits = found.counter.fits(claim, now)
            if not fits:
                if claim.guess:
                    claim, fits = _cut(claim, found.counter, now)
                held = held and (fits or claim.limit.shadow)
            seen.append((claim, found, fits))
        if not held:
            return Taken(False, tuple([_told(claim, found.counter, fits, now) for claim, found, fits in seen]))
        states, charged, before = [], [], len(self._counters)
        for claim, found, fits in seen:
            counter = found.counter
            charged.append((claim, counter.charge(claim, hold.id, now)))
            self._keep(found, claim, now)
            states.append(counter.read(claim, fits, now))
        taken = Taken(True, tuple(states))
        self._remember(hold.id, _Open(taken, charged, now + self.lease_us))
        self._sweep(2 * (len(self._counters) - before) + 1, now)
        return taken

    def _extend(self, hold: Hold, known: _Open, further: Sequence[Claim], number: int, now: int) -> Taken:
        """As a take, of what is wanted further: see what fits, charge all or none, remember the answer."""
        places = [self._found(claim) for claim in further]
        fitted = [found.counter.fits(claim, now) or claim.want == 0 for claim, found in zip(further, places, strict=True)]
        held = all(fits or not claim.limit.ends_streams for claim, fits in zip(further, fitted, strict=True))
        states = []
        for claim, found, fits, taken_by in zip(further, places, fitted, hold.claims, strict=True):
            if held and claim.want:
                known.charged.append((claim, found.counter.charge(claim, hold.id, now)))
                self._keep(found, claim, now)
            states.append(replace(found.counter.read(claim, fits, now), claim=taken_by))
        taken = Taken(held, tuple(states))
        if held:
            known.slices, known.extended = number, taken
            self._sweep(2 * len(further), now)
        return taken

    def _settle(self, claim: Claim, hold_id: str, mark: int, true: int, now: int) -> None:
        found = self._found(claim)
        found.counter.settle(claim, hold_id, mark, true, now)
        self._keep(found, claim, now)

    def _look(self, claims: Sequence[Claim], now: int) -> tuple[LimitState, ...]:
        states = []
        for claim in claims:
            counter = self._found(claim).counter
            states.append(counter.read(claim, counter.fits(claim, now), now))
        return tuple(states)

    def _found(self, claim: Claim) -> _Place:
        """A claim's counter; where there is none, one that is kept once something stands on it."""
        found = self._counters.get(claim.key)
        if found is None:
            kind = _kind(claim)
            found = _Place(claim, counter_of(kind, claim, kind.empty))
        return found

    def _keep(self, found: _Place, claim: Claim, now: int) -> None:
        """Keep a counter as the most recently charged; each has one place under the hand that sweeps."""
        if self._changed is not None:
            self._changed(claim.key)
        if found.kept:
            found.claim = claim
            self._counters.move_to_end(claim.key)
        elif not found.counter.idle(claim, now):
            found.kept = True
            self._counters[claim.key] = found
            self._hand.append(found)

    def _sweep(self, count: int, now: int) -> None:
        """Look at the next few counters and drop those that are as good as unused: twice as many as have just been made, and one."""
        hand = self._hand
        for _ in range(min(count, len(hand))):
            found = hand.popleft()
            if not found.kept:
                continue
            if found.counter.idle(found.claim, now):
                self._drop(found.claim.key)
            else:
                hand.append(found)
        if len(self._counters) > self._capacity:
            self._trim()

    def _drop(self, key: str) -> None:
        self._counters.pop(key).kept = False
        if self._changed is not None:
            self._changed(key)

    def _trim(self) -> None:
        while len(self._counters) > self._capacity:
            self._drop(next(iter(self._counters)))

    def _now(self) -> int:
        """This store's time, with every lease that is over by then ended."""
        seen = self._clock.now()
        passed = seen - self._seen
        if passed > 0:
            self._time = self._time + passed if passed < _STEP_US else max(self._time, seen)
        self._seen = seen
        if self._time >= self._first_end:
            self._end(self._time)
        return self._time

    def _end(self, now: int) -> None:
        """End the leases and forget the tombstones whose time is over by now."""
        while self._open and (first := next(iter(self._open.values()))).until <= now:
            hold_id, _ = self._open.popitem(last=False)
            self._bury(hold_id, _Closed(first.until + TOMBSTONE_US, first))
        while self._closed and next(iter(self._closed.values())).forget <= now:
            self._closed.popitem(last=False)
        ends = [next(iter(self._open.values())).until] if self._open else []
        ends += [next(iter(self._closed.values())).forget] if self._closed else []
        self._first_end = min(ends, default=now + self.lease_us)

    def _remember(self, hold_id: str, opened: _Open) -> None:
        self._open[hold_id] = opened
        self._first_end = min(self._first_end, opened.until)

    def _bury(self, hold_id: str, tombstone: _Closed) -> None:
        self._closed[hold_id] = tombstone
        self._closed.move_to_end(hold_id)
        self._first_end = min(self._first_end, tombstone.forget)
        if len(self._closed) > self._tombstones:
            self._closed.popitem(last=False)


def _cut(claim: Claim, counter: Counter, now: int) -> tuple[Claim, bool]:
    """A claim that does not fit, with its guess cut to what is left, and whether it fits so."""
    left = counter.read(claim, False, now).remaining
    if left < claim.least:
        return claim, False
    cut = replace(claim, want=left, guess=0)
    return cut, counter.fits(cut, now)


def _told(claim: Claim, counter: Counter, fits: bool, now: int) -> LimitState:
    """A state in a refusal. A claim that is partly a guess would pass once the least of it fits."""
    if fits or not claim.guess:
        return counter.read(claim, fits, now)
    return replace(counter.read(replace(claim, want=claim.least), False, now), claim=claim)


def _parts(known: _Open, amounts: Amounts) -> list[tuple[Claim, int, int]]:
    """Each charge of a hold with its part of the truth: of one counter the earlier are filled first, the last has all that is left."""
    if not known.slices:
        return [(claim, mark, amounts.for_claim(claim)) for claim, mark in known.charged]
    last = {claim.key: place for place, (claim, _) in enumerate(known.charged)}
    left: dict[str, int] = {}
    parts = []
    for place, (claim, mark) in enumerate(known.charged):
        true = left.get(claim.key, amounts.for_claim(claim))
        part = true if place == last[claim.key] else min(claim.want, true)
        left[claim.key] = true - part
        parts.append((claim, mark, part))
    return parts


_SETTLED = Settlement("settled")
_KINDS: dict[str, WindowKind[Any]] = {}


def _kind(claim: Claim) -> WindowKind[Any]:
    name = claim.limit.window
    kind = _KINDS.get(name)
    if kind is None:
        kind = _KINDS[name] = resolve("windows", name)
    return kind
