"""Evidence: the kinds there are, and the verdict on somebody nobody knows."""

from __future__ import annotations

from gateway.model.evidence import KINDS, NO_VERDICT


def test_the_kinds_are_those_that_the_policy_counts():
    assert KINDS == ("wording", "structure", "parameters", "arrival", "linkage")


def test_nobody_is_suspected_without_evidence():
    assert (NO_VERDICT.score, NO_VERDICT.high, NO_VERDICT.kinds, NO_VERDICT.campaign) == (0.0, 0.0, frozenset(), None)
