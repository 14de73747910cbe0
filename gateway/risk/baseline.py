"""How far a signal's statistic goes in benign traffic, and so what a value of it is worth: decibans with a bound on false alarms.

Of each of N benign callers the *highest* value over its whole life counts, since evidence is read after every request. Where k of them
came as high as x, a caller of their kind does with a probability of about (k + 1) / (N + 1) (the rank of one more exchangeable caller),
and x is worth the inverse of that: `weight = 10 log10((N + 1) / (k + 1))`. An honest caller like those passes w decibans of one signal
with a probability of at most 10^(-w/10); the ceiling, 10 log10(N + 1), is what N callers can bear out. It is a bound per signal: sums
of several are held by the policy's caps and by needing two kinds. Callers unlike all of the N are not covered: fit a baseline from
one's own traffic.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import isfinite, log10

import msgspec

from gateway.errors import RegistryError

__all__ = ["FORM", "Baseline", "fit", "general", "read_baseline"]

FORM = "gateway.baseline/v1"

_FLOOR = 0.0
"""Silence says little: what harvests slowly is silent too."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """`callers` benign callers; by signal the peaks above 0 of those who had any, ascending. `source` says in words whose traffic it
    was."""

    callers: int
    peaks: Mapping[str, tuple[float, ...]]
    source: str

    def weight(self, signal: str, value: float) -> float:
        """Decibans for a statistic of this value, 0 for a signal that was not fitted."""
        peaks = self.peaks.get(signal)
        if peaks is None or not value > 0:
            return _FLOOR
        as_high = len(peaks) - bisect_left(peaks, value)
        return max(_FLOOR, 10 * log10((self.callers + 1) / (as_high + 1)))

    def to_json(self) -> bytes:
        """The form that `read_baseline` reads."""
        plain = {
            "form": FORM,
            "source": self.source,
            "callers": self.callers,
            "peaks": {name: self.peaks[name] for name in sorted(self.peaks)},
        }
        return msgspec.json.format(msgspec.json.encode(plain), indent=1) + b"\n"


def fit(peaks: Mapping[str, Sequence[float]], callers: int, source: str) -> Baseline:
    """A baseline from the peaks of each signal's statistic over `callers` benign callers; peaks of 0 or less, or infinite, need not be
    given.

    ValueError where there are more peaks than callers."""
    kept = {name: tuple(sorted(round(peak, 2) for peak in values if isfinite(peak) and peak > 0)) for name, values in peaks.items()}
    if any(len(values) > callers for values in kept.values()):
        raise ValueError(f"a caller has one peak a signal: there are more of them than the {callers} callers")
    return Baseline(callers, kept, source)


class _Form(msgspec.Struct, forbid_unknown_fields=True):
    form: str
    source: str
    callers: int
    peaks: dict[str, list[float]]


def read_baseline(raw: bytes) -> Baseline:
    """The baseline written in JSON. RegistryError says what is wrong with it."""
    try:
        form = msgspec.json.decode(raw, type=_Form)
        if form.form != FORM:
            raise ValueError(f"form is {form.form!r}, this gateway reads {FORM!r}")
        return fit(form.peaks, form.callers, form.source)
    except (msgspec.MsgspecError, ValueError) as error:
        raise RegistryError(f"this is no baseline: {error}; write one anew from recorded traffic") from error


@cache
def general() -> Baseline:
    """The baseline that ships: see `docs/detection.md` for whose traffic it was fitted on."""
    return read_baseline(files("gateway.risk").joinpath("general.json").read_bytes())
