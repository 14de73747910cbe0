"""The report of a calibration: how many callers it rests on, how high each signal goes in them, what the held-out ones were told."""

from __future__ import annotations

from math import exp, sqrt
from typing import Any

from gateway.calibrate import Calibration
from gateway.model.baseline import LIFE_DAYS

__all__ = ["LEVELS", "calibration_report", "rate_interval", "share_interval"]

LEVELS = (5, 10, 15, 20, 25, 30)
"""Decibans at which what was promised is held against what was seen; the shipped ladders have their rungs at 10, 20 and 30."""

_MOST_SUSPECTS = 1000


def calibration_report(found: Calibration) -> dict[str, Any]:
    """The report as plain JSON values. Shares and rates with 95% intervals: Wilson's of callers, Garwood's of lives."""
    baseline, fitted = found.baseline, found.baseline.fitted
    suspected = sorted(found.suspected.items(), key=lambda one: (-one[1], one[0]))
    return {
        "form": "gateway.calibration/v1",
        "records": found.records,
        "callers": {"used": fitted.callers, "fitted": found.fitted, "held_out": len(found.told)},
        "lives": {"days": LIFE_DAYS, "own": round(fitted.lives, 2), "all": round(baseline.lives, 2)},
        "ceiling": round(baseline.ceiling, 1),
        "left_out": {
            "excluded_callers": found.excluded,
            "young_records": found.young,
            "records_no_dialect_reads": found.unread,
            "suspected_callers": len(suspected),
            "suspected": [{"key": key, "told": round(told, 1)} for key, told in suspected[:_MOST_SUSPECTS]],
        },
        "peaks_lowered": dict(sorted(found.lowered.items())),
        "signals": {name: _signal(values, baseline.weight(name, 1e9)) for name, values in sorted(fitted.peaks.items())},
        "sum": _signal(fitted.sums, baseline.combined(1e9)),
        "levels": [_level(level, found) for level in LEVELS],
    }


def _signal(peaks: tuple[float, ...], most: float) -> dict[str, Any]:
    return {
        "callers": len(peaks),
        "median": peaks[len(peaks) // 2] if peaks else None,
        "highest": peaks[-1] if peaks else None,
        "worth_at_most": round(most, 1),
    }


def _level(level: int, found: Calibration) -> dict[str, Any]:
    """What was promised of a level, and what the held-out callers made of it; `with_suspects`: the share if every caller that was set
    aside had been an honest one."""
    reached = sum(told >= level for told in found.told.values())
    of, aside = len(found.told), sum(told >= level for told in found.suspected.values())
    low, high = share_interval(reached, of)
    rate_low, rate_high = rate_interval(reached)
    lived = found.lived
    return {
        "decibans": level,
        "promised": 10 ** (-level / 10),
        "reached": reached,
        "of": of,
        "share": reached / of if of else None,
        "share_95": [low, high],
        "per_life": reached / lived if lived else None,
        "per_life_95": [rate_low / lived, rate_high / lived] if lived else None,
        "with_suspects": (reached + aside) / (of + len(found.suspected)) if of + len(found.suspected) else None,
    }


def share_interval(hits: int, of: int) -> tuple[float, float]:
    """Wilson's 95% interval of a share."""
    if not of:
        return 0.0, 1.0
    z, share = 1.96, hits / of
    middle, half = share + z * z / (2 * of), z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return max(0.0, (middle - half) / (1 + z * z / of)), min(1.0, (middle + half) / (1 + z * z / of))


def rate_interval(events: int) -> tuple[float, float]:
    """Garwood's 95% interval of the mean of a Poisson count; normal from 500 on."""
    if events > 500:
        return events - 1.96 * sqrt(events), events + 1.96 * sqrt(events + 1)
    low = 0.0 if events == 0 else _mean_where(lambda mean: 1 - _at_most(events - 1, mean) > 0.025, events)
    return low, _mean_where(lambda mean: _at_most(events, mean) < 0.025, events)


def _mean_where(true_from: Any, events: int) -> float:
    low, high = 0.0, 2.0 * events + 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if true_from(middle) else (middle, high)
    return high


def _at_most(events: int, mean: float) -> float:
    """P(X <= events), X Poisson."""
    term = total = exp(-mean)
    for k in range(1, events + 1):
        term *= mean / k
        total += term
    return total
