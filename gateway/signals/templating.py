"""One wrapper around slots that never repeat, for answers of some length, with no product's context and no conversation.

Evaluation runs, enrichment jobs and answering machines do the same: structure says what kind of work a key does, not why. So it never
weighs enough to have somebody watched; it is the second kind of evidence beside a wording. Kind: structure.
"""

from __future__ import annotations

from gateway.model.look import Look
from gateway.signals.counting import Counting
from gateway.signals.counts import Counts, short

__all__ = ["SIGNAL", "Templating", "no_reader"]

_RATE = 0.25
_LEAST = 8
_MOST = 9.0
_OWN_CONTEXT = 8
_LABEL = 16
"""Tokens; answers held or ending below that are labels."""


def no_reader(look: Look) -> bool:
    """A request without a conversation, without a product's own context, for more than a label: nobody is seen to read the answer."""
    return look.turns <= 1 and look.system_words < _OWN_CONTEXT and not look.tools and not _label(look)


def _label(look: Look) -> bool:
    return 0 <= look.max_output <= _LABEL or (look.status == 200 and look.output_tokens <= _LABEL)


class Templating(Counting):
    """See the module. A hit begins or ends like one of the last texts (with what looks filled in masked) and is none of them."""

    name = "templating"
    kind = "structure"
    rate = _RATE
    least = _LEAST
    most = _MOST
    told = "put something new into one wrapper, with no reader in sight"

    def watch(self, state: Counts, look: Look) -> None:
        if not look.words:
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
