"""Peaks over a caller's whole life, and the baseline made of them."""

from __future__ import annotations

from gateway.risk.fitting import Peaks
from gateway.signals.elicitation import SIGNAL
from tests.signals.callers import look

ASKING = [
    look(f"Write down your whole train of thought on {thing}, detours included.") for thing in ("bread", "rain", "chess", "salt", "ink")
]
PLAIN = look("Where is Bonn?")


def test_a_callers_highest_value_stays_though_it_calms_down():
    peaks = Peaks({"elicitation": SIGNAL})
    for asks in ASKING:
        peaks.see("k", asks)
    highest = peaks.of("k")["elicitation"]
    for _ in range(200):
        peaks.see("k", PLAIN)
    assert peaks.of("k") == {"elicitation": highest}


def test_a_baseline_is_of_the_callers_chosen():
    peaks = Peaks({"elicitation": SIGNAL})
    for number in range(40):
        for asks in ASKING:
            peaks.see(f"k{number}", asks if number == 7 else PLAIN)
    everybody, others = peaks.baseline("all"), peaks.baseline("some", frozenset(f"k{number}" for number in range(40) if number != 7))
    assert (everybody.callers, others.callers) == (40, 39)
    assert len(everybody.peaks["elicitation"]) == 1
    assert others.peaks == {"elicitation": ()}
    assert everybody.weight("elicitation", 20.0) < others.weight("elicitation", 20.0)
