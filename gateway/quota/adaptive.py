"""Concurrency limits that find themselves: what every craft of them promises, and the simplest one, AIMD.

An estimate is a frozen value with a `limit` and `on_sample(sample, now)`, after Netflix's concurrency-limits (`onSample(start, rtt,
inflight, dropped)`): each request that ends is a sample, and moves the estimate or not. It never leaves its bounds, and grows only
while it is used: a limit that nobody comes near has proved nothing.

AIMD (Chiu and Jain 1989; TCP): one more for each round of successes, a tenth less where a request is dropped or a window is twice
as slow as the least. One overload drops many requests: those that were sent before the last step back are part of it and
do not count again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from gateway.quota.pulse import NO_PULSE, Pulse, Sample

__all__ = ["AIMD", "BACK_OFF", "FIRST", "Aimd", "Craft", "Estimate"]

FIRST = 20
"""Where an estimate starts, if its ceiling is not below."""

BACK_OFF = 0.9
_TOO_SLOW = 2.0


class Estimate(Protocol):
    """How many requests at once an upstream serves well, as far as is known. `limit` is at least 1 and at most the ceiling."""

    @property
    def limit(self) -> int: ...
    def on_sample(self, sample: Sample, now: int) -> Estimate: ...
    def bounded(self, most: int) -> Estimate:
        """The same under another ceiling; what was learned stays."""


class Craft(Protocol):
    """A way to estimate; registered under `concurrency`."""

    def start(self, most: int) -> Estimate:
        """The first estimate under a ceiling of `most`, at least 1."""


@dataclass(frozen=True, slots=True)
class Aimd:
    """See `Estimate`."""

    value: float
    most: int
    stepped_back: int = -1
    pulse: Pulse = NO_PULSE

    @property
    def limit(self) -> int:
        return max(1, min(int(self.value), self.most))

    def on_sample(self, sample: Sample, now: int) -> Aimd:
        """The estimate after one request that ended `now`."""
        if sample.kind == "ignored":
            return self
        if sample.dropped:
            return self if sample.start <= self.stepped_back else self._back(now, self.pulse)
        pulse = self.pulse.add(sample, now)
        if pulse.slow > _TOO_SLOW:
            return self._back(now, pulse)
        used = sample.inflight * 2 >= self.value
        return Aimd(min(self.value + 1.0 / self.value, float(self.most)) if used else self.value, self.most, self.stepped_back, pulse)

    def bounded(self, most: int) -> Aimd:
        return replace(self, most=most, value=min(self.value, float(most)))

    def _back(self, now: int, pulse: Pulse) -> Aimd:
        return Aimd(max(1.0, self.value * BACK_OFF), self.most, now, pulse)


class _Started:
    """The craft; see `Craft`."""

    def start(self, most: int) -> Aimd:
        """The first estimate."""
        return Aimd(float(min(FIRST, most)), most)


AIMD = _Started()
