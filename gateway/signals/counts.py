"""What most signals keep of a caller: how many requests, how many of them were of the kind looked for, and what was seen lately.

`surprise` says how odd that many are, as an e-value in decibans: with h of n requests hit, where an honest caller's requests are hits
at a rate of at most r, each independent of the last, the mixture over all rates

    B(h + 1, n - h + 1) / (r^h (1 - r)^(n - h))

exceeds x at any time of an honest caller's life with probability at most 1/x (Ville's inequality; Robbins 1970): so it may be read
after every request. (Rates below r can only add to the mixture while the share is below r, and there nothing is read. Halving begins
the argument anew.) Honest callers differ from each other, so that this alone is no promise: the baseline bounds it by how many benign
callers ever came as high.
"""

from __future__ import annotations

from array import array
from math import inf, lgamma, log
from typing import Any

from gateway.signals.base import Baseline

__all__ = ["MOST_RECENT", "MOST_SEEN", "Counts", "dump_counts", "load_counts", "merge_counts", "short", "surprise", "weight_of"]

MOST_SEEN = 400
"""Requests from which on the counts are halved: a key's long past neither hides what it does now nor is held against it for ever."""
MOST_RECENT = 40
"""Short hashes kept of what was seen lately."""

_MOST_PARTS = 8


class Counts:
    """`seen` requests, `hits` among them, `parts`: further counts of the signal's own, `recent`: 32-bit hashes, the newest last: four
    bytes each, for as numbers of their own they would be most of what a caller takes."""

    __slots__ = ("hits", "parts", "recent", "seen")

    def __init__(self, parts: int = 0) -> None:
        self.seen = 0
        self.hits = 0
        self.parts = [0] * parts
        self.recent = array("I")

    def count(self, hit: bool) -> None:
        """One request more."""
        if self.seen >= MOST_SEEN:
            self.seen //= 2
            self.hits //= 2
            self.parts = [part // 2 for part in self.parts]
        self.seen += 1
        self.hits += hit

    def remember(self, hashed: int) -> None:
        """What was just seen, as `short` of it; the oldest goes."""
        recent = self.recent
        recent.append(hashed)
        if len(recent) > MOST_RECENT:
            del recent[0]


def short(hashed: int) -> int:
    """32 bits of a hash: a caller's few need no more."""
    return hashed & 0xFFFFFFFF


def dump_counts(state: Counts) -> list[Any]:
    """As plain JSON."""
    return [state.seen, state.hits, state.parts, state.recent.tolist()]


def load_counts(plain: Any, parts: int = 0) -> Counts:
    """The state that `dump_counts` made `plain` of. ValueError or TypeError where it is none."""
    seen, hits, counted, recent = plain
    numbers = [seen, hits, *counted, *recent]
    if not all(type(number) is int and 0 <= number < 1 << 32 for number in numbers):
        raise ValueError("counts are whole numbers of 32 bits")
    if hits > seen or seen > 2 * MOST_SEEN or len(counted) != parts or parts > _MOST_PARTS or len(recent) > MOST_RECENT:
        raise ValueError("these counts are not of this signal")
    state = Counts(parts)
    state.seen, state.hits, state.parts, state.recent = seen, hits, list(counted), array("I", recent)
    return state


def merge_counts(state: Counts, other: Counts) -> None:
    """Takes what another process counted of the same caller into `state`."""
    state.seen += other.seen
    state.hits += other.hits
    state.parts = [mine + theirs for mine, theirs in zip(state.parts, other.parts, strict=True)]
    state.recent = (other.recent + state.recent)[-MOST_RECENT:]
    while state.seen > MOST_SEEN:
        state.seen //= 2
        state.hits //= 2
        state.parts = [part // 2 for part in state.parts]


def surprise(seen: int, hits: int, rate: float) -> float:
    """Decibans against `rate` or less, see above; -inf where the share of hits is not above it."""
    if seen <= 0 or hits <= rate * seen:
        return -inf
    missed = seen - hits
    mixture = lgamma(hits + 1) + lgamma(missed + 1) - lgamma(seen + 2)
    return 10 * (mixture - hits * log(rate) - missed * log(1 - rate)) / log(10)


def weight_of(signal: str, value: float, most: float, baseline: Baseline) -> float:
    """Decibans for a statistic that is in decibans itself: never above what it is, what the baseline bears out, and `most`."""
    return min(value, baseline.weight(signal, value), most)
