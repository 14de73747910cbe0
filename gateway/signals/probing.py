"""Reading the model's numbers: probabilities or one-token answers under biases that change from request to request.

Logits are extracted by biasing other tokens each time and reading what comes first, or how likely it is (bisection where no
probabilities are given). An honest classifier asks for probabilities without biases, or holds its labels up by one set of biases that
stays; a product bans words by one set that stays. Kind: parameters.
"""

from __future__ import annotations

from gateway.model.look import Look
from gateway.signals.counting import Counting
from gateway.signals.counts import Counts, short

__all__ = ["SIGNAL", "Probing"]

_RATE = 0.05
"""Honest sets of biases change with a release, or with a few tasks that share a key."""
_LEAST = 4
_MOST = 25.0
_SHORT_ANSWER = 4


class Probing(Counting):
    """See the module. A hit reads numbers under a set of biases that was not seen lately."""

    name = "probing"
    kind = "parameters"
    rate = _RATE
    least = _LEAST
    most = _MOST
    told = "read a token or its probabilities under biases not used before"

    def watch(self, state: Counts, look: Look) -> None:
        if not look.words:
            return
        reads = look.logprobs >= 0 or 0 <= look.max_output <= _SHORT_ANSWER
        biases = short(look.bias_set) if look.bias else 0
        state.count(bool(reads and biases and state.recent and biases not in state.recent))
        if biases and biases not in state.recent:
            state.remember(biases)


SIGNAL = Probing()
