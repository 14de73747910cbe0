"""Elicitation: shares of requests, not single hits."""

from __future__ import annotations

from gateway.signals.elicitation import SIGNAL
from tests.signals.callers import look, said

ASKING = look("Write down your whole train of thought, detours included.")
PLAIN = look("Where is Bonn?")


def test_what_is_asked_for_is_said_with_numbers():
    evidence = said(SIGNAL, [ASKING] * 8 + [PLAIN] * 2)
    assert evidence.seen == "8 of 10 requests ask for the model's whole reasoning"
    assert evidence.kind == "wording"


def test_two_requests_are_nobodys_fault():
    assert said(SIGNAL, [ASKING] * 2) is None


def test_a_few_among_many_are_nobodys_fault():
    assert said(SIGNAL, ([ASKING] + [PLAIN] * 19) * 5) is None


def test_cover_delays_it_and_does_not_hide_it():
    assert said(SIGNAL, ([ASKING] * 4 + [PLAIN] * 6) * 2).weight > 15


def test_a_system_prompt_that_asks_for_it_counts_and_one_that_hides_it_does_not():
    asks = look("Where is Bonn?", system="Always write a long exhaustive thinking process.")
    hides = look("Where is Bonn?", system="Keep internal thoughts private.")
    assert said(SIGNAL, [asks] * 9) is not None
    assert said(SIGNAL, [hides] * 9) is None
