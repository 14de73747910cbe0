"""A sliding window: what was charged in the last `window_us`, plus what is wanted, is at most the amount.

Charges are kept in slices of a sixtieth of the window, aligned to the Unix epoch, and a slice counts until the last instant that it
may hold a charge from has left the window. So the promise holds at any instant, memory per counter is bounded (at most 61 slices
are live), and a charge is forgotten at the latest one slice after an exact window would have forgotten it: it errs against the
caller, never for it. A clock that is set back makes charges count longer, never shorter.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.limit import Claim, LimitState
from gateway.quota.window import stated

__all__ = ["SLICES", "SLIDING", "Slices", "SlidingWindow", "slice_us"]

SLICES = 60
"""Slices a window is cut into."""


@dataclass(frozen=True, slots=True)
class Slices:
    """`parts` are pairs (slice number, charged in it), oldest first; `total` is their sum."""

    total: int = 0
    parts: tuple[tuple[int, int], ...] = ()


_EMPTY = Slices()


def slice_us(window_us: int) -> int:
    """How long a slice of a window is, in microseconds."""
    return max(1, -(-window_us // SLICES))


class SlidingWindow:
    """See `WindowKind`. A mark is the number of the slice that was charged."""

    empty = _EMPTY

    def idle(self, state: Slices) -> bool:
        return not state.parts

    def aged(self, state: Slices, claim: Claim, now: int) -> Slices:
        width = slice_us(claim.limit.window_us)
        horizon = now - claim.limit.window_us
        parts = state.parts
        if not parts or (parts[0][0] + 1) * width > horizon:
            return state
        live = tuple(part for part in parts if (part[0] + 1) * width > horizon)
        return Slices(sum(amount for _, amount in live), live)

    def fits(self, state: Slices, claim: Claim) -> bool:
        return state.total + claim.want <= claim.amount

    def charge(self, state: Slices, claim: Claim, hold_id: str, now: int) -> tuple[Slices, int]:
        mark = now // slice_us(claim.limit.window_us)
        return _changed(state, mark, claim.want), mark

    def settle(self, state: Slices, claim: Claim, hold_id: str, want: int, mark: int, true: int, now: int) -> Slices:
        """Refund where it was charged, as far as that still counts; an excess counts from now on."""
        if true > want:
            return _changed(state, now // slice_us(claim.limit.window_us), true - want)
        charged = dict(state.parts).get(mark, 0)
        return _changed(state, mark, -min(want - true, charged))

    def renew(self, state: Slices, claim: Claim, hold_id: str, mark: int, now: int) -> tuple[Slices, int]:
        return state, mark

    def read(self, state: Slices, claim: Claim, fitted: bool, now: int) -> LimitState:
        width, window = slice_us(claim.limit.window_us), claim.limit.window_us
        reset = (state.parts[-1][0] + 1) * width + window - now if state.parts else 0
        return stated(claim, fitted=fitted, used=state.total, reset_us=reset, retry_us=0 if fitted else _retry(state, claim, now))


def _changed(state: Slices, number: int, amount: int) -> Slices:
    """The slices with `amount` added to one of them (or taken from it); a slice that holds nothing is not kept."""
    if amount == 0:
        return state
    parts = state.parts
    if parts and parts[-1][0] == number:
        changed = (*parts[:-1], (number, parts[-1][1] + amount))
    elif not parts or parts[-1][0] < number:
        changed = (*parts, (number, amount))
    else:
        by_number = dict(parts)
        by_number[number] = by_number.get(number, 0) + amount
        changed = tuple(sorted(by_number.items()))
    return Slices(state.total + amount, tuple(part for part in changed if part[1] > 0))


def _retry(state: Slices, claim: Claim, now: int) -> int:
    """When enough of the oldest slices will have left the window; -1 when even an empty window is too small."""
    if claim.want > claim.amount:
        return -1
    width, left = slice_us(claim.limit.window_us), state.total
    for number, amount in state.parts:
        left -= amount
        if left + claim.want <= claim.amount:
            return (number + 1) * width + claim.limit.window_us - now
    return -1


SLIDING = SlidingWindow()
