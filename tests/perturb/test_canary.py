"""A reference number behind prose."""

from __future__ import annotations

import pytest

from gateway.perturb.canary import PER_EPOCH, PERTURBATION, CanaryOptions, canaries
from tests.perturb.test_logprobs import context

ALWAYS = CanaryOptions(share=1.0, least_words=5)
PROSE = "The tide comes in twice a day, and the moon is why."


def said(text, options=ALWAYS):
    edit = PERTURBATION.text(context(), options)
    return "".join(edit.feed(letter) for letter in text) + edit.finish(), edit


def test_it_stands_behind_prose_and_is_one_of_the_callers():
    text, edit = said(PROSE)
    assert text.startswith(PROSE + "\n\n(Reference ")
    assert text.rpartition(" ")[2].rstrip(")") in canaries(b"s" * 32, "k", 1)
    assert (edit.count, len(edit.notes)) == (1, 1)


@pytest.mark.parametrize("text", ["Too short.", PROSE[:-5], PROSE + "\n```\ncode.\n```", PROSE + "\n- a point.", PROSE + "\n| a cell."])
def test_what_does_not_end_as_prose_does_is_left_alone(text):
    assert said(text)[0] == text


def test_callers_have_different_ones():
    mine, theirs = canaries(b"s" * 32, "k", 1), canaries(b"s" * 32, "j", 1)
    assert len({*mine, *theirs}) == 2 * PER_EPOCH


def test_a_share_of_answers_carries_one():
    drawn = [PERTURBATION.text(context(digest=bytes([number] * 32)), CanaryOptions(share=0.2)) for number in range(200)]
    assert 15 < sum(edit is not None for edit in drawn) < 75
