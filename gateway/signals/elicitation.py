"""Requests that ask for what a model is trained on: its own reasoning as it is, records, preferences, whole runs of an agent.

One such request is nobody's fault, and a product may well say "explain your reasoning". What speaks is the share of a caller's requests
in which the cues of `gateway.signals.cues` meet; those that come and go within one wrapper are its slots' and do not count. Kind:
wording. It cannot see a harvest in plain words (questions as anybody asks
them).
"""

from __future__ import annotations

from array import array
from typing import Any

from gateway.model.evidence import Evidence, Kind
from gateway.model.look import Look
from gateway.signals.base import Baseline
from gateway.signals.counts import Counts, dump_counts, load_counts, merge_counts, short, surprise, weight_of
from gateway.signals.cues import CUE_MASK, CUES

__all__ = ["SIGNAL", "Asked", "Elicitation"]

_RATE = 0.02
"""One in fifty of an honest caller's requests may read like this: content quotes, people are curious, words mean several things."""
_LEAST = 3
_MOST = 40.0
"""What goes on asking for a harvest comes far above what any benign caller's content adds up to: the bound is the baseline's."""

_SAID = {
    "reasoning": "the model's whole reasoning",
    "hidden": "reasoning that is kept from readers",
    "backfill": "reasoning for answers that are there already",
    "records": "instructions or dialogues to train on",
    "grading": "grades or preferences to train on",
    "trajectory": "whole runs of an agent",
}


_MOST_KNOWN = 32
"""Texts that were hits of late: what one of them says again is nothing new, of however many requests."""


class Asked(Counts):
    """Counts, with the hashes of texts that were hits of late, 32 bits of each."""

    __slots__ = ("known",)

    def __init__(self) -> None:
        super().__init__(len(CUES))
        self.known = array("I")


class Elicitation:
    """See the module."""

    name = "elicitation"
    version = "4"
    kind: Kind = "wording"
    cap = _MOST

    def fresh(self) -> Asked:
        return Asked()

    def watch(self, state: Asked, look: Look) -> None:
        # What is turned into vectors is material, and asks for nothing.
        if not look.words or look.dialect == "openai.embeddings":
            return
        asked = look.cues & CUE_MASK
        text = short(look.exact)
        if asked and text in state.known:
            return
        ends = (short(look.head), short(look.tail))
        # What was worded the same way without a cue just now has none: it stands in what was filled in.
        filled_in = [end for end in ends if end in state.recent]
        hit = bool(asked) and not filled_in
        state.count(hit)
        if hit:
            state.known.append(text)
            del state.known[:-_MOST_KNOWN]
        for end in filled_in if asked else (end for end in ends if end not in filled_in):
            if asked:
                state.recent.remove(end)
            else:
                state.remember(end)
        for place, bit in enumerate(CUES.values()):
            state.parts[place] += bool(hit and look.cues & bit)

    def dump(self, state: Asked) -> list[Any]:
        return [*dump_counts(state), state.known.tolist()]

    def load(self, plain: Any) -> Asked:
        *counted, known = plain
        counts, state = load_counts(counted, len(CUES)), Asked()
        if len(known) > _MOST_KNOWN or not all(type(text) is int and 0 <= text < 1 << 32 for text in known):
            raise ValueError("these are no hashes of this signal")
        state.seen, state.hits, state.parts, state.recent = counts.seen, counts.hits, counts.parts, counts.recent
        state.known = array("I", known)
        return state

    def merge(self, state: Asked, other: Asked) -> None:
        merge_counts(state, other)
        state.known = (other.known + state.known)[-_MOST_KNOWN:]

    def weigh(self, state: Asked, now_us: int, baseline: Baseline) -> Evidence | None:
        if state.hits < _LEAST:
            return None
        weight = weight_of(self.name, surprise(state.seen, state.hits, _RATE), _MOST, baseline)
        if weight < 1:
            return None
        most = max(range(len(state.parts)), key=state.parts.__getitem__)
        seen = f"{state.hits} of {state.seen} requests ask for {_SAID[tuple(CUES)[most]]}"
        return Evidence(self.name, self.version, self.kind, round(weight, 1), seen, f"more than {_RATE:.0%} of the requests")


SIGNAL = Elicitation()
