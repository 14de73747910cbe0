"""Requests that begin with the same rare words in several accounts, put together as if one caller had sent them.

Under cover an account shows its wrapper now and then only, too seldom to recur among its last requests. So the eight masked words that
a request begins with, and its system prompt, are looked up among everybody's; what two accounts send around different texts becomes a
`Pool`, which counts who sends it and has the signals watch what is sent. Cover does not come in. Ends are not looked at: contents of
one source end alike too, and where those ask for something, whoever works on them would be taken for one who asks.

A pool tells two things. What its requests *ask for*, by the signals (`said`); and whether their contents were *dealt out*: as alike
between accounts as within one, and hardly any text in two of them. Customers come back to their own things, users of one benchmark send
the same texts, and slices of one corpus do neither.

Bounded: a table of 8 << `bits` bytes, `most_pools` pools, each with `_MOST_TOPICS` topics and `_MOST_TEXTS` texts. Those are sampled by
their hashes, in every account the same ones, else what accounts have in common would depend on how much they send.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping
from typing import Literal

from gateway.model.evidence import Evidence
from gateway.model.look import Look
from gateway.signals.base import Baseline, Signal, State
from gateway.signals.cues import CUE_MASK

__all__ = ["TWICE", "Pool", "Pools"]

Place = Literal["head", "system"]

_MASK = 0xFFFFFFFF
_FEWEST_WORDS = 12
"""Eight words of a wrapper, and something in its slot."""
_FEWEST_SYSTEM = 8
_MOST_TOPICS = 512
_MOST_TEXTS = 128
_KINDS = frozenset({"wording", "structure"})
"""What the requests of several accounts say together. Parameters and hours are each account's own."""
_USES = 2
"""Different texts that an account sends with it, at least, to be one of its members."""
_FEWEST_DEALT, _FEWEST_REQUESTS, _FEWEST_PAIRS = 4, 20, 8
TWICE = 0.2
"""Share of texts that come from two accounts where a corpus was not dealt out but is common to all."""
_TIMES, _NUMBER, _NUMBERS = 16, 28, (1 << 28) - 1
"""A table's entry: 32 bits of the wording, the account's number, and how often it came, up to 15."""
_OFTEN = 4
"""A topic in a fourth of the requests is the wrapper's own word."""


class Pool:
    """One wording. `users`: account -> different texts that it sent with it; `asking`: those of them with a cue of what a copier asks
    for. `common`: more send it than are kept."""

    __slots__ = ("_level", "_texts", "_texts_level", "_topics", "_twice", "asking", "common", "place", "states", "users")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.users: dict[int, int] = {}
        self.asking: dict[int, int] = {}
        self.common = False
        self.states: dict[str, State] = {}
        self._topics: dict[int, int] = {}
        self._texts: dict[int, int] = {}
        self._twice: set[int] = set()
        self._level = self._texts_level = 0

    def take(self, number: int, look: Look) -> None:
        """One request of an account."""
        self.users[number] = self.users.get(number, 0) + 1
        if look.cues & CUE_MASK:
            self.asking[number] = self.asking.get(number, 0) + 1
        for topic in look.topic:
            if topic & (1 << self._level) - 1 == 0:
                place = topic << 32 | number
                self._topics[place] = self._topics.get(place, 0) + 1
        while len(self._topics) > _MOST_TOPICS:
            self._level += 1
            self._topics = {place: n for place, n in self._topics.items() if place >> 32 & (1 << self._level) - 1 == 0}
        text = look.exact & _MASK
        if text & (1 << self._texts_level) - 1 == 0 and self._texts.setdefault(text, number) != number:
            self._twice.add(text)
        while len(self._texts) > _MOST_TEXTS:
            self._texts_level += 1
            self._texts = {text: by for text, by in self._texts.items() if text & (1 << self._texts_level) - 1 == 0}
            self._twice &= self._texts.keys()

    def members(self) -> list[int]:
        """The accounts that send it around more than one text."""
        return [number for number, uses in self.users.items() if uses >= _USES]

    def askers(self) -> list[int]:
        """The accounts that ask with it for what a copier asks for, more than once; none where fewer than half of the requests do: then
        it is contents that ask, and not the wording."""
        if 2 * sum(self.asking.values()) < sum(self.users.values()):
            return []
        return [number for number, uses in self.asking.items() if uses >= _USES]

    def leave(self, numbers: frozenset[int]) -> None:
        """These accounts are forgotten."""
        self.users = {number: uses for number, uses in self.users.items() if number not in numbers}
        self.asking = {number: uses for number, uses in self.asking.items() if number not in numbers}
        self._topics = {place: n for place, n in self._topics.items() if place & _MASK not in numbers}

    @property
    def twice(self) -> float:
        """The share of texts that came from two accounts."""
        return len(self._twice) / max(1, len(self._texts))

    def alike(self) -> float | None:
        """How many times more alike contents are within an account than between two; None where there is too little to tell."""
        members = frozenset(self.members())
        requests = sum(self.users[number] for number in members)
        if len(members) < _FEWEST_DEALT or requests < _FEWEST_REQUESTS:
            return None
        rows: dict[int, Counter[int]] = {}
        for place, n in self._topics.items():
            if place & _MASK in members:
                rows.setdefault(place >> 32, Counter())[place & _MASK] = n
        own: Counter[int] = Counter()
        within = pairs = 0
        for row in rows.values():
            if row.total() * _OFTEN <= requests:
                own.update(row)
                within += sum(n * (n - 1) for n in row.values())
                pairs += row.total() ** 2 - sum(n * n for n in row.values())
        size = own.total()
        if pairs + within < 2 * _FEWEST_PAIRS:
            return None
        # Topics that are met once in the whole pool are in neither sum; both shares are of pairs of requests' topics.
        inside = within / max(1, sum(n * (n - 1) for n in own.values()))
        between = max(1, pairs) / max(1, size * size - sum(n * n for n in own.values()))
        return inside / between


