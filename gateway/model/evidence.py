"""Why somebody is suspected: weighed evidence in decibans, and the verdict it adds up to.

A deciban is a tenth of the base-10 logarithm of a likelihood ratio (Turing, Good): 20 means 100 to 1. Evidence adds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from msgspec import Struct

__all__ = ["KINDS", "NO_VERDICT", "Evidence", "Kind", "Verdict"]

Kind = Literal["wording", "structure", "parameters", "arrival", "linkage"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One signal's word on one caller. `weight` in decibans; `seen` and `threshold` in the signal's own words."""

    signal: str
    version: str
    kind: Kind
    weight: float
    seen: str
    threshold: str
    counted: bool = True
    """False: told and not acted on, because the signal is only watched or the caller is exempt from it."""


class Verdict(Struct, frozen=True):
    """What all evidence on a caller adds up to: a standing judgement, read locally on the road.

    `score` in decibans; `kinds` that spoke; `high` the highest score within the policy's `step_down.after`; `observed` what all
    evidence comes to, watched signals and exempt ones included, None where nothing but the score is known. All of it is true as of
    `at_us` (Unix microseconds) and fades from then on: `gateway.risk.fading.as_of` says what is left; of 0, as in a test of a
    policy, it stands as it is. `peaks`: when and how high, what `high` comes down by. `course`: how the score went, packed
    (`gateway.risk.course`). `confirmed`: a person has decided that the suspicion is right.
    """

    score: float = 0.0
    kinds: frozenset[Kind] = frozenset()
    campaign: str | None = None
    reasons: tuple[Evidence, ...] = ()
    high: float = 0.0
    observed: float | None = None
    at_us: int = 0
    peaks: tuple[tuple[int, float], ...] = ()
    course: bytes = b""
    confirmed: bool = False


NO_VERDICT = Verdict()
