"""Fits a baseline on benign traffic: the highest value of each signal's statistic over the whole life of each caller.

A signal tells its statistic by asking the baseline what it is worth (`Baseline.weight`): here a stand-in listens.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.model.look import Look
from gateway.risk.baseline import Baseline, fit
from gateway.signals.base import Signal

__all__ = ["Peaks"]


class _Listener:
    """Notes the highest value that each signal asks about, and finds nothing worth anything."""

    def __init__(self) -> None:
        self.highest: dict[str, float] = {}

    def weight(self, signal: str, value: float) -> float:
        self.highest[signal] = max(value, self.highest.get(signal, value))
        return 0.0


class Peaks:
    """The peaks of every caller seen. Memory grows with the callers, and with nothing else."""

    def __init__(self, signals: Mapping[str, Signal]) -> None:
        self._signals = signals
        self._states: dict[str, dict[str, Any]] = {}
        self._listeners: dict[str, _Listener] = {}

    def see(self, caller: str, look: Look) -> None:
        """One request of a benign caller, in the order of their ends."""
        states = self._states.get(caller)
        if states is None:
            states = self._states[caller] = {name: signal.fresh() for name, signal in self._signals.items()}
            self._listeners[caller] = _Listener()
        for name, signal in self._signals.items():
            signal.watch(states[name], look)
            signal.weigh(states[name], look.at_us, self._listeners[caller])

    def of(self, caller: str) -> dict[str, float]:
        """The peaks of one caller so far, by signal."""
        return dict(self._listeners[caller].highest)

    def baseline(self, source: str, callers: frozenset[str] | None = None) -> Baseline:
        """What these callers bear out, or those of them in `callers`. `source` says in words whose traffic it was."""
        chosen = [caller for caller in self._listeners if callers is None or caller in callers]
        peaks = {
            name: [highest for caller in chosen if (highest := self._listeners[caller].highest.get(name, 0.0)) > 0]
            for name in self._signals
        }
        return fit(peaks, len(chosen), source)
