"""One prompt under ever other settings: temperatures stepped up, seeds counted through, to get as many different answers as there are.

A product that votes among answers asks them of one setting, and a developer who tries settings does it for an hour. Kind: parameters.
"""

from __future__ import annotations

from zlib import crc32

from gateway.model.look import Look
from gateway.signals.counting import Counting
from gateway.signals.counts import Counts, short

__all__ = ["SIGNAL", "Sweeping"]

_SHORT_ANSWER = 8


class Sweeping(Counting):
    """See the module. A hit repeats one of the last prompts at a temperature that it was not asked at."""

    name = "sweeping"
    kind = "parameters"
    rate = 0.2
    least = 10
    most = 15.0
    told = "ask a prompt again at another temperature"

    def watch(self, state: Counts, look: Look) -> None:
        if not look.words or 0 <= look.max_output <= _SHORT_ANSWER or look.goes_on:
            return
        prompt = short(look.exact)
        setting = prompt ^ crc32(f"{look.temperature:.2f}".encode())
        state.count(prompt in state.recent and setting not in state.recent and look.temperature >= 0)
        # A failed request is sent again by every client: only what was answered can be swept.
        if not look.refused and look.status < 400:
            for hashed in (prompt, setting):
                if hashed in state.recent:
                    state.recent.remove(hashed)
                state.remember(hashed)


SIGNAL = Sweeping()
