"""What is remembered of callers stays within its budget; the least interesting is forgotten first."""

from __future__ import annotations

import gc
import tracemalloc
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.evidence import Evidence, Verdict
from gateway.model.look import Look
from gateway.risk.callers import MOST_BYTES, Callers, Known
from tests.risk.counting import Counting, Counts

SIGNAL = Counting()
SIGNALS = {"elicitation": SIGNAL}


def seen(callers, key_id, *, asked=1, score=0.0, at_us=1):
    known = callers.of(key_id)
    state = known.states.setdefault("elicitation", SIGNAL.fresh())
    for _ in range(asked):
        SIGNAL.watch(state, Look(key_id=key_id, cues=1))
    known.score, known.at_us, known.requests = score, at_us, known.requests + asked
    return known


def test_a_caller_is_remembered_whether_it_is_held_open_or_packed():
    callers = Callers(SIGNALS, 64 * 1024)  # two are held open
    for number in range(6):
        seen(callers, f"k{number}", asked=number + 1)
    assert [callers.find(f"k{number}").states["elicitation"] for number in range(6)] == [Counts(n + 1, n + 1) for n in range(6)]
    assert sorted(callers.keys()) == [f"k{number}" for number in range(6)]
    assert callers.find("nobody") is None
    assert len(callers) == 6


def test_the_lowest_scored_and_longest_silent_is_forgotten_first():
    callers = Callers(SIGNALS, 4 * MOST_BYTES)
    for number in range(200):
        seen(callers, f"k{number}", score=30.0 if number == 3 else 0.0)
    assert callers.find("k3") is not None
    assert callers.find("k0") is None
    assert callers.find("k199") is not None
    assert callers.forgotten == 200 - len(callers)


@given(st.lists(st.tuples(st.integers(0, 60), st.floats(-10, 60)), max_size=150), st.integers(0, 3000))
def test_the_budget_holds_whatever_comes(requests, padding):
    signals = {"elicitation": Counting(padding=padding)}
    budget = 5 * MOST_BYTES
    callers = Callers(signals, budget)
    for number, score in requests:
        seen(callers, f"k{number}", score=score)
        assert callers.size <= budget
    assert len(callers) == len(set(callers.keys()))


def test_a_signal_that_keeps_more_than_it_may_has_no_memory_of_packed_callers():
    callers = Callers({"elicitation": Counting(padding=MOST_BYTES)}, 4 * MOST_BYTES)
    seen(callers, "k0", score=12.0)
    seen(callers, "k1")
    kept = callers.find("k0")
    assert kept.states == {}
    assert kept.score == 12.0


def test_what_another_process_knows_stands_in_the_place_of_what_is_known_here():
    here, there = Callers(SIGNALS, 10**6), Callers(SIGNALS, 10**6)
    seen(here, "k", asked=3, at_us=10)
    seen(there, "k", asked=4, at_us=20, score=7.0)
    here.put("k", there.dump("k"), "t1")
    known = here.find("k")
    assert known.states["elicitation"] == Counts(4, 4)
    assert (known.requests, known.at_us, known.score, known.token) == (4, 20, 7.0, "t1")
    assert len(here) == 1
    assert here.dump("nobody") is None


def test_all_that_is_known_of_a_caller_is_packed_with_it():
    reason = Evidence("elicitation", "1", "wording", 12.0, "seen", "5%")
    carried = Verdict(12.0, frozenset({"wording"}), "c-1", (reason,), 14.0, 12.0, 7, course=b"12345678", peaks=((5, 14.0),))
    told = Known(11, 12, 13.0, "rule", ((1, 2.0), (3, 1.0)), {"elicitation": Counts(2, 1)}, carried, 14, 15, "token")
    assert all(getattr(told, field.name) != getattr(Known(), field.name) for field in fields(Known))  # a new one belongs in here too
    callers = Callers(SIGNALS, 4 * MOST_BYTES)  # one is held open
    for field in fields(Known):
        setattr(callers.of("k"), field.name, getattr(told, field.name))
    callers.of("another")
    assert callers.find("k") == told
    assert callers.of("k") == told


