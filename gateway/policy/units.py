"""How policies write amounts: durations (`15m`), sizes (`32MiB`), rates, prices (`2.50`) and weights (`0.5`).

Rates are written as the `limits` package reads them (`600 per 5 minutes`), and beyond it as `2000/month` and `20000000/lifetime`.
Decimals are read exactly and become integers here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal

from limits import parse

from gateway.model.limit import MAX_AMOUNT, WEIGHT_ONE, Period
from gateway.policy.nearest import did_you_mean

__all__ = [
    "MICRO", "WINDOWS", "LimitRate", "duration_us", "limit_rate", "price_micro", "rate", "size_bytes", "weight_milli", "window_of",
]  # fmt: skip


MICRO = 1_000_000
"""Micro-units in a unit of money."""

_UNITS_US = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000, "w": 7 * 86_400_000_000}
_DURATION = re.compile(r"([0-9]{1,9})(ms|s|m|h|d|w)")
_LONGEST_US = 100 * 366 * 86_400_000_000

_SIZES = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_SIZE = re.compile(r"([0-9]{1,12}) ?([A-Za-z]*)")

WINDOWS = ("second", "minute", "hour", "day")
"""Windows that may glide; over longer ones a gliding window would have to remember too much."""

_PERIODS: dict[str, Period] = {"day": "day", "week": "week", "month": "month"}

_LONGEST_WINDOW_US = 31 * 86_400_000_000
_LARGEST_PRICE = 1_000_000
_LARGEST_WEIGHT = 1_000
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
    if unit not in WINDOWS:
        raise ValueError(f"no window {match[3]!r}; {did_you_mean(_ABBREVIATED.get(unit, unit), WINDOWS)}")
    if not 1 <= int(match[1]) <= MAX_AMOUNT or int(match[2] or 1) < 1:
        raise ValueError(_AMOUNTS)
    item = parse(text.strip())
    window_us = item.get_expiry() * 1_000_000
    if window_us > _LONGEST_WINDOW_US:
        raise ValueError("windows are at most 31 days long; `/month` is the calendar's, `/lifetime` for ever")
    return item.amount, window_us


@dataclass(frozen=True, slots=True)
class LimitRate:
    """A limit's rate: an amount (decimal only of money) and its window. `window_us` where it may glide, else 0; `period` where it may
    be one of the calendar's. A day may be both; neither is a lifetime."""

    amount: Decimal
    window_us: int
    period: Period | None


def limit_rate(text: str) -> LimitRate:
    """A limit's rate, in any window. ValueError says what is wrong."""
    match = _LIMIT_RATE.fullmatch(text)
    if match is None:
        raise ValueError("write an amount and a window, like 20/minute or 600 per 5 minutes")
    amount, several, unit = Decimal(match[1]), match[2], match[3].lower()
    if unit not in WINDOWS + _LONG:
        raise ValueError(f"no window {match[3]!r}; {did_you_mean(_ABBREVIATED.get(unit, unit), WINDOWS + _LONG)}")
    if unit in _LONG and several:
        raise ValueError(f"write `/{unit}`: only of seconds, minutes, hours and days there can be several")
    if not 0 < amount <= MAX_AMOUNT or int(several or 1) < 1:
        raise ValueError(_AMOUNTS)
    window_us = rate(f"1 per {several or 1} {unit}")[1] if unit in WINDOWS else 0
    return LimitRate(amount, window_us, _PERIODS.get(unit) if int(several or 1) == 1 else None)


def window_of(rate: LimitRate) -> Literal["sliding", "calendar", "lifetime"]:
    """The window that a limit of that rate has where none is written."""
    return "sliding" if rate.window_us else "calendar" if rate.period else "lifetime"


def price_micro(value: object) -> int:
    """Micro-units of a price in units of the currency per million tokens. ValueError says what is wrong."""
    return _decimal(value, "2.50", MICRO, 0, _LARGEST_PRICE)


def weight_milli(value: object) -> int:
    """Thousandths of what a request or token counts. ValueError says what is wrong."""
    return _decimal(value, "3 or 0.5", WEIGHT_ONE, 0, _LARGEST_WEIGHT)


def _decimal(value: object, example: str, scale: int, least: int, most: int) -> int:
    """A decimal number times `scale`, which must be whole. A float is taken for the decimal that it is written as."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"write a number, like {example}")
    try:
        exact = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"write a number, like {example}") from None
    if not exact.is_finite() or not least <= exact <= most:
        raise ValueError(f"from {least} to {most}")
    scaled = exact * scale
    if scaled != int(scaled):
        raise ValueError(f"at most {len(str(scale)) - 1} decimals")
    return int(scaled)


_LONG = ("week", "month", "lifetime")
_AMOUNTS = "amounts are from 1 to 2^53; `models: []` allows nothing"
_LIMIT_RATE = re.compile(r"\s*([0-9]{1,20}(?:\.[0-9]{1,6})?)" + _RATE.pattern.removeprefix(r"\s*([0-9]{1,20})"), re.IGNORECASE)
_ABBREVIATED = {"s": "second", "sec": "second", "m": "minute", "min": "minute", "h": "hour", "hr": "hour", "d": "day"}
