"""What a suspect text says about each position of a code word, and how much each position is to weigh.

Evidence is pooled per position: how often each variant stands there in all the texts. Counting places instead would count one habit of
a writer a hundred times. A weight is the log-likelihood ratio of the two values of a caller's bit, with what is not known integrated
out: how often clean text chooses the variant, what share of the text is marked, and the bits of other callers whose answers are mixed
in. It is a function of the text alone, so that the error probability stays exact however wrong these assumptions are.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.perturb.fingerprint_classes import RATES
from gateway.perturb.fingerprint_places import POSITIONS, places

__all__ = ["MODELS", "Model", "Reading", "clean_rates", "read", "weights"]

_GRID = 1 / (1 + np.exp(-np.linspace(-5.5, 5.5, 89)))
"""Rates at which the likelihood is taken, even in the logit: rare variants are what tells most."""

_SHIPPED = 6.0
"""How many places the shipped rate of a class counts for against what the class's other positions say in this text."""

_DRAWN = 6.0
"""How many places the class's own rate counts for against what a position had in clean text."""

_HABIT = 0.05
"""How likely a position is to follow a writer's habit and no caller's bit; it bounds what one position can weigh."""

_ENOUGH = 150
"""Counts above this say no more."""

_FINE = 20_000
"""Sum of the whole weights of a score: the fineness of the lattice."""


class Model(NamedTuple):
    """An assumption about a suspect text: how much of it is steered, how many callers' answers are mixed in it, and for how many places
    the expected rate of a class counts: the fainter the mark, the more must hang on it. `linear` takes, where clean text was read, the
    limit of a vanishing share: a weight is how far the count is from what clean text would have, and every occurrence counts."""

    name: str
    steered: float
    callers: int
    trust: float = 8.0
    linear: bool = False


MODELS = (
    Model("whole", 0.8, 1),
    Model("diluted", 0.3, 1, 20.0),
    Model("faint", 0.08, 1, 60.0, linear=True),
    Model("three mixed", 0.7, 3),
    Model("three mixed, diluted", 0.25, 3, 20.0),
)
"""The scores that are tried; the correction counts all of them."""


class Reading(NamedTuple):
    """What texts say: `counts[p]` is how often position p had variant 0 and variant 1; `texts`, `words` and `places` are numbers."""

    counts: NDArray[np.int64]
    texts: int
    words: int
    places: int

    @property
    def positions(self) -> int:
        """How many positions have a place at all."""
        return int((self.counts.sum(axis=1) > 0).sum())


def read(texts: Iterable[str]) -> Reading:
    """The pooled reading of all texts, each read as one answer."""
    counts = np.zeros((POSITIONS, 2), dtype=np.int64)
    number = words = 0
    for text in texts:
        number += 1
        words += len(text.split())
        for place in places(text):
            counts[place.position, place.variant] += 1
    return Reading(counts, number, words, int(counts.sum()))


def weights(reading: Reading, model: Model, clean: Reading | None = None) -> NDArray[np.int64]:
    """Whole weights, one a position; positive where the text speaks for variant 1.

    `clean` is a reading of unmarked text of the same kind, such as the model's own answers to callers below the rung: how often each
    variant is expected is taken from it. Without it, from what ships and from the text's other positions.
    """
    told = np.zeros(len(reading.counts), dtype=np.int64)
    (used,) = np.nonzero(reading.counts.sum(axis=1))
    if not len(used):
        return told
    counts = reading.counts[used].astype(np.float64)
    totals = counts.sum(axis=1, keepdims=True)
    rates = (_rates(reading.counts) if clean is None else clean_rates(clean.counts))[used]
    if model.linear and clean is not None:
        seen = model.trust + clean.counts[used].sum(axis=1).astype(np.float64)
        ratio = _excess(counts, rates, seen)
    else:
        counts *= np.minimum(1.0, _ENOUGH / totals)
        ratio = _likelihood(counts, rates, model, 1) - _likelihood(counts, rates, model, 0)
    told[used] = np.rint(ratio * (_FINE / max(float(np.abs(ratio).sum()), 1e-12))).astype(np.int64)
    return told


def _rates(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """How often variant 1 is expected at each position: as its class's other positions have it here, and as clean text has it."""
    shipped = np.array([RATES.get(number, 0.5) for number in range(len(counts) // 8)])
    by_class = counts.reshape(-1, 8, 2).astype(np.float64)
    others = by_class.sum(axis=1, keepdims=True) - by_class
    rates = (others[:, :, 1] + _SHIPPED * shipped[:, None]) / (others.sum(axis=2) + _SHIPPED)
    found: NDArray[np.float64] = np.clip(rates, 0.02, 0.98).reshape(-1)
    return found


def clean_rates(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """How often clean text of the same kind has variant 1 at each position: its rate, drawn to its class's, and that to what ships."""
    shipped = np.array([RATES.get(number, 0.5) for number in range(len(counts) // 8)])
    by_class = counts.reshape(-1, 8, 2).astype(np.float64)
    whole = by_class.sum(axis=1)
    of_class = (whole[:, 1] + _SHIPPED * shipped) / (whole.sum(axis=1) + _SHIPPED)
    rates = (by_class[:, :, 1] + _DRAWN * of_class[:, None]) / (by_class.sum(axis=2) + _DRAWN)
    found: NDArray[np.float64] = np.clip(rates, 0.01, 0.99).reshape(-1)
    return found


def _excess(counts: NDArray[np.float64], rates: NDArray[np.float64], seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """What variant 1 is above its expected rate, over its variance: the locally most powerful score for a vanishing marked share.

    A rate that was itself counted over `seen` places is uncertain by as much, so that the variance is N p q (1 + N / seen).
    """
    totals = counts.sum(axis=1)
    found: NDArray[np.float64] = (counts[:, 1] - totals * rates) / (rates * (1 - rates) * (1 + totals / seen))
    return found


def _likelihood(counts: NDArray[np.float64], rates: NDArray[np.float64], model: Model, bit: int) -> NDArray[np.float64]:
    """Log-likelihood of each position's counts when the caller's bit is `bit`, over unknown rates and unknown other callers."""
    ones_of, zeros_of = model.trust * rates[:, None], model.trust * (1 - rates[:, None])
    prior = ones_of * np.log(_GRID) + zeros_of * np.log1p(-_GRID)
    prior -= np.logaddexp.reduce(prior, axis=1)[:, None]
    others = model.callers - 1
    flat = np.log(_GRID * (1 - _GRID))
    terms = [_fit(counts, np.broadcast_to(flat - np.logaddexp.reduce(flat), prior.shape), _GRID) + np.log(_HABIT)]
    for ones in range(others + 1):
        chance = _GRID * (1 - model.steered) + model.steered * (bit + ones) / model.callers
        terms.append(_fit(counts, prior, chance) + np.log((1 - _HABIT) * comb(others, ones) / 2**others))
    found: NDArray[np.float64] = np.logaddexp.reduce(np.array(terms), axis=0)
    return found


def _fit(counts: NDArray[np.float64], prior: NDArray[np.float64], chance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-probability of the counts, with variant 1 as likely as `chance` says for each grid point, under a log-prior of the points."""
    chance = np.clip(chance, 1e-4, 1 - 1e-4)
    fits = counts[:, 1:] * np.log(chance) + counts[:, :1] * np.log1p(-chance)
    found: NDArray[np.float64] = np.logaddexp.reduce(prior + fits, axis=1)
    return found