def test_a_caller_of_whom_much_was_told_and_of_whom_most_is_remembered_takes_no_more_than_it_may():
    reasons = tuple(Evidence(f"signal-{number}", "1", "wording", 12.0, "7 of 9 prompts ask for it " * 4, "5%") for number in range(16))
    callers = Callers({"elicitation": Counting(padding=MOST_BYTES)}, 4 * MOST_BYTES)
    known = seen(callers, "k", score=30.0)
    known.carried = Verdict(30.0, frozenset({"wording"}), "c-1", reasons, 30.0, 30.0, 7, course=bytes(256))
    callers.of("another")
    assert len(callers.dump("k")) <= MOST_BYTES
    assert callers.find("k").carried == known.carried


def test_what_is_reckoned_of_packed_callers_is_no_less_than_what_they_take():
    gc.collect()
    tracemalloc.start()
    callers = Callers(SIGNALS, 64 * 1024 * 1024)
    callers._most_open = 1
    for _ in range(3):  # they come and go: the order of forgetting is at its longest
        for number in range(3_000):
            callers.of(f"{number:064x}")
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert taken <= callers.size


def test_the_state_of_another_version_is_left_out():
    old = Callers(SIGNALS, 10**6)
    seen(old, "k", asked=3)
    newer = Counting()
    newer.version = "2"
    new = Callers({"elicitation": newer}, 10**6)
    new.put("k", old.dump("k"), "t1")
    assert new.find("k").states == {}
    assert new.find("k").requests == 3


@pytest.mark.parametrize("packed", [b"", b"{}", b'[1,1,0.0,"",[],{"elicitation":["1",3]}]'])
def test_what_cannot_be_read_is_refused_and_changes_nothing(packed):
    callers = Callers(SIGNALS, 10**6)
    with pytest.raises(ValueError, match=r"."):
        callers.put("k", packed, "t1")
    assert len(callers) == 0


def test_a_caller_can_be_dropped():
    callers = Callers(SIGNALS, 64 * 1024)
    for number in range(5):
        seen(callers, f"k{number}")
    assert callers.drop("k0")
    assert callers.drop("k4")
    assert not callers.drop("k4")
    assert len(callers) == 3


def test_what_was_seen_before_a_caller_was_cleared_is_gone_wherever_it_is_taken_up_again():
    callers = Callers(SIGNALS, 64 * 1024)
    seen(callers, "k", asked=9, score=40.0)
    before = callers.dump("k")
    callers.clear("k", 10)
    assert (callers.find("k").states, callers.find("k").score, callers.find("k").since_us) == ({}, 0.0, 10)
    callers.put("k", before, "another-process")
    assert callers.find("k").states == {}
    seen(callers, "k", asked=2)
    since = callers.dump("k")
    callers.clear("k", 10)
    callers.put("k", since, "another-process")
    assert callers.find("k").states["elicitation"] == Counts(2, 2)


def test_a_caller_that_was_not_known_when_it_was_cleared_is_not_taken_up_from_before():
    there, here = Callers(SIGNALS, 64 * 1024), Callers(SIGNALS, 64 * 1024)
    seen(there, "k", asked=9)
    here.clear("k", 10)
    here.put("k", there.dump("k"), "another-process")
    assert here.find("k").states == {}


def test_a_caller_that_was_cleared_here_and_by_a_state_from_elsewhere_is_not_taken_up_from_before():
    """Even where this process has forgotten when: ten thousand were cleared since."""
    there, here = Callers(SIGNALS, 64 * 1024), Callers(SIGNALS, 64 * 1024)
    seen(there, "k", asked=9)
    before = there.dump("k")
    here.clear("k", 10)
    seen(here, "k", asked=2)
    for number in range(10_001):
        here.clear(f"k{number}", 10)
    here.put("k", before, "another-process")
    assert (here.find("k").states, here.find("k").since_us) == ({}, 10)


def test_what_was_carried_over_is_gone_when_a_caller_is_cleared():
    callers = Callers(SIGNALS, 4 * MOST_BYTES)
    known = seen(callers, "k", score=30.0)
    known.carried, known.carried_us, known.peaks = Verdict(30.0), 5, ((5, 30.0),)
    callers.of("another")  # it is packed now
    callers.clear("k", 10)
    cleared = callers.find("k")
    assert (cleared.carried, cleared.peaks, cleared.score, cleared.requests) == (None, (), 0.0, 1)
