"""What recorded traffic says of itself under `truth`, for scoring a replay that is over. Nothing that decides imports this.

A replay's own reader does not know the field (`trace.py`); this one knows nothing else but whose record it is, and is called after the
last decision has been made.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import msgspec

from gateway.trace import read_lines

__all__ = ["Fate", "Truth", "read_truths", "summary"]


class Truth(msgspec.Struct, frozen=True):
    """Who a caller really was: the persona that made the traffic, whether it copies the model, and the campaign that it belongs to."""

    persona: str = ""
    hostile: bool = False
    campaign: str | None = None


@dataclass(frozen=True, slots=True)
class Fate:
    """What a replay made of one caller: `watched` or stricter at any time, and after how many of its requests it was flagged
    (`perturb` or stricter), None for never."""

    watched: bool
    flagged_at: int | None


class _Line(msgspec.Struct):
    key: str
    truth: Truth | None = None


_DECODER = msgspec.json.Decoder(_Line)


def read_truths(paths: Iterable[Path], keys: Container[str], *, at_most: int | None = None) -> dict[str, Truth]:
    """The truth of the callers named in `keys`, as far as there is one: what a caller's first record with a truth says, hostile where
    any says so. `at_most` lines of each file. TraceError as of `read_trace`."""
    truths: dict[str, Truth] = {}
    for path in paths:
        for line in read_lines(path, _DECODER.decode, at_most=at_most):
            if line.truth is None or line.key not in keys:
                continue
            known = truths.get(line.key)
            if known is None or (line.truth.hostile and not known.hostile):
                truths[line.key] = msgspec.structs.replace(known or line.truth, hostile=line.truth.hostile)
    return truths


def summary(fates: Mapping[str, Fate], truths: Mapping[str, Truth]) -> dict[str, object]:
    """Counts of callers under `hostile`, `honest`, `unlabelled` and per persona: how many, how many flagged, how many watched (flagged
    ones among them), and the median of the requests that the flagged ones had made by then (null where nobody was)."""
    personas: dict[str, list[Fate]] = {}
    sides: dict[str, list[Fate]] = {"hostile": [], "honest": [], "unlabelled": []}
    for key, fate in fates.items():
        truth = truths.get(key)
        sides["unlabelled" if truth is None else "hostile" if truth.hostile else "honest"].append(fate)
        if truth is not None:
            personas.setdefault(truth.persona, []).append(fate)
    return {
        **{name: _counts(group) for name, group in sides.items()},
        "personas": {name: _counts(personas[name]) for name in sorted(personas)},
    }


def _counts(fates: list[Fate]) -> dict[str, object]:
    flagged = [fate.flagged_at for fate in fates if fate.flagged_at is not None]
    return {
        "callers": len(fates),
        "flagged": len(flagged),
        "watched": sum(fate.watched for fate in fates),
        "median_requests_to_flag": _plain(median(flagged)) if flagged else None,
    }


def _plain(number: float) -> int | float:
    return int(number) if number == int(number) else number
