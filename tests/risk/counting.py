"""A small real signal: how many requests ask for the model's reasoning. Its weight is what the baseline makes of their share."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.evidence import Evidence


@dataclass(slots=True)
class Counts:
    asked: int = 0
    all: int = 0


class Counting:
    version = "1"
    kind = "wording"

    def __init__(self, name="elicitation", bit=1, padding=0):
        self.name, self._bit, self._padding = name, bit, padding

    def fresh(self):
        return Counts()

    def watch(self, state, look):
        state.asked += bool(look.cues & self._bit)
        state.all += 1

    def dump(self, state):
        return [state.asked, state.all, "." * self._padding]

    def load(self, plain):
        return Counts(plain[0], plain[1])

    def merge(self, state, other):
        state.asked += other.asked
        state.all += other.all

    def weigh(self, state, now_us, baseline):
        if state.all < 2:
            return None
        seen = f"{state.asked} of {state.all} prompts ask for it"
        return Evidence(self.name, self.version, self.kind, baseline.weight(self.name, state.asked / state.all), seen, "a quarter")


class Straight:
    """A baseline on which a share of one is worth 24 decibans and none speaks for the caller by 8."""

    def weight(self, signal, value):
        return 32.0 * value - 8.0


SIGNAL = Counting()
"""As a third party registers it."""
