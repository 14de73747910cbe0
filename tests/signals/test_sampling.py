"""Sampling: several answers to one prompt, at a temperature."""

from __future__ import annotations

from gateway.model.look import Look
from gateway.signals.cues import FIGURES
from gateway.signals.sampling import SIGNAL
from tests.signals.callers import look, said


def test_choices_are_told_with_how_many():
    evidence = said(SIGNAL, [look(f"How many boats are {number} and 12?", n=4, temperature=1) for number in range(20)])
    assert evidence.seen == "20 of 20 requests sample a prompt again, 4.0 answers each"


def test_it_alone_reaches_no_rung_that_alters_answers():
    evidence = said(SIGNAL, [look(f"How many boats are {number} and 12?", n=64, temperature=1) for number in range(300)])
    assert evidence.weight <= 12


def test_a_request_that_failed_and_comes_again_is_no_sample():
    failed = Look(words=4, exact=77, status=503, cues=FIGURES)
    assert said(SIGNAL, [failed] * 30) is None
    assert said(SIGNAL, [Look(words=4, exact=77, status=200, cues=FIGURES)] * 30) is not None


def test_wordings_to_choose_from_are_no_samples_unless_there_are_more_than_anybody_reads():
    def lines(many):
        return [
            look(f"Suggest a subject line for {boat} boats.", n=many, temperature=1) for boat in ("red", "old", "small", "fast") * 8
        ]

    assert said(SIGNAL, lines(4)) is None
    assert said(SIGNAL, lines(16)) is not None
