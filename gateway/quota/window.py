"""What every kind of window offers a store: pure operations over a small frozen state, one state per counter.

A store keeps a counter's state under `claim.key` and passes `now` from its own clock. The amount travels with the claim, so an
edited limit keeps its usage. The Lua beside `gateway/stores` does the same IEEE-double operations in the same order; the state
machine under `tests/conformance` compares the two.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from gateway.model.limit import Claim, LimitState

__all__ = ["LASTING_US", "WindowKind", "stated"]

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


def stated(claim: Claim, *, fitted: bool, used: int, reset_us: int, retry_us: int) -> LimitState:
    """A limit's state, with what remains worked out from what is used, and no wait told to a claim that fitted."""
    left = claim.capacity - used
    return LimitState(claim, fitted, used, left if left > 0 else 0, reset_us, 0 if fitted else retry_us)
