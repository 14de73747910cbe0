"""The next token's distribution: a softmax over the whole vocabulary, under temperature and logit_bias.

What is told as a log probability is what the token was drawn with: softmax((W h + bias) / temperature). At temperature 0 the likeliest
token is taken and the distribution of temperature 1 is told, as a certainty would say nothing. top_p cuts the draw, not what is told.

exp((a + b) / t) is exp(a / t) exp(b / t): without a bias both factors come from a cache, which makes a new distribution cheap.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Iterable
from functools import cached_property, lru_cache
from heapq import nlargest
from itertools import accumulate, pairwise
from operator import add, mul

from gateway.demo.vocabulary import SIZE
from gateway.demo.weights import mood_logits, place_logits

__all__ = ["COLDEST", "Bias", "Distribution", "distribution"]

Bias = tuple[tuple[int, float], ...]
"""Pairs of token id and what is added to its logit."""

COLDEST = 0.02
"""Below this temperature the likeliest token is taken: the others have no chance that a double can tell."""

_NEGLIGIBLE = 1e-6


class Distribution:
    """Over the 2,048 tokens, at a place of a text of this theme and mood."""

    def __init__(self, place: str, theme: str, mood: int, temperature: float, bias: Bias = ()) -> None:
        self.greedy = temperature < COLDEST
        self.temperature = 1.0 if self.greedy else temperature
        self._place = place
        self._mood = (theme, mood)
        self._halves = place_logits(place), mood_logits(theme, mood)
        self._added = dict(bias)
        self._cut: tuple[float, list[int], array[float]] | None = None

    def logit(self, token: int) -> float:
        """W h + bias of one token, before the temperature."""
        one, other = self._halves
        return one[token] + other[token] + self._added.get(token, 0.0)

    def logprob(self, token: int) -> float:
        """The natural logarithm of a token's probability."""
        return (self.logit(token) - self._peak) / self.temperature - self._log_total

    def top(self, count: int) -> list[tuple[int, float]]:
        """The likeliest tokens with their log probabilities, likeliest first."""
        return (
            self._told[:count]
            if count <= len(self._told)
            else [(token, self.logprob(token)) for token in self._ranked(range(SIZE))[:count]]
        )

    @property
    def least(self) -> float:
        """The log probability of the unlikeliest token."""
        return (min(self._logits) - self._peak) / self.temperature - self._log_total

    @cached_property
    def likeliest(self) -> int:
        """The token of the highest probability; the first of equals."""
        logits = self._logits
        return logits.index(max(logits))

    def draw(self, dice: float, top_p: float = 1.0) -> int:
        """The token at `dice` (0 <= dice < 1) of the distribution, or of its likeliest part that makes up `top_p`."""
        if self.greedy:
            return self.likeliest
        if top_p >= 1.0:
            return min(bisect_right(self._upto, dice * self._upto[-1]), SIZE - 1)
        tokens, upto = self._nucleus(top_p)
        return tokens[min(bisect_right(upto, dice * upto[-1]), len(tokens) - 1)]

    # ── Worked out when first asked for ─────────────────────────────────────────────────────────

    @property
    def _logits(self) -> list[float]:
        logits = list(map(add, *self._halves))
        for token, added in self._added.items():
            logits[token] += added
        return logits

    @cached_property
    def _peak(self) -> float:
        """What is taken off each logit before exp, so that it never overflows: at least the highest logit."""
        return max(self._logits) if self._added else sum(map(max, self._halves))

    @cached_property
    def _upto(self) -> array[float]:
        """Unnormalised probabilities, each added to those before it."""
        if self._added:
            scale, peak = 1.0 / self.temperature, self._peak
            weights: Iterable[float] = [math.exp((logit - peak) * scale) for logit in self._logits]
        else:
            weights = map(mul, _place_weights(self._place, self.temperature), _mood_weights(*self._mood, self.temperature))
        return array("d", accumulate(weights))

    @cached_property
    def _log_total(self) -> float:
        return math.log(self._upto[-1])

    @cached_property
    def _told(self) -> list[tuple[int, float]]:
        return [(token, self.logprob(token)) for token in nlargest(20, range(SIZE), key=self._logits.__getitem__)]

    def _ranked(self, tokens: Iterable[int]) -> list[int]:
        return sorted(tokens, key=self._logits.__getitem__, reverse=True)

    def _nucleus(self, top_p: float) -> tuple[list[int], array[float]]:
        """The fewest likeliest tokens that make up `top_p`, with their running sums."""
        if self._cut is None or self._cut[0] != top_p:
            upto = self._upto
            weights = [upto[0], *(after - before for before, after in pairwise(upto))]
            worth = upto[-1] * _NEGLIGIBLE
            tokens = self._ranked(token for token, weight in enumerate(weights) if weight > worth)
            if sum(weights[token] for token in tokens) < top_p * upto[-1]:
                tokens = self._ranked(range(SIZE))
            sums = array("d", accumulate(weights[token] for token in tokens))
            size = min(bisect_right(sums, top_p * upto[-1]) + 1, len(tokens))
            self._cut = top_p, tokens[:size], sums[:size]
        return self._cut[1:]


@lru_cache(maxsize=256)
def _place_weights(place: str, temperature: float) -> array[float]:
    return _weights(place_logits(place), temperature)


@lru_cache(maxsize=256)
def _mood_weights(theme: str, mood: int, temperature: float) -> array[float]:
    return _weights(mood_logits(theme, mood), temperature)


def _weights(logits: list[float], temperature: float) -> array[float]:
    scale, peak = 1.0 / temperature, max(logits)
    return array("d", [math.exp((logit - peak) * scale) for logit in logits])


@lru_cache(maxsize=2048)
def distribution(place: str, theme: str, mood: int, temperature: float, bias: Bias = ()) -> Distribution:
    """The distribution at a place of a text; kept for the 2,048 used last (35 MB at most)."""
    return Distribution(place, theme, mood, temperature, bias)
