"""Walking on and never dwelling: single requests that begin and end like none before, with no product's context, no follow-up, no
repeats.

A corpus walked through once looks like this, and so do a developer's own requests and evaluation sets: like `templating`, whose
complement it is, it never weighs enough alone. It gives the second kind of evidence where a harvester rewords every request. Kind:
structure.
"""

from __future__ import annotations

from typing import Any

from gateway.model.evidence import Evidence, Kind
from gateway.model.look import Look
from gateway.signals.base import Baseline
from gateway.signals.counts import Counts, dump_counts, load_counts, merge_counts, short, surprise, weight_of
from gateway.signals.templating import no_reader

__all__ = ["SIGNAL", "Coverage"]

_RATE = 0.6
_LEAST = 20
_MOST = 9.0


class Coverage:
    """See the module."""

    name = "coverage"
    version = "1"
    kind: Kind = "structure"

    def fresh(self) -> Counts:
        return Counts()

    def watch(self, state: Counts, look: Look) -> None:
        if not look.words:
            return
        head, tail = short(look.head), short(look.tail)
        state.count(no_reader(look) and head not in state.recent and tail not in state.recent)
        state.remember(head)
        state.remember(tail)

    def dump(self, state: Counts) -> list[Any]:
        return dump_counts(state)

    def load(self, plain: Any) -> Counts:
        return load_counts(plain)

    def merge(self, state: Counts, other: Counts) -> None:
        merge_counts(state, other)

    def weigh(self, state: Counts, now_us: int, baseline: Baseline) -> Evidence | None:
        if state.hits < _LEAST:
            return None
        weight = weight_of(self.name, surprise(state.seen, state.hits, _RATE), _MOST, baseline)
        if weight < 1:
            return None
        seen = f"{state.hits} of {state.seen} requests begin and end like none before, with no reader in sight"
        return Evidence(self.name, self.version, self.kind, round(weight, 1), seen, f"more than {_RATE:.0%} of the requests")


SIGNAL = Coverage()
