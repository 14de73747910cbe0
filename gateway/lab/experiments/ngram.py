"""A student that fits a laptop: an n-gram model of words, by Witten and Bell's backing off (1991)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from random import Random

__all__ = ["NGram"]

_BREAK = "\n"


class NGram:
    """Learns from texts, says how well it foresees others, and writes its own."""

    def __init__(self, texts: Iterable[str], order: int = 4) -> None:
        self.order = order
        self._seen: dict[tuple[str, ...], Counter[str]] = {}
        for text in texts:
            words = self._words(text)
            for at in range(order - 1, len(words)):
                for length in range(order):
                    self._seen.setdefault(tuple(words[at - length : at]), Counter())[words[at]] += 1
        self._totals = {context: counts.total() for context, counts in self._seen.items()}
        self._known = len(self._seen.get((), ()))

    def perplexity(self, texts: Iterable[str]) -> float:
        """2 to the bits of a word, over texts that it has not seen; lower is better."""
        bits, number = 0.0, 0
        for text in texts:
            words = self._words(text)
            for at in range(self.order - 1, len(words)):
                bits -= math.log2(self._chance(words[at], tuple(words[at - self.order + 1 : at])))
                number += 1
        return float(2 ** (bits / max(number, 1)))

    def write(self, words: int, chance: Random) -> str:
        """A text of its own of about so many words. Contexts that leave no choice are backed off from half of the time, or it
        would recite."""
        told = [_BREAK] * (self.order - 1)
        while len(told) < words + self.order:
            told.append(self._draw(told, chance))
        return " ".join(told).replace(f" {_BREAK} ", _BREAK).strip()

    def _draw(self, told: list[str], chance: Random) -> str:
        for length in range(self.order - 1, -1, -1):
            seen = self._seen.get(tuple(told[len(told) - length :]))
            if seen and (len(seen) > 1 or length <= 1 or chance.random() < 0.5):
                return chance.choices(list(seen), list(seen.values()))[0]
        raise LookupError("a model of no text has nothing to write")

    def _chance(self, word: str, context: tuple[str, ...]) -> float:
        lower = self._chance(word, context[1:]) if context else 1.0 / (self._known + 1)
        seen = self._seen.get(context)
        if seen is None:
            return lower
        kinds = len(seen)
        return (seen[word] + kinds * lower) / (self._totals[context] + kinds)

    def _words(self, text: str) -> list[str]:
        return [_BREAK] * (self.order - 1) + text.replace(_BREAK, f" {_BREAK} ").split(" ") + [_BREAK]
