"""One prompt over and over, for a token or two with their probabilities: reading a distribution off point by point.

Companion of `probing`, which looks at the parameters; this one looks at how requests relate to each other. Kind: structure.
"""

from __future__ import annotations

from gateway.model.look import Look
from gateway.signals.counting import Counting
from gateway.signals.counts import Counts, short

__all__ = ["SIGNAL", "Repeats"]

_RATE = 0.4
"""A classifier with probabilities meets the same item again, and an alarm asks the same all day: they may, four times in ten."""
_LEAST = 5
_MOST = 20.0
_SHORT_ANSWER = 4


class Repeats(Counting):
    """See the module. A hit repeats one of the last prompts word for word, under biases that it was not read under."""

    name = "repeats"
    version = "2"
    kind = "structure"
    rate = _RATE
    least = _LEAST
    most = _MOST
    told = "repeat a prompt under other biases, for a few tokens or their probabilities"

    def watch(self, state: Counts, look: Look) -> None:
        if not look.words:
            return
        read = 0 <= look.max_output <= _SHORT_ANSWER and (look.logprobs >= 0 or look.bias > 0)
        prompt = short(look.exact)
        under = prompt ^ short(look.bias_set | 1)
        state.count(read and prompt in state.recent and under not in state.recent)
        for hashed in (prompt, under) if read else ():
            if hashed in state.recent:
                state.recent.remove(hashed)
            state.remember(hashed)


SIGNAL = Repeats()
