"""A machine's pace: one request after the other at the same distance.

Nightly jobs of honest customers keep the same pace, so that it is worth next to nothing: it tips a scale that is full already. Kind:
arrival.
"""

from __future__ import annotations

from array import array

from gateway.model.look import Look
from gateway.signals.counting import Counting
from gateway.signals.counts import Counts

__all__ = ["SIGNAL", "Cadence"]

_TICK_US = 10_000
_LONGEST = 6 * 3_600 * 100
"""In hundredths of a second: a longer gap is a pause, not a pace."""


class Cadence(Counting):
    """See the module. A hit comes after the gap that came before, give or take a twentieth. Recent: the last request's time, and the
    last gap, in hundredths of a second."""

    name = "cadence"
    kind = "arrival"
    rate = 0.5
    least = 30
    most = 1.2
    told = "came at the same distance as the one before"

    def watch(self, state: Counts, look: Look) -> None:
        now = (look.at_us // _TICK_US) & 0xFFFFFFFF
        if len(state.recent) != 2:
            state.count(False)
            state.recent = array("I", (now, 0))
            return
        last, before = state.recent
        gap = max(0, now - last)
        steady = 20 <= gap <= _LONGEST and 20 * abs(gap - before) <= before
        state.count(steady)
        state.recent = array("I", (now, gap))


SIGNAL = Cadence()
