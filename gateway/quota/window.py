"""What every kind of window offers a store: pure operations over a small frozen state, one state per counter.

A store keeps a counter's state under `claim.key` and passes `now` from its own clock. The amount travels with the claim, so an
edited limit keeps its usage. A kind that is asked most may offer, beside that, a counter that changes in place (`counter(claim,
state)`): it does the same without making a value each time, and gives its state as the value that the other operations know. The Lua
beside `gateway/stores` does the same IEEE-double operations in the same order; the state machine under `tests/conformance` compares
the two.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from gateway.model.limit import Claim, LimitState

__all__ = ["LASTING_US", "Counter", "Valued", "WindowKind", "counter_of", "stated"]

LASTING_US = 10_000_000
"""A counter that forgets all within this time is not worth keeping over a restart."""

S = TypeVar("S")


class WindowKind(Protocol[S]):
    """One way of counting. States are values: no operation changes one.

    - `empty` is the state of a counter that nobody has used; `idle(state)` says whether a state has become as good as that.
    - `aged(state, claim, now)` drops what no longer counts. All other operations want an aged state.
    - `fits(state, claim)`: whether the claim's `want` fits on top.
    - `charge(state, claim, hold_id, now)` charges it, fitting or not, and gives a mark that the hold keeps, for `settle`.
    - `settle(state, claim, hold_id, want, mark, true, now)` replaces what was charged at the mark by the true amount.
    - `renew(state, claim, hold_id, mark, now)` extends what has a lease of its own, and gives the new mark.
    - `read(state, claim, fitted, now)` says how the limit stands.
    - `lasting(claim)`: whether what the claim charges is kept over a restart. A process that ends takes its slots with it.
    - `dump(state)` gives it as lists of numbers and text, and `load(plain)` the same state again, to the last bit, once those
      have been through JSON. ValueError or TypeError where it is none.
    """

    @property
    def empty(self) -> S: ...
    def idle(self, state: S) -> bool: ...
    def aged(self, state: S, claim: Claim, now: int) -> S: ...
    def fits(self, state: S, claim: Claim) -> bool: ...
    def charge(self, state: S, claim: Claim, hold_id: str, now: int) -> tuple[S, int]: ...
    def settle(self, state: S, claim: Claim, hold_id: str, want: int, mark: int, true: int, now: int) -> S: ...
    def renew(self, state: S, claim: Claim, hold_id: str, mark: int, now: int) -> tuple[S, int]: ...
    def read(self, state: S, claim: Claim, fitted: bool, now: int) -> LimitState: ...
    def lasting(self, claim: Claim) -> bool: ...
    def dump(self, state: S) -> list[Any]: ...
    def load(self, plain: Any) -> S: ...


class Counter(Protocol):
    """A counter of one window that changes in place. `state` is what `WindowKind` would have come to.

    `fits` ages it first; `charge` and `read` want it aged. `settle` replaces what the claim's `want` charged at the mark.
    """

    @property
    def state(self) -> Any: ...
    def fits(self, claim: Claim, now: int) -> bool: ...
    def charge(self, claim: Claim, hold_id: str, now: int) -> int: ...
    def settle(self, claim: Claim, hold_id: str, mark: int, true: int, now: int) -> None: ...
    def renew(self, claim: Claim, hold_id: str, mark: int, now: int) -> int: ...
    def read(self, claim: Claim, fitted: bool, now: int) -> LimitState: ...
    def idle(self, claim: Claim, now: int) -> bool: ...


class Valued:
    """A counter of any kind of window: it keeps the value that the kind's operations give.

    Ageing rounds, in a bucket, so what has only been looked at stays as it was: `aged` is kept once something is charged.
    """

    __slots__ = ("_aged", "_kind", "state")

    def __init__(self, kind: WindowKind[Any], state: Any) -> None:
        self._kind = kind
        self._aged = self.state = state

    def fits(self, claim: Claim, now: int) -> bool:
        self._aged = self._kind.aged(self.state, claim, now)
        return self._kind.fits(self._aged, claim)

    def charge(self, claim: Claim, hold_id: str, now: int) -> int:
        self.state, mark = self._kind.charge(self._aged, claim, hold_id, now)
        self._aged = self.state
        return mark

    def settle(self, claim: Claim, hold_id: str, mark: int, true: int, now: int) -> None:
        self.state = self._kind.settle(self._kind.aged(self.state, claim, now), claim, hold_id, claim.want, mark, true, now)

    def renew(self, claim: Claim, hold_id: str, mark: int, now: int) -> int:
        aged = self._kind.aged(self.state, claim, now)
        renewed, later = self._kind.renew(aged, claim, hold_id, mark, now)
        if later != mark:
            self.state = renewed
        return later

    def read(self, claim: Claim, fitted: bool, now: int) -> LimitState:
        return self._kind.read(self._aged, claim, fitted, now)

    def idle(self, claim: Claim, now: int) -> bool:
        return self._kind.idle(self._kind.aged(self.state, claim, now))


def counter_of(kind: WindowKind[Any], claim: Claim, state: Any) -> Counter:
    """A counter in that state: the kind's own where it has one."""
    made = getattr(kind, "counter", None)
    counter: Counter = Valued(kind, state) if made is None else made(claim, state)
    return counter


def stated(claim: Claim, *, fitted: bool, used: int, reset_us: int, retry_us: int) -> LimitState:
    """A limit's state, with what remains worked out from what is used, and no wait told to a claim that fitted."""
    left = claim.capacity - used
    return LimitState(claim, fitted, used, left if left > 0 else 0, reset_us, 0 if fitted else retry_us)
