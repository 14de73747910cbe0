"""The next token's distribution: a softmax over the whole vocabulary, under temperature and logit_bias.

What is told as a log probability is what the token was drawn with: softmax((W h + bias) / temperature). At temperature 0 the likeliest
token is taken and the distribution of temperature 1 is told, as a certainty would say nothing. top_p cuts the draw, not what is told.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from functools import cached_property, lru_cache
from itertools import accumulate

from gateway.demo.vocabulary import SIZE
from gateway.demo.weights import logits

__all__ = ["Bias", "Distribution", "distribution"]

Bias = tuple[tuple[int, float], ...]
"""Pairs of token id and what is added to its logit."""


class Distribution:
    """Over the 2,048 tokens. `values` are the scaled logits, `temperature` 0 takes the likeliest."""

    def __init__(self, values: list[float], temperature: float) -> None:
        self.greedy = temperature == 0
        scale = 1.0 / (temperature or 1.0)
        peak = max(values)
        self.scaled = array("d", ((value - peak) * scale for value in values))
        self.upto = array("d", accumulate(map(math.exp, self.scaled)))
        self.total = self.upto[-1]
        self._log_total = math.log(self.total)
        self.likeliest = values.index(peak)

    @cached_property
    def order(self) -> array[int]:
        """Token ids, likeliest first."""
        return array("H", sorted(range(SIZE), key=self.scaled.__getitem__, reverse=True))

    def logprob(self, token: int) -> float:
        """The natural logarithm of a token's probability."""
        return self.scaled[token] - self._log_total

    def top(self, count: int) -> list[tuple[int, float]]:
        """The likeliest tokens with their log probabilities."""
        return [(token, self.logprob(token)) for token in self.order[:count]]

    def draw(self, dice: float, top_p: float = 1.0) -> int:
        """The token at `dice` (0 <= dice < 1) of the distribution, or of its likeliest part that makes up `top_p`."""
        if self.greedy:
            return self.likeliest
        if top_p >= 1.0:
            return min(bisect_right(self.upto, dice * self.total), SIZE - 1)
        return self._draw_from_nucleus(dice, top_p)

    def _draw_from_nucleus(self, dice: float, top_p: float) -> int:
        nucleus, mass = [], 0.0
        for token in self.order:
            nucleus.append(token)
            mass += math.exp(self.scaled[token])
            if mass >= top_p * self.total:
                break
        goal = dice * mass
        for token in nucleus:
            goal -= math.exp(self.scaled[token])
            if goal < 0:
                return token
        return nucleus[-1]


@lru_cache(maxsize=512)
def distribution(place: str, theme: str, mood: int, temperature: float, bias: Bias) -> Distribution:
    """The distribution at a place of a text; kept for the 512 used last (some 20 MB)."""
    values = logits(place, theme, mood)
    for token, added in bias:
        values[token] += added
    return Distribution(values, temperature)
