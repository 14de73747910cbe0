"""How an answer's helpings are measured."""

from __future__ import annotations

from gateway.perturb.base import Pace
from gateway.perturb.pace import PERTURBATION, PaceOptions


def test_the_options_are_a_pace():
    assert PERTURBATION.pace(PaceOptions(tokens_per_second=40, every=0.5)) == Pace(40, 500_000)
