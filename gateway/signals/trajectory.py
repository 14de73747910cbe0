"""Ever other tools: an agent's runs are gathered over as many tools as can be had; a product has its own few.

Tools are those declared, or those told of in the text. A product that picks tools per request out of a large set shows many sets of
few names, so that names count, not sets, where tools are declared. Where they are told of in the text, with no reader in sight, a set
other than the last one does: whoever writes an agent writes its tools once. Kind: structure.
"""

from __future__ import annotations

from gateway.model.look import Look
from gateway.signals.counting import Counting
from gateway.signals.counts import Counts
from gateway.signals.templating import no_reader

__all__ = ["SIGNAL", "Trajectory"]


class Trajectory(Counting):
    """See the module. A hit brings tools of which half were not among the last forty names, or tells of others than the one before.
    Requests that go on with a run (the same tools again) are no news and are not counted."""

    name = "trajectory"
    kind = "structure"
    rate = 0.2
    """A product's tools change with its releases, and a developer's with the day."""
    least = 5
    most = 18.0
    parts = 1
    told = "bring tools not met before"

    def watch(self, state: Counts, look: Look) -> None:
        if not look.words:
            return
        names = look.tool_names
        news = [name for name in names if name not in state.recent]
        last = sum(names) & 0xFFFF
        new_names = bool(news) and 2 * len(news) >= len(names)
        other_told = not look.tools and no_reader(look) and last != state.parts[0]
        # The first tools of a caller are its own, not other ones.
        hit = bool(names and state.recent and (new_names or other_told))
        state.count(hit)
        if names:
            state.parts[0] = last
        for name in names:
            if name in state.recent:
                state.recent.remove(name)
            state.remember(name)


SIGNAL = Trajectory()
