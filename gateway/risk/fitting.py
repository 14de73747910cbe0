"""Fits a baseline on benign traffic, in two passes over it: first each signal's highest value over the whole life of each caller, then
the highest sum of what those values are worth.

A signal tells its statistic by asking the baseline what it is worth (`Baseline.weight`): in the first pass a stand-in listens.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.model.baseline import LIFE_DAYS
from gateway.model.look import Look
from gateway.risk.baseline import Baseline, fit
from gateway.signals.base import Baseline as Worth
from gateway.signals.base import Signal

__all__ = ["Peaks", "Sums"]

_DAY_US = 86_400 * 1_000_000


class _Listener:
    """Notes the highest value that each signal asks about, and finds nothing worth anything."""

    def __init__(self) -> None:
        self.highest: dict[str, float] = {}

    def weight(self, signal: str, value: float) -> float:
        self.highest[signal] = max(value, self.highest.get(signal, value))
        return 0.0


@dataclass(slots=True)
class _Seen:
    states: dict[str, Any]
    listener: _Listener = field(default_factory=_Listener)
    requests: int = 0
    days: int = 0
    last_day: int = -1


class Peaks:
    """The peaks of every caller seen. Memory grows with the callers, and with nothing else."""

    def __init__(self, signals: Mapping[str, Signal]) -> None:
        self._signals = signals
        self._seen: dict[str, _Seen] = {}

    def __len__(self) -> int:
        return len(self._seen)

    def see(self, caller: str, look: Look) -> None:
        """One request of a benign caller, in the order of their ends."""
        seen = self._seen.get(caller)
        if seen is None:
            seen = self._seen[caller] = _Seen({name: signal.fresh() for name, signal in self._signals.items()})
        seen.requests += 1
        day = look.at_us // _DAY_US
        if day > seen.last_day:
            seen.days, seen.last_day = seen.days + 1, day
        for name, signal in self._signals.items():
            signal.watch(seen.states[name], look)
            signal.weigh(seen.states[name], look.at_us, seen.listener)

    def close(self, caller: str) -> None:
        """This caller sends nothing more: what its signals remember is let go, its peaks stay."""
        self._seen[caller].states.clear()

    def of(self, caller: str) -> dict[str, float]:
        """The peaks of one caller so far, by signal."""
        return dict(self._seen[caller].listener.highest)

    def callers(self) -> tuple[str, ...]:
        """All callers, in the order in which they came."""
        return tuple(self._seen)

    def days(self, caller: str) -> int:
        """On how many days (UTC) a caller was active."""
        return self._seen[caller].days

    def life(self, caller: str) -> float:
        """A caller's activity, as a share of 90 days of it."""
        return min(1.0, self._seen[caller].days / LIFE_DAYS)

    def baseline(self, source: str, callers: Collection[str] | None = None, sums: Mapping[str, float] | None = None) -> Baseline:
        """What these callers bear out, or those of them in `callers`. `source` says in words whose traffic it was; `sums`: the peak of
        each caller's sum, once there are any."""
        among = None if callers is None else frozenset(callers)
        chosen = [caller for caller in self._seen if among is None or caller in among]
        peaks = {
            name: [highest for caller in chosen if (highest := self._seen[caller].listener.highest.get(name, 0.0)) > 0]
            for name in self._signals
        }
        summed = [] if sums is None else [sums[caller] for caller in chosen if sums.get(caller, 0.0) > 0]
        return fit(peaks, len(chosen), source, lives=sum(self.life(caller) for caller in chosen), sums=summed)


class Sums:
    """The peak of every caller's sum of weights, by one or several baselines at once. A sum is not capped by any policy: what a policy
    counts is a part of it, and never more."""

    def __init__(self, signals: Mapping[str, Signal], baselines: Mapping[str, Worth]) -> None:
        self._signals = signals
        self._baselines = baselines
        self._states: dict[str, dict[str, Any]] = {}
        self.peaks: dict[str, dict[str, float]] = {name: {} for name in baselines}
        """By the name of a baseline: each caller's highest sum."""

    def see(self, caller: str, look: Look) -> None:
        """One request, in the order of the first pass."""
        states = self._states.get(caller)
        if states is None:
            states = self._states[caller] = {name: signal.fresh() for name, signal in self._signals.items()}
        for name, signal in self._signals.items():
            signal.watch(states[name], look)
        for named, baseline in self._baselines.items():
            told = [signal.weigh(states[name], look.at_us, baseline) for name, signal in self._signals.items()]
            score = sum(evidence.weight for evidence in told if evidence is not None)
            highest = self.peaks[named]
            highest[caller] = max(score, highest.get(caller, score))

    def close(self, caller: str) -> None:
        """This caller sends nothing more."""
        self._states.pop(caller, None)
