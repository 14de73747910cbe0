"""Many samples of one prompt that can be checked by its result: several choices a request, or the same prompt again at a temperature.

This is how answers are gathered to pick the best from (rejection sampling), and how an honest product votes among answers
(self-consistency): parameters alone do not tell them apart, so that it counts for little until something else speaks too. Kind:
parameters.
"""

from __future__ import annotations

from typing import Any

from gateway.model.evidence import Evidence, Kind
from gateway.model.look import Look
from gateway.signals.base import Baseline
from gateway.signals.counts import Counts, dump_counts, load_counts, merge_counts, short, surprise, weight_of
from gateway.signals.cues import FIGURES

__all__ = ["SIGNAL", "Sampling"]

_RATE = 0.15
"""Honest products meet the same question again: up to one in seven of theirs in recorded traffic."""
_LEAST = 5
_MOST = 9.0
_WIDE = 10
"""Choices: more than people are shown to choose from."""
_CHECKED = 0.7
"""Share of the prompts sampled that have figures in them, or are code; problems nearly all have."""
_SHORT_ANSWER = 8
"""Tokens; an answer held below that is a label, which nobody samples for training."""


class Sampling:
    """See the module. Parts: samples asked for in all hits, and how many of these can be checked."""

    name = "sampling"
    version = "3"
    kind: Kind = "parameters"
    cap = _MOST

    def fresh(self) -> Counts:
        return Counts(2)

    def watch(self, state: Counts, look: Look) -> None:
        if not look.words or 0 <= look.max_output <= _SHORT_ANSWER or look.dialect == "openai.embeddings":
            return
        if look.goes_on:
            return
        prompt = short(look.exact)
        spread = look.temperature != 0
        # Customers ask what others asked; whoever samples asks twice running.
        again = state.recent[-1:].tolist() == [prompt]
        hit = spread and (look.choices > 1 or again)
        state.count(hit)
        if hit:
            state.parts[0] += min(look.choices, 1_000)
            state.parts[1] += bool(look.cues & FIGURES) or look.choices >= _WIDE
        # A failed request is sent again by every client: only what was answered can be sampled twice.
        if not look.refused and look.status < 400:
            state.remember(prompt)

    def dump(self, state: Counts) -> list[Any]:
        return dump_counts(state)

    def load(self, plain: Any) -> Counts:
        return load_counts(plain, 2)

    def merge(self, state: Counts, other: Counts) -> None:
        merge_counts(state, other)

    def weigh(self, state: Counts, now_us: int, baseline: Baseline) -> Evidence | None:
        # A few wordings of a text are for somebody to choose from; results are for a program to check.
        if state.hits < _LEAST or state.parts[1] < _CHECKED * state.hits:
            return None
        weight = weight_of(self.name, surprise(state.seen, state.hits, _RATE), _MOST, baseline)
        if weight < 1:
            return None
        seen = f"{state.hits} of {state.seen} requests sample a prompt again, {state.parts[0] / state.hits:.1f} answers each"
        return Evidence(self.name, self.version, self.kind, round(weight, 1), seen, f"more than {_RATE:.0%} of the requests")


SIGNAL = Sampling()
