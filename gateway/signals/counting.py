"""What the signals share that count requests of one kind: the state they keep, and how a share of hits becomes evidence.

Such a signal says what a hit is (`watch`), which share of hits honest callers reach (`rate`), and how to say it; the rest is here.
"""

from __future__ import annotations

from typing import Any, ClassVar

from gateway.model.evidence import Evidence, Kind
from gateway.signals.base import Baseline
from gateway.signals.counts import Counts, dump_counts, load_counts, merge_counts, surprise, weight_of

__all__ = ["Counting"]


class Counting:
    """A `base.Signal` but for its `watch`. `least`: hits before anything is said. `most` in decibans. `told`: what the hits did.
    `parts`:
    further counts that its state has."""

    name: ClassVar[str]
    version: ClassVar[str] = "1"
    kind: ClassVar[Kind]
    rate: ClassVar[float]
    least: ClassVar[int]
    most: ClassVar[float]
    parts: ClassVar[int] = 0
    told: ClassVar[str]

    @property
    def cap(self) -> float:
        """Decibans that a policy lets it count for where it says nothing: as many as it ever says."""
        return self.most

    def fresh(self) -> Counts:
        return Counts(self.parts)

    def dump(self, state: Counts) -> list[Any]:
        return dump_counts(state)

    def load(self, plain: Any) -> Counts:
        return load_counts(plain, self.parts)

    def merge(self, state: Counts, other: Counts) -> None:
        merge_counts(state, other)

    def weigh(self, state: Counts, now_us: int, baseline: Baseline) -> Evidence | None:
        """Nothing below `least` hits or one deciban."""
        if state.hits < self.least:
            return None
        weight = weight_of(self.name, surprise(state.seen, state.hits, self.rate), self.most, baseline)
        if weight < 1:
            return None
        seen = f"{state.hits} of {state.seen} requests {self.told}"
        return Evidence(self.name, self.version, self.kind, round(weight, 1), seen, f"more than {self.rate:.0%} of the requests")
