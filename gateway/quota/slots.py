"""Slots: fewer than `amount` may be open at once. Each has a lease of `window_us`, so that what is never settled comes free by itself.

A slot claim takes one slot, whatever its `want`; settling frees it, and a slot whose lease is over is free.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Any

from gateway.model.limit import Claim, LimitState
from gateway.quota.window import stated

__all__ = ["SLOTS", "Open", "OpenCounter", "Slots"]

Open = tuple[tuple[int, str], ...]
"""Open slots, soonest to expire first: when the lease ends, and the hold that has it. A lease that ends now is over."""


class Slots:
    """See `WindowKind`. A mark is when the slot's lease ends, in Unix microseconds."""

    empty: Open = ()

    def idle(self, state: Open) -> bool:
        return not state

    def aged(self, state: Open, claim: Claim, now: int) -> Open:
        if not state or state[0][0] > now:
            return state
        return state[bisect_left(state, (now + 1, "")) :]

    def fits(self, state: Open, claim: Claim) -> bool:
        return len(state) < claim.amount

    def charge(self, state: Open, claim: Claim, hold_id: str, now: int) -> tuple[Open, int]:
        end = now + claim.limit.window_us
        return _with(state, (end, hold_id)), end

    def settle(self, state: Open, claim: Claim, hold_id: str, want: int, mark: int, true: int, now: int) -> Open:
        return _without(state, (mark, hold_id))

    def renew(self, state: Open, claim: Claim, hold_id: str, mark: int, now: int) -> tuple[Open, int]:
        """A slot that is still open is kept longer; one that is gone may be somebody else's by now and stays gone."""
        rest = _without(state, (mark, hold_id))
        return (state, mark) if rest is state else self.charge(rest, claim, hold_id, now)

    def read(self, state: Open, claim: Claim, fitted: bool, now: int) -> LimitState:
        reset = state[-1][0] - now if state else 0
        return stated(claim, fitted=fitted, used=len(state), reset_us=reset, retry_us=0 if fitted else _retry(state, claim, now))

    def lasting(self, claim: Claim) -> bool:
        return False

    def dump(self, state: Open) -> list[Any]:
        return [list(slot) for slot in state]

    def counter(self, claim: Claim, state: Open) -> OpenCounter:
        """A counter that changes in place; see `quota.window.Counter`."""
        return OpenCounter(state)

    def load(self, plain: Any) -> Open:
        return tuple((int(end), str(hold_id)) for end, hold_id in plain)


class OpenCounter:
    """See `quota.window.Counter`: open slots as a list."""

    __slots__ = ("_open",)

    def __init__(self, state: Open) -> None:
        self._open = list(state)

    @property
    def state(self) -> Open:
        return tuple(self._open)

    def fits(self, claim: Claim, now: int) -> bool:
        self._age(now)
        return len(self._open) < claim.amount

    def charge(self, claim: Claim, hold_id: str, now: int) -> int:
        end, slots = now + claim.limit.window_us, self._open
        slot = (end, hold_id)
        if not slots or slots[-1] < slot:
            slots.append(slot)
        else:
            insort(slots, slot)
        return end

    def settle(self, claim: Claim, hold_id: str, mark: int, true: int, now: int) -> None:
        self._age(now)
        self._free((mark, hold_id))

    def renew(self, claim: Claim, hold_id: str, mark: int, now: int) -> int:
        self._age(now)
        return self.charge(claim, hold_id, now) if self._free((mark, hold_id)) else mark

    def read(self, claim: Claim, fitted: bool, now: int) -> LimitState:
        slots = self._open
        left, reset = claim.amount - len(slots), slots[-1][0] - now if slots else 0
        retry = 0 if fitted else _retry(self.state, claim, now)
        return LimitState(claim, fitted, len(slots), left if left > 0 else 0, reset, retry)

    def idle(self, claim: Claim, now: int) -> bool:
        self._age(now)
        return not self._open

    def _age(self, now: int) -> None:
        slots = self._open
        if slots and slots[0][0] <= now:
            del slots[: bisect_left(slots, (now + 1, ""))]

    def _free(self, slot: tuple[int, str]) -> bool:
        place = bisect_left(self._open, slot)
        if place < len(self._open) and self._open[place] == slot:
            del self._open[place]
            return True
        return False


def _with(state: Open, slot: tuple[int, str]) -> Open:
    if not state or state[-1] < slot:
        return (*state, slot)
    slots = list(state)
    insort(slots, slot)
    return tuple(slots)


def _without(state: Open, slot: tuple[int, str]) -> Open:
    place = bisect_left(state, slot)
    return state[:place] + state[place + 1 :] if place < len(state) and state[place] == slot else state


def _retry(state: Open, claim: Claim, now: int) -> int:
    """When enough leases will have ended, should nobody settle before."""
    return -1 if claim.amount <= 0 else state[len(state) - claim.amount][0] - now


SLOTS = Slots()
