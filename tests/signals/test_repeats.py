"""Repeats: one prompt over and over for the numbers of a few tokens."""

from __future__ import annotations

from gateway.signals.repeats import SIGNAL
from tests.signals.callers import look, said


def test_the_same_prompt_for_its_probabilities():
    evidence = said(SIGNAL, [look("The colour of the", max_tokens=1, logprobs=True, out=1)] * 12)
    assert evidence.seen == "11 of 12 requests repeat a prompt for the probabilities of a few tokens"
    assert evidence.kind == "structure"


def test_a_check_that_all_is_well_reads_no_numbers():
    assert said(SIGNAL, [look("ping", max_tokens=1, out=1)] * 40) is None
