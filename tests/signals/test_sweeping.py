"""Sweeping: one prompt, temperatures stepped up."""

from __future__ import annotations

from gateway.model.value import replace
from gateway.signals.sweeping import SIGNAL
from tests.signals.callers import look, said


def asked(number, temperature):
    return look(f"Where is the town that has {number} bridges?", temperature=temperature)


def test_steps_are_told_with_numbers():
    evidence = said(SIGNAL, [asked(number, step / 4) for number in range(10) for step in range(4)])
    assert evidence.seen == "30 of 40 requests ask a prompt again at another temperature"
    assert evidence.kind == "parameters"


def test_the_same_setting_again_is_a_vote():
    assert said(SIGNAL, [asked(number, 0.7) for number in range(10) for _ in range(4)]) is None


def test_a_request_that_failed_was_not_asked():
    failed = [replace(asked(number, step / 4), status=503) for number in range(10) for step in range(4)]
    assert said(SIGNAL, failed) is None
