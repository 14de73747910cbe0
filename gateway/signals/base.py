"""What a signal is: one thing to watch in a caller's requests, and what it says in decibans.

A third party adds one by one file, one registry line (`signals`: name -> "module:SIGNAL"), its cases and one line in the docs.
Pure: time comes with the looks, chance is not needed.
"""

from __future__ import annotations

from typing import Any, Protocol

from gateway.model.evidence import Evidence, Kind
from gateway.model.look import Look

__all__ = ["MOST_STATE", "Baseline", "Signal", "State"]

State = Any
"""A signal's own small mutable object for one caller."""

MOST_STATE = 1024
"""Bytes of a state's JSON form at most."""


class Baseline(Protocol):
    """How a signal's statistic lies in benign traffic; see `gateway.risk.baseline`.

    `weight(signal, value)`: decibans that a caller's statistic of this value is worth, negative where it speaks for the caller.
    """

    def weight(self, signal: str, value: float) -> float: ...


class Signal(Protocol):
    """One signal. `version` changes with whatever changes its weights.

    - `cap`: decibans that it counts for at most where a policy does not say.
    - `fresh()` is the state of a caller of whom nothing was seen.
    - `watch(state, look)` takes one request in. Bounded in time and space, whatever comes, in the order in which requests ended.
    - `dump(state)` is plain JSON, at most `MOST_STATE` bytes of it, without any text of a client; `load(plain)` is the state again;
      ValueError, TypeError or KeyError where it is none.
    - `merge(state, other)` takes what another process saw of the same caller into `state`.
    - `weigh(state, now_us, baseline)` is what it says: None where it has nothing to say yet. `seen` is a sentence with numbers.
    """

    name: str
    version: str
    kind: Kind

    @property
    def cap(self) -> float: ...
    def fresh(self) -> State: ...
    def watch(self, state: State, look: Look) -> None: ...
    def dump(self, state: State) -> Any: ...
    def load(self, plain: Any) -> State: ...
    def merge(self, state: State, other: State) -> None: ...
    def weigh(self, state: State, now_us: int, baseline: Baseline) -> Evidence | None: ...
