"""Round the clock: a day behind it without two idle hours.

So works a busy product with customers everywhere, too. Worth next to nothing by itself. Kind: arrival.
"""

from __future__ import annotations

from gateway.model.look import Look
from gateway.signals.counting import Counting
from gateway.signals.counts import Counts

__all__ = ["SIGNAL", "Duty"]

_HOUR_US = 3_600_000_000
_DAY = 24
_BUSY = 23


class Duty(Counting):
    """See the module. A hit has at least 23 busy hours among the last 24. Recent: the numbers of the hours that were."""

    name = "duty"
    kind = "arrival"
    rate = 0.5
    least = 30
    most = 1.2
    told = "had a day behind them with no two idle hours"

    def watch(self, state: Counts, look: Look) -> None:
        hour = max(0, look.at_us // _HOUR_US) & 0xFFFFFFFF
        if hour not in state.recent:
            state.remember(hour)
        state.count(sum(hour - _DAY < known <= hour for known in state.recent) >= _BUSY)


SIGNAL = Duty()
