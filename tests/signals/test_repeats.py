"""Repeats: one prompt over and over for the numbers of a few tokens."""

from __future__ import annotations

from gateway.signals.repeats import SIGNAL
from tests.signals.callers import look, said


def probe(number):
    return look("The colour of the", max_tokens=1, logprobs=True, logit_bias={str(number): 50}, out=1)


def test_the_same_prompt_for_its_probabilities():
    evidence = said(SIGNAL, [probe(number) for number in range(12)])
    assert evidence.seen == "11 of 12 requests repeat a prompt under other biases, for a few tokens or their probabilities"
    assert evidence.kind == "structure"


def test_the_same_question_under_the_same_biases_is_a_classifiers():
    assert said(SIGNAL, [probe(1)] * 40) is None


def test_a_check_that_all_is_well_reads_no_numbers():
    assert said(SIGNAL, [look("ping", max_tokens=1, out=1)] * 40) is None
