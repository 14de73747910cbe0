"""Copying something narrow: labels, probabilities or vectors asked for over texts that nobody would want them of.

Who trains a copy of a classifier or of an encoder sends random words, random letters, or single prompts out of nowhere; who runs
one has
texts that people wrote, in one wrapper. Texts borrowed from a corpus look like anybody's; they are not seen here. Kind: structure.
"""

from __future__ import annotations

from gateway.model.look import Look
from gateway.signals.counting import Counting
from gateway.signals.counts import Counts, short
from gateway.signals.templating import label_like

__all__ = ["SIGNAL", "Extraction"]

_OWN_CONTEXT = 6


class Extraction(Counting):
    """See the module. A hit is narrow, and its text is at random, or its probabilities are read for a text that begins and ends like
    none before."""

    name = "extraction"
    kind = "structure"
    rate = 0.15
    """Titles, keywords and part numbers are texts without small words as well; most people's lists have commas and digits."""
    least = 6
    most = 14.0
    told = "want a label, probabilities or a vector of a text at random"

    def watch(self, state: Counts, look: Look) -> None:
        if not look.words:
            return
        narrow = look.dialect == "openai.embeddings" or label_like(look)
        head, tail = short(look.head), short(look.tail)
        # A short question before the text makes a head of its own each time, but not a start.
        ends = (short(look.start), head, tail)
        bare = look.logprobs >= 0 and look.system_words < _OWN_CONTEXT and not any(hashed in state.recent for hashed in ends)
        state.count(narrow and bool(state.recent) and (look.salad or bare))
        for hashed in ends:
            if hashed in state.recent:
                state.recent.remove(hashed)
            state.remember(hashed)


SIGNAL = Extraction()
