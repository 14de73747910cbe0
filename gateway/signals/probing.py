"""Reading the model's numbers: probabilities or one-token answers under biases that change from request to request.

Logits are extracted by biasing other tokens each time and reading what comes first, or how likely it is (bisection where no
probabilities are given). An honest classifier asks for probabilities without biases, or holds its labels up by one set of biases that
stays; a product bans words by one set that stays. Kind: parameters.
"""

from __future__ import annotations

from typing import Any

from gateway.model.evidence import Evidence, Kind
from gateway.model.look import Look
from gateway.signals.base import Baseline
from gateway.signals.counts import Counts, dump_counts, load_counts, merge_counts, short, surprise, weight_of

__all__ = ["SIGNAL", "Probing"]

_RATE = 0.05
"""Honest sets of biases change with a release, or with a few tasks that share a key."""
_LEAST = 4
_MOST = 25.0
_SHORT_ANSWER = 4


class Probing:
    """See the module. A hit reads numbers under a set of biases that was not seen lately."""

    name = "probing"
    version = "1"
    kind: Kind = "parameters"

    def fresh(self) -> Counts:
        return Counts()

    def watch(self, state: Counts, look: Look) -> None:
        if not look.words:
            return
        reads = look.logprobs >= 0 or 0 <= look.max_output <= _SHORT_ANSWER
        biases = short(look.bias_set) if look.bias else 0
        state.count(bool(reads and biases and state.recent and biases not in state.recent))
        if biases and biases not in state.recent:
            state.remember(biases)

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
        seen = f"{state.hits} of {state.seen} requests read a token or its probabilities under biases not used before"
        return Evidence(self.name, self.version, self.kind, round(weight, 1), seen, f"more than {_RATE:.0%} of the requests")


SIGNAL = Probing()
