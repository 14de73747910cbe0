"""How far a signal's statistic goes in benign traffic, and so what a value of it is worth: decibans with a bound on false alarms.

Of each benign caller the *highest* value over its whole life counts, since evidence is read after every request. Lives are counted in
90 days of activity: one that was seen for d days is d / 90 of one, because a caller that comes as high with probability p within d
days does within 90 with at most 90 p / d, whatever the rates of callers (1 - exp(-90 r) <= 90 / d (1 - exp(-d r)) for every rate r).
Where k callers came as high as x in L lives, one more caller of their kind does within 90 days with a probability of about
(k + 1) / (L + 1) (the rank of one more exchangeable caller), and x is worth the inverse of that: 10 log10((L + 1) / (k + 1)). More
than 10 log10(L + 1) nobody can prove by counting.

The same is asked of the sum of all signals' weights (`combined`), whose peaks are of sums as they came, with whatever dependence there
is between signals: the sum that is told is never above what so many callers bear out. So 30 decibans are reached by at most one benign
caller in a thousand per 90 days, of callers like those of the baseline.

A baseline of one's own traffic stands on the one that ships: their callers are counted together, and beyond that its own callers alone
may lower a weight, never raise it. Callers unlike all of them are not covered.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import isfinite, log10

from gateway.errors import RegistryError
from gateway.model.baseline import Fitted, read_fitted, tail

__all__ = ["Baseline", "fit", "general", "over_general", "read_baseline"]

_FLOOR = 0.0
"""Silence says little: what harvests slowly is silent too."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What values are worth by `fitted`, which stands on `under` where that is given. `member`: for the callers that it was fitted on:
    each is judged by all the others."""

    fitted: Fitted
    under: Fitted | None = None
    member: bool = False

    @property
    def callers(self) -> int:
        """Benign callers that it rests on."""
        return self.fitted.callers + (self.under.callers if self.under else 0)

    @property
    def lives(self) -> float:
        """Their activity, in lives of 90 days."""
        return self.fitted.lives + (self.under.lives if self.under else 0.0)

    @property
    def peaks(self) -> Mapping[str, tuple[float, ...]]:
        """By signal the peaks of its own callers, ascending."""
        return self.fitted.peaks

    @property
    def ceiling(self) -> float:
        """Decibans that nothing is worth more than."""
        return 10 * log10(self.lives + 1)

    @property
    def among_members(self) -> Baseline:
        """The same for a caller that is one of those it was fitted on: its own peak, which is as high as anything it says, is not
        held for it."""
        return Baseline(self.fitted, self.under, member=True)

    def weight(self, signal: str, value: float) -> float:
        """Decibans for a statistic of this value, 0 for a signal that was not fitted."""
        if not value > 0 or not self.knows(signal):
            return _FLOOR
        return self.borne(signal, value)

    def combined(self, score: float) -> float:
        """Decibans that a sum of weights is worth: itself, or less where more callers came as high. Never higher for a lower sum."""
        return min(score, self.borne("", score)) if score > 0 and self.knows("") else score

    def knows(self, signal: str) -> bool:
        """Whether there is anything to say of a signal; "" is the sum of all, which nothing is said of where no peaks were given."""
        own, under = self._tails(signal)
        return own is not None or under is not None

    def borne(self, signal: str, value: float) -> float:
        """What a value above 0 is worth by how many came as high; "" is the sum of all."""
        return self.worth(signal, _as_high(self._tails(signal)[0] or (), value), value)

    def worth(self, signal: str, many: int, value: float) -> float:
        """The same if `many` of its own callers had come as high."""
        # One more than came as high, where the caller who is judged is not one of them.
        one = 0 if self.member and many else 1
        worth = 10 * log10((self.lives + 1) / (many + _as_high(self._tails(signal)[1] or (), value) + one))
        if self.under is not None and many + one > 1:
            worth = min(worth, 10 * log10((self.fitted.lives + 1) / (many + one)))
        return max(_FLOOR, worth)

    def _tails(self, signal: str) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
        """Its own peaks and those that it stands on."""
        under = self.under
        if not signal:
            return self.fitted.sums or None, (under.sums or None) if under else None
        return self.fitted.peaks.get(signal), under.peaks.get(signal) if under else None


def _as_high(peaks: Sequence[float], value: float) -> int:
    return len(peaks) - bisect_left(peaks, value)


def fit(
    peaks: Mapping[str, Sequence[float]], callers: int, source: str, *, lives: float | None = None, sums: Sequence[float] = ()
) -> Baseline:
    """A baseline from the peaks of each signal's statistic over `callers` benign callers, and from the peaks of their sums; peaks of 0
    or less, or infinite, need not be given. `lives`: their activity in 90 days of it; a whole life each where nothing is said.

    ValueError where there are more peaks than callers."""
    kept = {name: tail(values) for name, values in peaks.items()}
    if any(len(values) > callers for values in (*kept.values(), sums)):
        raise ValueError(f"a caller has one peak a signal: there are more of them than the {callers} callers")
    lived = float(callers) if lives is None else lives
    if not (isfinite(lived) and 0 <= lived <= callers):
        raise ValueError(f"{callers} callers have no {lived} lives")
    return Baseline(Fitted(callers, lived, kept, tail(sums), source, alone=True))


def read_baseline(raw: bytes) -> Baseline:
    """The baseline written in JSON, over the one that ships unless it stands alone. RegistryError says what is wrong with it."""
    try:
        fitted = read_fitted(raw)
    except ValueError as error:
        raise RegistryError(f"this is no baseline: {error}; write one anew from recorded traffic") from error
    return Baseline(fitted) if fitted.alone else over_general(fitted)


def over_general(fitted: Fitted) -> Baseline:
    """A baseline of one's own traffic over the one that ships, or by itself where it says so."""
    return Baseline(fitted) if fitted.alone else Baseline(fitted, general().fitted)


@cache
def general() -> Baseline:
    """The baseline that ships: see `docs/detection.md` for whose traffic it was fitted on."""
    return read_baseline(files("gateway.risk").joinpath("general.json").read_bytes())
