"""When callers call: arrival times drawn from one hat for honest and hostile, made up or after recorded production clients.

`--arrivals FILE` is a table of rates (`client, second, requests_per_second, iat_cv`, plain or gzip): a client's rates over its windows
say how likely a request falls into each, its coefficient of variation how unevenly the gaps are spread within.
"""

from __future__ import annotations

import csv
import gzip
import math
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from random import Random

from gateway.errors import SettingsError
from gateway.lab.dice import between

__all__ = ["Arrivals", "read_arrivals", "times"]

_DAY = 86_400.0
_MICRO = 1_000_000
_COLUMNS = ("client", "second", "requests_per_second", "iat_cv")
_MOST_WINDOWS = 500_000
_KINDS = ("person", "person", "office", "nightly", "steady", "bursts")
_RECORDED = 1 / 3


@dataclass(frozen=True, slots=True)
class Arrivals:
    """One recorded client: seconds since its beginning, requests a second in each window, middling unevenness of its gaps."""

    seconds: tuple[float, ...]
    rates: tuple[float, ...]
    unevenness: float


def read_arrivals(path: Path) -> tuple[Arrivals, ...]:
    """The clients of a table of rates. SettingsError names file, line and what is wanted."""
    rows: dict[str, list[tuple[float, float, float]]] = {}
    number = 1
    try:
        packed = _packed(path)
        with gzip.open(path, "rt", encoding="utf-8") if packed else path.open(encoding="utf-8") as file:
            table = csv.DictReader(file)
            missing = set(_COLUMNS) - set(table.fieldnames or ())
            if missing:
                raise SettingsError(f"--arrivals {path}: the columns {', '.join(sorted(missing))} are missing")
            for number, row in enumerate(table, 2):
                numbers = tuple(float(row[name]) for name in _COLUMNS[1:])
                if not all(math.isfinite(value) and value >= 0 for value in numbers):
                    raise ValueError("a number below zero, or none")
                rows.setdefault(row["client"], []).append((numbers[0], numbers[1], numbers[2]))
                if number > _MOST_WINDOWS:
                    raise SettingsError(f"--arrivals {path}: more than {_MOST_WINDOWS:,} windows: give a part of it")
    except (OSError, EOFError) as error:
        raise SettingsError(f"--arrivals {path}: {getattr(error, 'strerror', None) or error}") from error
    except (ValueError, TypeError) as error:
        raise SettingsError(f"--arrivals {path}:{number}: not a row of rates ({error})") from error
    found = tuple(_client(sorted(windows)) for windows in rows.values() if sum(rate for _, rate, _ in windows) > 0 and len(windows) > 1)
    if not found:
        raise SettingsError(f"--arrivals {path}: no client with two windows in it")
    return found


def _packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _client(windows: Sequence[tuple[float, float, float]]) -> Arrivals:
    begin = windows[0][0]
    spread = sorted(cv for *_, cv in windows)
    return Arrivals(tuple(second - begin for second, *_ in windows), tuple(rate for _, rate, _ in windows), spread[len(spread) // 2])


def times(chance: Random, count: int, days: float, recorded: Sequence[Arrivals] = ()) -> array[int]:
    """`count` arrivals within `days`, in microseconds from the beginning, ascending; a third is like recorded clients, if any.

    The caller is there for a part of the days only, an hour at least.
    """
    length = min(days, max(1 / 24, between(chance, 0.15, 1.0) * days)) * _DAY
    begins = chance.uniform(0.0, days * _DAY - length)
    if recorded and chance.random() < _RECORDED:
        offsets = _like(chance, count, length, chance.choice(recorded))
    else:
        offsets = _made_up(chance, count, begins, length, chance.choice(_KINDS))
    last = days * _DAY - 0.001
    return array("q", sorted(int(min(max(begins + offset, 0.0), last) * _MICRO) for offset in offsets))


def _like(chance: Random, count: int, length: float, client: Arrivals) -> list[float]:
    """Windows by their rates, scaled to the length; within a window in clumps as uneven as the client's gaps."""
    total = list(accumulate(client.rates))
    width = client.seconds[1] - client.seconds[0] or 1.0
    scale = length / (client.seconds[-1] + width)
    found: list[float] = []
    while len(found) < count:
        second = client.seconds[min(bisect_left(total, chance.random() * total[-1]), len(total) - 1)]
        begin = (second + chance.random() * width) * scale
        clump = 1 + int(chance.expovariate(1.0) * client.unevenness**2)
        found += [begin + k * chance.expovariate(1.0) * 2.0 for k in range(min(clump, count - len(found)))]
    return [min(offset, length) for offset in found]


def _made_up(chance: Random, count: int, begins: float, length: float, kind: str) -> list[float]:
    if kind == "steady":
        gap = length / count
        return [(k + chance.uniform(-0.2, 0.2)) * gap for k in range(count)]
    if kind == "bursts":
        return _clumps(chance, count, length, 25, between(chance, 0.3, 8.0))
    if kind == "nightly":
        return [_at_hour(chance, begins, length, (0.0, 5.0)) for _ in range(count)]
    if kind == "office":
        return [_at_hour(chance, begins, length, (8.0, 18.0)) for _ in range(count)]
    return _clumps(chance, count, length, 5, between(chance, 20.0, 120.0))


def _clumps(chance: Random, count: int, length: float, size: int, gap: float) -> list[float]:
    """Sessions of about `size` requests, `gap` seconds apart."""
    found: list[float] = []
    while len(found) < count:
        at = chance.uniform(0.0, length)
        for _ in range(min(count - len(found), 1 + int(chance.expovariate(1.0 / size)))):
            found.append(min(at, length))
            at += chance.expovariate(1.0 / gap)
    return found


def _at_hour(chance: Random, begins: float, length: float, hours: tuple[float, float]) -> float:
    """A time of one of the days within certain hours (UTC); where the stay has no such hour, any time."""
    for _ in range(8):
        offset = chance.uniform(0.0, length)
        day = (begins + offset) // _DAY * _DAY
        found = day + chance.uniform(*hours) * 3600.0 - begins
        if 0.0 <= found <= length:
            return found
    return chance.uniform(0.0, length)
