"""How policies write amounts: durations (`15m`), sizes (`32MiB`) and rates (`600 per 5 minutes`, read by the `limits` package)."""

from __future__ import annotations

import re

from limits import parse

from gateway.model.limit import MAX_AMOUNT
from gateway.policy.nearest import did_you_mean

__all__ = ["WINDOWS", "duration_us", "rate", "size_bytes"]

_UNITS_US = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000, "w": 7 * 86_400_000_000}
_DURATION = re.compile(r"([0-9]{1,9})(ms|s|m|h|d|w)")
_LONGEST_US = 100 * 366 * 86_400_000_000

_SIZES = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_SIZE = re.compile(r"([0-9]{1,12}) ?([A-Za-z]*)")

WINDOWS = ("second", "minute", "hour", "day")
"""Windows a rate may have; `limits` knows longer ones, for which a gliding window would have to remember too much."""

_LONGEST_WINDOW_US = 31 * 86_400_000_000
_LATER = ("month", "year", "lifetime")
_RATE = re.compile(r"\s*([0-9]{1,20})\s*(?:/|\s+per\s+)\s*([0-9]{1,6})?\s*([a-z]+?)(s?)\s*", re.IGNORECASE)


def duration_us(text: str) -> int:
    """Microseconds of `250ms`, `15m`, `1h30m`, `3d`. ValueError says what is wrong."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError("write a number and a unit, like 250ms, 10s, 15m, 2h or 3d")
    total = sum(int(number) * _UNITS_US[unit] for number, unit in parts)
    if total > _LONGEST_US:
        raise ValueError("more than a hundred years")
    return total


def size_bytes(text: str) -> int:
    """Bytes of `512KiB`, `32MiB`, `1GiB`, `10MB` or a plain number. ValueError says what is wrong."""
    match = _SIZE.fullmatch(text)
    if match is None or match[2] not in _SIZES:
        raise ValueError("write a number and a unit, like 512KiB, 32MiB or 1GiB")
    return int(match[1]) * _SIZES[match[2]]


def rate(text: str) -> tuple[int, int]:
    """(amount, window in microseconds) of a rate in the notation of `limits`. ValueError says what is wrong."""
    match = _RATE.fullmatch(text)
    if match is None:
        raise ValueError("write an amount and a window, like 20/minute or 600 per 5 minutes")
    unit = match[3].lower()
    if unit in _LATER:
        raise ValueError(f"windows of a {unit} are not supported by this version" if unit != "lifetime" else _NO_LIFETIME)
    if unit not in WINDOWS:
        raise ValueError(f"no window {match[3]!r}; {did_you_mean(_ABBREVIATED.get(unit, unit), WINDOWS)}")
    if not 1 <= int(match[1]) <= MAX_AMOUNT or int(match[2] or 1) < 1:
        raise ValueError("amounts are from 1 to 2^53; `models: []` allows nothing")
    item = parse(text.strip())
    window_us = item.get_expiry() * 1_000_000
    if window_us > _LONGEST_WINDOW_US:
        raise ValueError("windows are at most 31 days long in this version")
    return item.amount, window_us


_NO_LIFETIME = "lifetime budgets are not supported by this version"
_ABBREVIATED = {"s": "second", "sec": "second", "m": "minute", "min": "minute", "h": "hour", "hr": "hour", "d": "day"}
