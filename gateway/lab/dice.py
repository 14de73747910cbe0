"""The laboratory's only source of chance: generators derived from the seed and a name, so that no draw moves another one."""

from __future__ import annotations

import math
from random import Random

__all__ = ["between", "dice"]


def dice(*names: object) -> Random:
    """A generator that depends on the names alone, the same on every machine and in every run."""
    return Random("/".join(map(str, names)))  # noqa: S311 - rehearsal traffic, no secret


def between(chance: Random, low: float, high: float) -> float:
    """A number between two, evenly over orders of magnitude: as often 10 to 20 as 100 to 200."""
    return math.exp(chance.uniform(math.log(low), math.log(high)))
