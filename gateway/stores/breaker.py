"""A circuit breaker: what does not answer is left alone for a while, and then asked again by one call at a time.

While it is open, callers hear at once that nothing was done, instead of each waiting out a deadline. It opens when a number of
calls in a row got no answer for longer than one slow moment explains. Then one call is let through as a try after a pause that
doubles from try to try up to a bound, each pause shortened by chance, so that the processes of a fleet do not all come back in the
same instant. The first answer closes it, whatever the answer says: an error that was said is an answer.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

__all__ = ["Breaker"]

_IN_A_ROW = 5


class Breaker:
    """State of one breaker. All durations in seconds; `patience_s` is how long calls may fail in a row before it opens."""

    def __init__(
        self,
        *,
        patience_s: float,
        first_s: float = 0.05,
        longest_s: float = 1.0,
        now: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._patience_s = patience_s
        self._first_s = first_s
        self._longest_s = longest_s
        self._now = now
        self._chance = chance
        self._failures = 0
        self._since = 0.0
        self._pause_s = 0.0
        self._next_try = 0.0

    @property
    def open(self) -> bool:
        """Whether calls are being kept away."""
        return self._pause_s > 0

    def allows(self) -> bool:
        """Whether a call may go out now. Where it is open, the one that may is a try: the next pause begins with it."""
        if not self._pause_s:
            return True
        now = self._now()
        if now < self._next_try:
            return False
        self._rest(min(2 * self._pause_s, self._longest_s), now)
        return True

    def answered(self) -> None:
        """There was an answer."""
        self._failures = 0
        self._pause_s = 0.0

    def failed(self) -> None:
        """There was none, within the deadline or because the connection broke."""
        now = self._now()
        if not self._failures:
            self._since = now
        self._failures += 1
        if not self._pause_s and self._failures >= _IN_A_ROW and now - self._since >= self._patience_s:
            self._rest(self._first_s, now)

    def _rest(self, pause_s: float, now: float) -> None:
        self._pause_s = pause_s
        self._next_try = now + pause_s * (0.5 + 0.5 * self._chance())
