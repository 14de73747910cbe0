"""A leaky bucket with debt (GCRA): it drains `amount` per `window_us`, and a claim fits if the level plus `want` is at most `burst`.

The state is (level, last), doubles in Python as in Lua. The level moves in quanta of 2^-20: drained are only the whole quanta that
the time since `last` surely paid for, and `last` advances by the time they took, rounded up. So sums and differences are exact,
every rounding is against the caller, and a counter that is asked very often still drains. Levels below 2^33 are exact; beyond, a
double's own rounding remains.

A refund lowers the level by all that was held too much, and never below empty. It may give back what had drained in the meantime,
at most what was held.
"""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from gateway.model.limit import Claim, LimitState
from gateway.quota.window import LASTING_US, stated

__all__ = ["BUCKET", "Bucket", "Level", "drain", "drained", "time_to_drain"]

_QUANTA = 1048576.0
_EXACT = 9007199254740992.0
_DOWN = 1.0 - 2.220446049250313e-16
_UP = 1.0 + 8.881784197001252e-16


class Level(Struct, frozen=True):
    """`level` in units of the count, `last` the Unix microsecond up to which it has drained."""

    level: float = 0.0
    last: float = 0.0


_EMPTY = Level()


def drained(elapsed: float, amount: float, window: float) -> float:
    """What surely drains in `elapsed` microseconds, in whole quanta.

    The remainder of a division is exact in doubles where the quotient is not, so the quotient of the rest is a whole number.
    """
    paid = elapsed * amount
    if paid >= _EXACT:
        paid = paid * _DOWN
    scaled = paid * _QUANTA
    return math.floor((scaled - math.fmod(scaled, window)) / window + 0.5) / _QUANTA


def drain(state: Level, amount: float, window: float, now: float) -> Level:
    """The state at `now`. A clock that is set back drains nothing until it has caught up."""
    elapsed = now - state.last
    if elapsed <= 0 or state.level <= 0:
        return state if state.level > 0 else _EMPTY
    gone = drained(elapsed, amount, window)
    if gone >= state.level:
        return _EMPTY
    if gone <= 0:
        return state
    took = min(elapsed, float(math.ceil(gone * window / amount * _UP)))
    return Level(state.level - gone, state.last + took)


def time_to_drain(quantity: float, amount: float, window: float) -> float:
    """Microseconds after which `quantity` has surely drained; a bucket of amount 0 never drains, and says a window."""
    if amount <= 0:
        return window
    elapsed = min(float(math.ceil(quantity * window / amount)), _EXACT)
    return elapsed if drained(elapsed, amount, window) >= quantity else elapsed + 1


class Bucket:
    """See `WindowKind`. Marks mean nothing here: a bucket does not remember who filled it."""

    empty = _EMPTY

    def idle(self, state: Level) -> bool:
        return state.level <= 0

    def aged(self, state: Level, claim: Claim, now: int) -> Level:
        return drain(state, float(claim.amount), float(claim.limit.window_us), float(now))

    def fits(self, state: Level, claim: Claim) -> bool:
        return state.level + claim.want <= claim.burst

    def charge(self, state: Level, claim: Claim, hold_id: str, now: int) -> tuple[Level, int]:
        return _filled(state, claim.want, now), 0

    def settle(self, state: Level, claim: Claim, hold_id: str, want: int, mark: int, true: int, now: int) -> Level:
        return _filled(state, true - want, now)

    def renew(self, state: Level, claim: Claim, hold_id: str, mark: int, now: int) -> tuple[Level, int]:
        return state, mark

    def read(self, state: Level, claim: Claim, fitted: bool, now: int) -> LimitState:
        used = math.ceil(state.level)
        reset = _wait(state, state.level, claim, now) if state.level > 0 else 0
        return stated(claim, fitted=fitted, used=used, reset_us=reset, retry_us=0 if fitted else _retry(state, claim, now))

    def lasting(self, claim: Claim) -> bool:
        return max(claim.burst, claim.amount) * claim.limit.window_us >= LASTING_US * claim.amount

    def dump(self, state: Level) -> list[Any]:
        return [state.level, state.last]

    def load(self, plain: Any) -> Level:
        level, last = plain
        return Level(float(level), float(last))


def _filled(state: Level, change: int, now: int) -> Level:
    level = state.level + change
    if level <= 0:
        return _EMPTY
    return Level(level, state.last if state.level > 0 else float(now))


def _wait(state: Level, quantity: float, claim: Claim, now: int) -> int:
    return int(time_to_drain(quantity, float(claim.amount), float(claim.limit.window_us)) - (now - state.last))


def _retry(state: Level, claim: Claim, now: int) -> int:
    if claim.want > claim.burst or claim.amount <= 0:
        return -1
    return max(1, _wait(state, state.level + claim.want - claim.burst, claim, now))


BUCKET = Bucket()
