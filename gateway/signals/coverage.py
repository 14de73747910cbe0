"""Walking on and never dwelling: single requests that begin and end like none before, with no product's context, no follow-up, no
repeats.

A corpus walked through once looks like this, and so do a developer's own requests and evaluation sets: like `templating`, whose
complement it is, it never weighs enough alone. It gives the second kind of evidence where a harvester rewords every request. Kind:
structure.
"""

from __future__ import annotations

from gateway.model.look import Look
from gateway.signals.counting import Counting
from gateway.signals.counts import Counts, short
from gateway.signals.templating import no_reader

__all__ = ["SIGNAL", "Coverage"]

_RATE = 0.6
_LEAST = 20
_MOST = 8.0


class Coverage(Counting):
    """See the module."""

    name = "coverage"
    version = "2"
    kind = "structure"
    rate = _RATE
    least = _LEAST
    most = _MOST
    told = "begin and end like none before, with no reader in sight"

    def watch(self, state: Counts, look: Look) -> None:
        head, tail = short(look.head), short(look.tail)
        # A run that goes on, and a sample of what was just asked, are no news.
        if not look.words or (look.goes_on and look.turns <= 1) or state.recent[-2:].tolist() == [head, tail]:
            return
        state.count(no_reader(look) and head not in state.recent and tail not in state.recent)
        state.remember(head)
        state.remember(tail)


SIGNAL = Coverage()
