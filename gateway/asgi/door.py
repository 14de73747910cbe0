"""The coarse guard per peer address, before anything is parsed: who fails to authenticate again and again has to wait.

The `limits` package reads the rate and counts (its sliding window counter: two numbers a peer); the storage is our own, because
the package's in memory starts a thread and grows without bound. It counts in this process only: it is a brake, not a quota.
"""

from __future__ import annotations

import math
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from limits import parse_many
from limits.storage import SlidingWindowCounterSupport, Storage
from limits.strategies import SlidingWindowCounterRateLimiter

from gateway.model.policy import DoorRules

__all__ = ["Door"]

_CAPACITY = 16_384
"""Counts remembered, one a peer and rate; past it the one counted least recently is forgotten."""


class Door:
    """See `model.policy.DoorRules`. A peer of unknown address ("", as on a Unix socket) is never refused: it stands for everybody.

    ValueError for a rate that `limits` cannot read; the policy's schema has checked it.
    """

    def __init__(self, rules: DoorRules, *, capacity: int = _CAPACITY, clock: Callable[[], float] = time.monotonic) -> None:
        self._counts_all = rules.count == "all"
        self._exempt = rules.exempt
        self._rates = parse_many(rules.rate) if rules.rate else []
        self._counts = _Counts(capacity, clock)
        self._strategy = SlidingWindowCounterRateLimiter(self._counts)

    def refuses(self, peer: str) -> int | None:
        """Microseconds that this peer has to wait, None if it may come in. Under `count: all` coming in counts."""
        if not self._rates or not peer or (not self._counts_all and not len(self._counts)):
            return None
        if self._counts_all and self._spared(peer):
            return None
        if not all(self._strategy.test(rate, peer) for rate in self._rates):
            return max(self._counts.wait(rate.key_for(peer), rate.amount, rate.get_expiry()) for rate in self._rates)
        if self._counts_all:
            self._hit(peer)
        return None

    def failed(self, peer: str) -> None:
        """This peer failed to authenticate. Under `count: all` its request was counted already."""
        if self._rates and not self._counts_all and not self._spared(peer):
            self._hit(peer)

    def _hit(self, peer: str) -> None:
        for rate in self._rates:
            self._strategy.hit(rate, peer)

    def _spared(self, peer: str) -> bool:
        """Nobody known, or in an exempt network. A grouped IPv6 peer stands for its /64: it is spared where any of that is exempt."""
        if not peer:
            return True
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and not address.is_loopback:
            whole = ip_network(f"{peer}/64", strict=False)
            return any(network.version == 6 and whole.overlaps(network) for network in self._exempt)
        return any(address in network for network in self._exempt)


@dataclass(slots=True)
class _Count:
    """`now` in window number `window`, `before` in the one before it."""

    window: int
    now: int = 0
    before: int = 0


class _Counts(Storage, SlidingWindowCounterSupport):
    """A storage of the `limits` package, bounded and without a thread. Windows are numbered from the clock's zero, in seconds."""

    STORAGE_SCHEME = None
    base_exceptions = ()

    def __init__(self, capacity: int, clock: Callable[[], float]) -> None:
        super().__init__()
        self._capacity = capacity
        self._clock = clock
        self._counts: OrderedDict[str, _Count] = OrderedDict()

    def __len__(self) -> int:
        return len(self._counts)

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """(count before, seconds that it still counts, count now, seconds that it will count)."""
        moment = self._clock()
        left = expiry - moment % expiry
        count = self._counts.get(key)
        age = int(moment // expiry) - count.window if count is not None else 2
        if count is None or age > 1:
            return 0, 0.0, 0, left + expiry
        return (count.before, left, count.now, left + expiry) if age == 0 else (count.now, left, 0, left + expiry)

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count if it fits, and say whether it did."""
        before, left, now, _ = self.get_sliding_window(key, expiry)
        if math.floor(before * left / expiry + now) + amount > limit:
            return False
        self._counts[key] = _Count(int(self._clock() // expiry), now + amount, before)
        self._counts.move_to_end(key)
        if len(self._counts) > self._capacity:
            self._counts.popitem(last=False)
        return True

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Forget a key."""
        self._counts.pop(key, None)

    def wait(self, key: str, limit: int, expiry: int) -> int:
        """Microseconds until one more fits if nothing else comes: before * left / expiry + now has to sink below the limit."""
        before, left, now, _ = self.get_sliding_window(key, expiry)
        if before * left / expiry + now < limit:
            return 0
        # Either `before` fades enough in this window, or `now` has to become what was before and fade itself.
        seconds = left - (limit - now) * expiry / before if now < limit else left + expiry * (1 - limit / max(now, 1))
        return math.ceil(seconds * 1_000_000) + 1

    # ── What every storage of the package has; its sliding window asks for none of it ──────────

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        self.acquire_sliding_window_entry(key, sys.maxsize, expiry, amount)
        return self.get(key)

    def get(self, key: str) -> int:
        count = self._counts.get(key)
        return count.now if count is not None else 0

    def get_expiry(self, key: str) -> float:
        return self._clock()

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        known = len(self._counts)
        self._counts.clear()
        return known

    def clear(self, key: str) -> None:
        self._counts.pop(key, None)
