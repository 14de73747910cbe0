"""The promise of a rung, by simulation: at most one benign caller in a thousand is ever told 30 decibans in 90 days of activity.

Callers differ from each other (each has its own rates of hits, drawn wide), their hits come in clumps (what was asked last is likely to
be asked again), and one hidden leaning moves several signals at once. A baseline is fitted on some callers and others are told by it,
through the scales of the live gateway, after every request.

The promise is kept on average over baselines, as ranks of exchangeable callers are: a single one is as far off as its own number of
callers lets it be. So the share is the mean over independent baselines, and its interval is theirs.
"""

from __future__ import annotations

from math import sqrt
from random import Random
from statistics import mean, stdev

import pytest

from gateway.model.evidence import KINDS
from gateway.model.look import Look
from gateway.model.policy import Policy, SignalRule
from gateway.risk.fitting import Peaks, Sums
from gateway.risk.scales import Scales
from gateway.signals.counting import Counting

DAY = 86_400 * 1_000_000
BITS = (1, 2, 4)
RUNGS = (10, 20, 30)
T_95 = 2.262
"""Student's, of ten runs."""


class Bit(Counting):
    """Hits are requests with one bit set."""

    rate, least, most, told = 0.05, 3, 25.0, "have the bit"

    def __init__(self, place):
        self.name, self.kind, self.bit = f"bit{place}", KINDS[place], BITS[place]

    def watch(self, state, look):
        state.count(bool(look.cues & self.bit))


SIGNALS = {signal.name: signal for signal in (Bit(0), Bit(1), Bit(2))}
POLICY = Policy(
    "p", "1", "0" * 64, (), {}, signals={name: SignalRule(name, signal.kind, "enforce", 25.0) for name, signal in SIGNALS.items()}
)


def life(number: int, requests: int) -> list[Look]:
    """One benign caller's requests, spread over 90 days. A few are far above the rate that signals allow."""
    chance = Random(number)
    leaning = chance.betavariate(0.15, 7.0)
    rates = [min(0.9, leaning * chance.choice((0.0, 0.5, 1.0, 2.0))) for _ in BITS]
    cues, looks = 0, []
    for place in range(requests):
        if chance.random() > 0.3:  # else the same again
            cues = sum(bit for bit, rate in zip(BITS, rates, strict=True) if chance.random() < rate)
        looks.append(Look(at_us=1 + place * 90 * DAY // requests, key_id=f"k{number}", cues=cues))
    return looks


def told(begin: int, fitted_on: int, judged: int, requests: int) -> dict[int, int]:
    """How many of the judged callers ever came to each rung, by a baseline of others; callers are numbered from `begin`."""
    peaks, members = Peaks(SIGNALS), range(begin, begin + fitted_on)
    for number in members:
        for look in life(number, requests):
            peaks.see(look.key_id, look)
        peaks.close(f"k{number}")
    sums = Sums(SIGNALS, {"members": peaks.baseline("simulated").among_members})
    for number in members:
        for look in life(number, requests):
            sums.see(look.key_id, look)
        sums.close(f"k{number}")
    scales = Scales(SIGNALS, peaks.baseline("simulated", sums=sums.peaks["members"]))
    reached = dict.fromkeys(RUNGS, 0)
    for number in range(members.stop, members.stop + judged):
        high = max(scales.weigh(POLICY, "", look).score for look in life(number, requests))
        scales.callers.drop(f"k{number}")
        for rung in RUNGS:
            reached[rung] += high >= rung
    return reached


def shares(baselines: int, fitted_on: int, judged: int, requests: int) -> dict[int, tuple[float, float]]:
    """By rung the mean share over independent baselines, each with callers of its own, and the half width of its 95% interval."""
    runs = [told(run * (fitted_on + judged), fitted_on, judged, requests) for run in range(baselines)]
    found = {}
    for rung in RUNGS:
        values = [run[rung] / judged for run in runs]
        found[rung] = mean(values), T_95 * stdev(values) / sqrt(baselines)
    return found


def test_a_few_hundred_benign_callers_are_told_no_more_than_is_promised():
    found = shares(10, 60, 60, 90)
    assert found[10][0] > 0.01  # the promise is near, and not kept by silence
    for rung, (share, half) in found.items():
        assert share - half <= 10 ** (-rung / 10), found


@pytest.mark.proof
@pytest.mark.timeout(7200)
def test_a_hundred_thousand_benign_callers_are_told_no_more_than_is_promised():
    found = shares(10, 2_000, 10_000, 90)
    print(found)
    for rung, (share, half) in found.items():
        assert share - half <= 10 ** (-rung / 10), found
