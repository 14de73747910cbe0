"""One wrapper around slots that never repeat, for answers of some length, with no product's context and no conversation.

Evaluation runs, enrichment jobs and answering machines do the same: structure says what kind of work a key does, not why. So it never
weighs enough to have somebody watched; it is the second kind of evidence beside a wording. Kind: structure.
"""

from __future__ import annotations

from gateway.model.look import Look
from gateway.signals.counting import Counting
from gateway.signals.counts import Counts, short
from gateway.signals.cues import CUE_MASK

__all__ = ["SIGNAL", "Templating", "label_like", "no_reader"]

_RATE = 0.25
_LEAST = 8
_MOST = 8.0
_LABEL = 16
"""Tokens; answers held or ending below that are labels."""


def no_reader(look: Look) -> bool:
    """A request without a conversation, without a product's own context, for more than a label: nobody is seen to read the answer. What
    asks for a harvest is not a product's, whatever stands around it."""
    if label_like(look):
        return False
    return bool(look.cues & CUE_MASK) or (look.turns <= 1 and not look.product)


def label_like(look: Look) -> bool:
    """Whether no more than a label is asked for, or was answered."""
    return 0 <= look.max_output <= _LABEL or (look.status == 200 and look.output_tokens <= _LABEL)


class Templating(Counting):
    """See the module. A hit begins or ends like one of the last texts (with what looks filled in masked) and is none of them."""

    name = "templating"
    version = "2"
    kind = "structure"
    rate = _RATE
    least = _LEAST
    most = _MOST
    told = "put something new into one wrapper, with no reader in sight"

    def watch(self, state: Counts, look: Look) -> None:
        # A run that goes on, and a sample of what was just asked, are no news.
        if not look.words or (look.goes_on and look.turns <= 1) or short(look.exact ^ 1) == (state.recent or [0])[-1]:
            return
        # One ring holds three kinds of hashes: they do not collide, being hashes of other rows of words.
        head, tail, whole = short(look.head), short(look.tail), short(look.exact ^ 1)
        wrapped = head in state.recent or tail in state.recent
        fresh = whole not in state.recent
        state.count(wrapped and fresh and no_reader(look))
        for hashed in (head, tail, whole):
            # What is met again is kept longest.
            if hashed in state.recent:
                state.recent.remove(hashed)
            state.remember(hashed)


SIGNAL = Templating()
