"""How far one calibration may move a baseline: so many decibans and no more, at any value of any signal and of the sum.

Whoever sends traffic that is learned from could teach that it is normal: peaks as high as its own take weight from everybody's. So
of a caller's peaks that would lower a weight by more than the bound each is taken for lower than it is, down to where it does not. And
whoever sends under many names could make the number of benign callers swell: lives that would raise the ceiling by more do not count.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gateway.model.baseline import GRID
from gateway.risk.baseline import Baseline

__all__ = ["held"]


def held(baseline: Baseline, previous: Baseline, most: float) -> tuple[Baseline, dict[str, int]]:
    """The baseline as far as it moves from `previous` by at most `most` decibans; by signal, and under `sum`, how many peaks were
    lowered. Signals that the previous one does not know may be learned freely."""
    under = baseline.under.lives if baseline.under else 0.0
    room = (previous.lives + 1) * 10 ** (most / 10) - 1 - under
    bounded = replace(baseline, fitted=replace(baseline.fitted, lives=max(0.0, min(baseline.fitted.lives, room))))
    lowered: dict[str, int] = {}
    peaks = {}
    for name, values in baseline.fitted.peaks.items():
        if not previous.knows(name):
            peaks[name] = values
            continue
        peaks[name] = _lowered(values, _allowed(bounded, previous, name, most))
        _count(lowered, name, values, peaks[name])
    sums = _lowered(baseline.fitted.sums, _allowed(bounded, previous, "", most)) if previous.knows("") else baseline.fitted.sums
    _count(lowered, "sum", baseline.fitted.sums, sums)
    return replace(bounded, fitted=replace(bounded.fitted, peaks=peaks, sums=sums)), lowered


def _allowed(baseline: Baseline, previous: Baseline, signal: str, most: float) -> Callable[[int, float], bool]:
    """Whether so many of its own callers may come as high as a value. `signal` "" is the sum."""
    return lambda many, value: baseline.worth(signal, many, value) >= previous.borne(signal, value) - most


def _lowered(values: tuple[float, ...], allowed: Callable[[int, float], bool]) -> tuple[float, ...]:
    """The i-th highest stands at the highest place, of those no higher than it is, at which i callers are allowed."""
    kept: list[float] = []
    place = values[-1] if values else 0.0
    for many, value in enumerate(reversed(values), 1):
        place = min(place, value)
        while place > 0 and not allowed(many, place):
            place -= GRID
        if place <= 0:
            break
        kept.append(place)
    return tuple(reversed(kept))


def _count(lowered: dict[str, int], name: str, values: tuple[float, ...], kept: tuple[float, ...]) -> None:
    changed = len(values) - len(kept) + sum(one != other for one, other in zip(reversed(values), reversed(kept), strict=False))
    if changed:
        lowered[name] = changed
