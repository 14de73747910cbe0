"""A sliding window: what was charged in the last `window_us`, plus what is wanted, is at most the amount.

Charges are kept in slices of a sixtieth of the window, aligned to the Unix epoch, and a slice counts until the last charge in it has
left the window. So the promise holds at any instant, memory per counter is bounded (at most 61 slices are live), and a charge is
forgotten less than one slice after an exact window would have forgotten it: it errs against the caller, never for it. A charge
that is alone in its slice is forgotten exactly, and no wait is longer than the window. A clock that is set back makes charges count
longer, never shorter.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from gateway.model.limit import Claim, LimitState
from gateway.quota.window import LASTING_US, stated

__all__ = ["SLICES", "SLIDING", "Slices", "SlicesCounter", "SlidingWindow", "slice_us"]

SLICES = 60
"""Slices a window is cut into."""


class Slices(Struct, frozen=True):
    """`parts` are pairs (when the slice was last charged, charged in it), oldest first; `total` is their sum. Unix microseconds."""

    total: int = 0
    parts: tuple[tuple[int, int], ...] = ()


_EMPTY = Slices()


def slice_us(window_us: int) -> int:
    """How long a slice of a window is, in microseconds."""
    return -(-window_us // SLICES) or 1


class SlidingWindow:
    """See `WindowKind`. A mark is the number of the slice that was charged."""

    empty = _EMPTY

    def idle(self, state: Slices) -> bool:
        return not state.parts

    def aged(self, state: Slices, claim: Claim, now: int) -> Slices:
        horizon = now - claim.limit.window_us
        parts = state.parts
        if not parts or parts[0][0] > horizon:
            return state
        live = tuple(part for part in parts if part[0] > horizon)
        return Slices(sum(amount for _, amount in live), live)

    def fits(self, state: Slices, claim: Claim) -> bool:
        return state.total + claim.want <= claim.amount

    def charge(self, state: Slices, claim: Claim, hold_id: str, now: int) -> tuple[Slices, int]:
        width = slice_us(claim.limit.window_us)
        return _added(state, width, now, claim.want), now // width

    def settle(self, state: Slices, claim: Claim, hold_id: str, want: int, mark: int, true: int, now: int) -> Slices:
        """Refund where it was charged, as far as that still counts; an excess counts from now on."""
        width = slice_us(claim.limit.window_us)
        if true > want:
            return _added(state, width, now, true - want)
        return _refunded(state, width, mark, want - true)

    def renew(self, state: Slices, claim: Claim, hold_id: str, mark: int, now: int) -> tuple[Slices, int]:
        return state, mark

    def read(self, state: Slices, claim: Claim, fitted: bool, now: int) -> LimitState:
        reset = state.parts[-1][0] + claim.limit.window_us - now if state.parts else 0
        return stated(claim, fitted=fitted, used=state.total, reset_us=reset, retry_us=0 if fitted else _retry(state, claim, now))

    def lasting(self, claim: Claim) -> bool:
        return claim.limit.window_us >= LASTING_US

    def dump(self, state: Slices) -> list[Any]:
        return [number for part in state.parts for number in part]

    def counter(self, claim: Claim, state: Slices) -> SlicesCounter:
        """A counter that changes in place; see `quota.window.Counter`."""
        return SlicesCounter(claim.limit.window_us, state)

    def load(self, plain: Any) -> Slices:
        parts = tuple(zip(map(int, plain[::2]), map(int, plain[1::2]), strict=True))
        return Slices(sum(amount for _, amount in parts), parts)


class SlicesCounter:
    """See `quota.window.Counter`: slices as two lists that are changed at their ends; what is rare goes by way of the values."""

    __slots__ = ("_amounts", "_lasts", "_total", "_width", "_window")

    def __init__(self, window_us: int, state: Slices) -> None:
        self._window = window_us
        self._width = slice_us(window_us)
        self.state = state

    @property
    def state(self) -> Slices:
        return Slices(self._total, tuple(zip(self._lasts, self._amounts, strict=True)))

    @state.setter
    def state(self, state: Slices) -> None:
        self._total = state.total
        self._lasts = [last for last, _ in state.parts]
        self._amounts = [amount for _, amount in state.parts]

    def fits(self, claim: Claim, now: int) -> bool:
        lasts = self._lasts
        if lasts and lasts[0] <= now - self._window:
            self.state = SLIDING.aged(self.state, claim, now)
        return self._total + claim.want <= claim.amount

    def charge(self, claim: Claim, hold_id: str, now: int) -> int:
        number = now // self._width
        if claim.want > 0:
            self._add(number, now, claim.want)
        return number

    def settle(self, claim: Claim, hold_id: str, mark: int, true: int, now: int) -> None:
        lasts, more = self._lasts, true - claim.want
        if lasts and lasts[0] <= now - self._window:
            self.state = SLIDING.aged(self.state, claim, now)
            lasts = self._lasts
        if more > 0:
            self._add(now // self._width, now, more)
        elif lasts and lasts[-1] // self._width == mark and self._amounts[-1] + more > 0:
            self._amounts[-1] += more
            self._total += more
        elif more:
            self.state = _refunded(self.state, self._width, mark, -more)

    def renew(self, claim: Claim, hold_id: str, mark: int, now: int) -> int:
        return mark

    def read(self, claim: Claim, fitted: bool, now: int) -> LimitState:
        lasts, total = self._lasts, self._total
        left, reset = claim.amount - total, lasts[-1] + self._window - now if lasts else 0
        return LimitState(claim, fitted, total, left if left > 0 else 0, reset, 0 if fitted else _retry(self.state, claim, now))

    def idle(self, claim: Claim, now: int) -> bool:
        return not self._lasts or self._lasts[-1] <= now - self._window

    def _add(self, number: int, now: int, amount: int) -> None:
        lasts = self._lasts
        newest = lasts[-1] // self._width if lasts else -1
        if newest == number:
            lasts[-1] = max(lasts[-1], now)
            self._amounts[-1] += amount
        elif newest < number:
            lasts.append(now)
            self._amounts.append(amount)
        else:
            self.state = _added(self.state, self._width, now, amount)
            return
        self._total += amount


def _added(state: Slices, width: int, now: int, amount: int) -> Slices:
    """The slices with `amount` more in that of `now`; a slice that holds nothing is not kept."""
    if amount <= 0:
        return state
    parts, number = state.parts, now // width
    at = len(parts)
    while at and parts[at - 1][0] // width > number:
        at -= 1
    if at and parts[at - 1][0] // width == number:
        last, charged = parts[at - 1]
        parts = (*parts[: at - 1], (max(last, now), charged + amount), *parts[at:])
    else:
        parts = (*parts[:at], (now, amount), *parts[at:])
    return Slices(state.total + amount, parts)


def _refunded(state: Slices, width: int, number: int, amount: int) -> Slices:
    """The slices with `amount` less in that slice, never below nothing."""
    parts = state.parts
    for at in range(len(parts) - 1, -1, -1):  # mostly it is the newest
        last, charged = parts[at]
        if last // width == number:
            gone = min(amount, charged)
            kept = ((last, charged - gone),) if charged > gone else ()
            return Slices(state.total - gone, parts[:at] + kept + parts[at + 1 :])
    return state


def _retry(state: Slices, claim: Claim, now: int) -> int:
    """When enough of the oldest slices will have left the window; -1 when even an empty window is too small."""
    if claim.want > claim.amount:
        return -1
    left = state.total
    for last, amount in state.parts:
        left -= amount
        if left + claim.want <= claim.amount:
            return last + claim.limit.window_us - now
    return -1


SLIDING = SlidingWindow()
