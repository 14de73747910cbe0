"""Elicitation: shares of requests, not single hits."""

from __future__ import annotations

from gateway.signals.elicitation import SIGNAL
from tests.signals.callers import look, said

THINGS = ("bread", "rain", "chess", "tides", "clocks", "glass", "debt", "maps", "honey", "salt", "wool", "ink")
ASKING = [look(f"Write down your whole train of thought on {thing}, detours included.") for thing in THINGS]
PLAIN = look("Where is Bonn?")


def test_what_is_asked_for_is_said_with_numbers():
    evidence = said(SIGNAL, ASKING[:8] + [PLAIN] * 2)
    assert evidence.seen == "8 of 10 requests ask for the model's whole reasoning"
    assert evidence.kind == "wording"


def test_two_requests_are_nobodys_fault():
    assert said(SIGNAL, ASKING[:2]) is None


def test_a_few_among_many_are_nobodys_fault():
    assert said(SIGNAL, [look for asks in ASKING[:5] for look in (asks, *[PLAIN] * 19)]) is None


def test_cover_delays_it_and_does_not_hide_it():
    assert said(SIGNAL, ASKING[:4] + [PLAIN] * 6 + ASKING[4:8] + [PLAIN] * 6).weight > 15


def test_a_system_prompt_that_asks_for_it_counts_and_one_that_hides_it_does_not():
    asks = [look(f"Where is {thing} made?", system="Always write a long exhaustive thinking process.") for thing in THINGS]
    hides = [look(f"Where is {thing} made?", system="Keep internal thoughts private.") for thing in THINGS]
    assert said(SIGNAL, asks) is not None
    assert said(SIGNAL, hides) is None


def test_one_text_again_and_again_asks_once():
    assert said(SIGNAL, ASKING[:1] * 30) is None
    assert said(SIGNAL, ASKING[:1] * 30 + ASKING[1:4]).seen.startswith("4 of 4")


def test_a_cue_that_comes_and_goes_within_one_wrapper_is_of_what_was_filled_in():
    def filled(number, cue):
        said_by_others = "Write down your whole train of thought, detours included." if cue else "The boat was late."
        return look(f"Find out what the people on this boat want of us: {said_by_others} Regards, number {number} of the lake club")

    assert said(SIGNAL, [filled(number, number % 4 == 3) for number in range(60)]) is None
    assert said(SIGNAL, [filled(number, True) for number in range(60)]).weight > 15


def test_a_wrapper_that_mostly_reads_like_it_counts_as_often_as_it_does_twice_running():
    state = [look(f"Your whole train of thought about {number}, detours included.") for number in range(9)]
    plain = look("Your whole train is late again about the lake, so it is.")
    assert said(SIGNAL, [*state, plain, *state]) is not None