class Pools:
    """Takes requests in and tells the pools. `signals` watch what is pooled, where there are any; those of other kinds than wording and
    structure are not asked. `known`: parts (`wrappers.parts_of`) that never link."""

    def __init__(self, most_users: int, most_pools: int = 2_048, bits: int = 19, known: frozenset[int] = frozenset()) -> None:
        self._known = known
        self._signals: dict[str, Signal] = {}
        self._most_users = most_users
        self._most_pools = most_pools
        self._shift = 32 - bits
        self._first = array("Q", bytes(8 << bits))
        self._pools: dict[int, Pool] = {}

    @property
    def signals(self) -> Mapping[str, Signal]:
        """Those that watch."""
        return self._signals

    @signals.setter
    def signals(self, signals: Mapping[str, Signal]) -> None:
        self._signals = {name: signal for name, signal in signals.items() if signal.kind in _KINDS}

    def feed(self, number: int, look: Look) -> None:
        """One request of an account that it has not sent just before."""
        name = look.head & _MASK | 1
        if look.words >= _FEWEST_WORDS and name not in self._known:
            self._feed("head", name, number, look)
        if look.system_words >= _FEWEST_SYSTEM and look.words:
            self._feed("system", (look.system ^ 3) & _MASK, number, look)

    def telling(self) -> list[Pool]:
        """Those that three accounts at least are members of, and not too many use."""
        return [pool for pool in self._pools.values() if not pool.common and len(pool.users) >= 3 and len(pool.members()) >= 3]

    def said(self, pool: Pool, now_us: int, baseline: Baseline) -> tuple[Evidence, ...]:
        """What the signals say of the pooled requests."""
        heard = [self._signals[name].weigh(state, now_us, baseline) for name, state in pool.states.items()]
        return tuple([evidence for evidence in heard if evidence is not None])

    def leave(self, numbers: frozenset[int]) -> None:
        """These accounts are forgotten, and pools that nobody is left of."""
        for name, pool in list(self._pools.items()):
            if not numbers.isdisjoint(pool.users):
                pool.leave(numbers)
                if not pool.users:
                    del self._pools[name]

    def _feed(self, place: Place, name: int, number: int, look: Look) -> None:
        pool = self._pools.get(name)
        if pool is None:
            slot = (name * 0x9E3779B1 & _MASK) >> self._shift
            owner, times = divmod(self._first[slot], _TIMES)
            if owner != name << _NUMBER | number & _NUMBERS:
                times = 0
            if owner >> _NUMBER != name or owner & _NUMBERS == number:
                self._first[slot] = (name << _NUMBER | number & _NUMBERS) * _TIMES + min(times + 1, _TIMES - 1)
                return
            pool = self._new(name, Pool(place))
            pool.users[owner & _NUMBERS] = self._first[slot] % _TIMES
        if pool.common:
            return
        pool.take(number, look)
        if len(pool.users) > self._most_users:
            # What is common is remembered as that, without what was counted.
            common = self._pools[name] = Pool(place)
            common.common = True
            return
        for title, signal in self._signals.items():
            state = pool.states.get(title)
            if state is None:
                state = pool.states[title] = signal.fresh()
            signal.watch(state, look)

    def _new(self, name: int, pool: Pool) -> Pool:
        if len(self._pools) >= self._most_pools:
            # A quarter goes: those of the fewest members, and of these the oldest.
            kept = sorted(self._pools, key=lambda name: -len(self._pools[name].members()) - self._pools[name].common)
            self._pools = {name: self._pools[name] for name in kept[: self._most_pools * 3 // 4]}
        self._pools[name] = pool
        return pool
