"""A young key at full rate: an account of a few days from which requests come as fast as they go.

Every honest customer is new once, and many begin with a batch. Worth next to nothing by itself. Kind: arrival.
"""

from __future__ import annotations

from array import array

from gateway.model.look import Look
from gateway.signals.counting import Counting
from gateway.signals.counts import Counts

__all__ = ["SIGNAL", "Ramp"]

_YOUNG_S = 3 * 86_400
_FAST_S = 20


def _created(look: Look) -> int:
    """When the account was made, in Unix seconds; 0 where it is not known."""
    value = next((value for name, value in look.attributes if name == "created"), "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 12 else 0


class Ramp(Counting):
    """See the module. A hit comes within 20 seconds of the last one, from an account not three days old. Recent: the last one's
    second."""

    name = "ramp"
    kind = "arrival"
    rate = 0.5
    least = 30
    most = 1.2
    told = "came within seconds of each other from an account not three days old"

    def watch(self, state: Counts, look: Look) -> None:
        created = _created(look)
        if not created:
            return
        now = look.at_us // 1_000_000
        close = bool(state.recent) and now - state.recent[0] <= _FAST_S
        state.count(close and 0 <= now - created <= _YOUNG_S)
        state.recent = array("I", (max(0, now) & 0xFFFFFFFF,))


SIGNAL = Ramp()
