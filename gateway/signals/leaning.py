"""Requests that lean towards a harvest by their wording without asking for one: see `gateway.signals.cues.LEANS`.

Forms like records, tools told of in the user's words, answers that need nothing beside them, what falls short of a cue by a point: each
is honest more often than not. So it never has anybody watched; it is the word beside a structure that has nothing else to go with it.
Kind: wording.
"""

from __future__ import annotations

from gateway.model.look import Look
from gateway.signals.counting import Counting
from gateway.signals.counts import Counts
from gateway.signals.cues import LEAN_MASK

__all__ = ["SIGNAL", "Leaning"]


class Leaning(Counting):
    """See the module."""

    name = "leaning"
    kind = "wording"
    rate = 0.3
    """Framework prompts and single tasks of a product lean by their nature: up to three in ten of a caller's."""
    least = 8
    most = 6.0
    told = "are worded like records to train on, or nearly like a cue"

    def watch(self, state: Counts, look: Look) -> None:
        if look.words and look.dialect != "openai.embeddings":
            state.count(bool(look.cues & LEAN_MASK))


SIGNAL = Leaning()
