"""One prompt over and over, for a token or two with their probabilities: reading a distribution off point by point.

Companion of `probing`, which looks at the parameters; this one looks at how requests relate to each other. Kind: structure.
"""

from __future__ import annotations

from typing import Any

from gateway.model.evidence import Evidence, Kind
from gateway.model.look import Look
from gateway.signals.base import Baseline
from gateway.signals.counts import Counts, dump_counts, load_counts, merge_counts, short, surprise, weight_of

__all__ = ["SIGNAL", "Repeats"]

_RATE = 0.4
"""A classifier with probabilities meets the same item again, and an alarm asks the same all day: they may, four times in ten."""
_LEAST = 5
_MOST = 20.0
_SHORT_ANSWER = 4


class Repeats:
    """See the module. A hit repeats one of the last prompts word for word."""

    name = "repeats"
    version = "1"
    kind: Kind = "structure"

    def fresh(self) -> Counts:
        return Counts()

    def watch(self, state: Counts, look: Look) -> None:
        if not look.words:
            return
        read = 0 <= look.max_output <= _SHORT_ANSWER and (look.logprobs >= 0 or look.bias > 0)
        prompt = short(look.exact)
        state.count(read and prompt in state.recent)
        if read:
            state.remember(prompt)

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
        seen = f"{state.hits} of {state.seen} requests repeat a prompt for the probabilities of a few tokens"
        return Evidence(self.name, self.version, self.kind, round(weight, 1), seen, f"more than {_RATE:.0%} of the requests")


SIGNAL = Repeats()
