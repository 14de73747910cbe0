"""The gradient: as many requests at once as the upstream serves without making them wait.

After Netflix's concurrency-limits (Gradient2Limit). At the end of each window of samples

    gradient = clamp(TOLERANCE / slow, 0.5, 1)        slow: the window's times against the least (`pulse`)
    new      = limit * gradient + room                room: an eighth of the limit, at most its square root
    limit    = limit + SMOOTHING * (new - limit)

While nothing slows, the limit grows by its room; once times are more than TOLERANCE of the least, it shrinks towards the knee, where
more at once is only more waiting. Each request that the upstream drops takes a tenth at once, one overload counting once.

What is the least, if there always was a queue? So now and then (each PROBE_EVERY rounds of the limit; as TCP BBR does) a probe: for one
window only PROBE of the limit may be under way, and what is measured then is the least from now on. Where it proves to be
less, there was a queue: the limit is cut by the same gradient, and the next probe follows at once. Probes cost some throughput
(the tests hold all of it together to less than 6%); without them a queue would be taken for the model's own pace for ever.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt

from gateway.quota.adaptive import BACK_OFF, FIRST
from gateway.quota.pulse import NO_PULSE, Pulse, Sample, slower

__all__ = ["GRADIENT", "PROBE", "PROBE_EVERY", "Gradient"]

PROBE = 0.6
"""The part of the limit that stays open in a probe."""

PROBE_EVERY = 20
"""Rounds (as many successes as the limit) between two probes: they then take about a thirtieth of the time."""

_TOLERANCE = 1.3
_SMOOTHING = 0.5


@dataclass(frozen=True, slots=True)
class Gradient:
    """See `gateway.quota.adaptive.Estimate`. `rounds`: until the next probe. `before`: how slow the upstream was when the probe began,
    in microseconds to the first token and per token; None outside of a probe."""

    value: float
    most: int
    stepped_back: int = -1
    pulse: Pulse = NO_PULSE
    rounds: float = 1.0
    before: tuple[float, float] | None = None

    @property
    def limit(self) -> int:
        value = self.value if self.before is None else self.value * PROBE
        return max(1, min(int(value), self.most))

    def on_sample(self, sample: Sample, now: int) -> Gradient:
        """The estimate after one request that ended `now`."""
        if sample.kind == "ignored":
            return self
        if sample.dropped:
            if sample.start <= self.stepped_back:
                return self
            return replace(self, value=max(1.0, self.value * BACK_OFF), stepped_back=now)
        if self.before is not None and sample.inflight > self.limit:
            return self  # it was sent among more than the probe lets through
        pulse = self.pulse.add(sample, now)
        rounds = self.rounds - 1.0 / self.value
        if not pulse.slow:
            return Gradient(self.value, self.most, self.stepped_back, pulse, rounds, self.before)
        if self.before is not None:
            return self._probed(pulse)
        value = self._moved(self.value, pulse)
        begins = rounds <= 0.0 and pulse.busy * 2 >= self.value
        return Gradient(value, self.most, self.stepped_back, pulse, rounds, (pulse.rtt, pulse.per_token) if begins else None)

    def bounded(self, most: int) -> Gradient:
        return replace(self, most=most, value=min(self.value, float(most)))

    def _probed(self, pulse: Pulse) -> Gradient:
        """The end of a probe: the least anew, and what the times before it were against that."""
        assert self.before is not None
        pulse = pulse.renewed()
        rtt, per_token = self.before
        queued = max(slower(rtt, pulse.least_rtt, pulse.doubt), slower(per_token, pulse.least_per_token, pulse.doubt))
        if queued <= _TOLERANCE:
            return Gradient(self.value, self.most, self.stepped_back, pulse, float(PROBE_EVERY))
        value = max(1.0, self.value * max(0.5, _TOLERANCE / queued))
        return Gradient(value, self.most, self.stepped_back, pulse, 1.0)

    def _moved(self, value: float, pulse: Pulse) -> float:
        """The value at the end of a window."""
        gradient = max(0.5, min(1.0, _TOLERANCE / pulse.slow))
        wanted = value * gradient + min(sqrt(value), max(1.0, value / 8))
        if wanted > value and pulse.busy * 2 < value:
            return value
        return max(1.0, min(value + _SMOOTHING * (wanted - value), float(self.most)))


class _Started:
    """The craft; see `gateway.quota.adaptive.Craft`."""

    def start(self, most: int) -> Gradient:
        """The first estimate."""
        return Gradient(float(min(FIRST, most)), most)


GRADIENT = _Started()
