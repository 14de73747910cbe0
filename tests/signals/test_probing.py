"""Probing: numbers read under biases that change."""

from __future__ import annotations

from gateway.signals.probing import SIGNAL
from tests.signals.callers import look, said


def reading(number, **more):
    return look("The colour of the", max_tokens=1, logit_bias={str(number): 50}, out=1, **more)


def test_it_speaks_within_twenty_requests():
    evidence = said(SIGNAL, [reading(number, logprobs=True) for number in range(12)])
    assert evidence.weight > 20
    assert evidence.seen.startswith("11 of 12 requests read a token")


def test_one_set_of_biases_that_stays_is_a_classifiers():
    assert said(SIGNAL, [reading(5, logprobs=True)] * 50) is None


def test_biases_without_reading_are_a_products():
    assert said(SIGNAL, [look("Write a poem.", logit_bias={str(number): -100}) for number in range(50)]) is None
