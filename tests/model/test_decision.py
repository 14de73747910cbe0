"""Decisions: the ladder's actions in their order."""

from __future__ import annotations

from gateway.model.decision import Action, Decision, Refusal


def test_actions_compare_from_the_mildest_to_the_hardest():
    words = ["allow", "watch", "throttle", "perturb", "challenge", "refuse"]
    assert [action.word for action in sorted(Action)] == words
    assert Action.WATCH < Action.PERTURB <= Action.CHALLENGE


def test_a_plain_decision_scales_alters_and_hides_nothing():
    decision = Decision("forward", Action.ALLOW, Action.ALLOW, "open", "open", "p@1#0")
    assert (decision.share, decision.perturbations, decision.limits, decision.shadowed) == (1.0, (), (), ())


def test_a_refusal_promises_no_time_and_lets_clients_retry_unless_it_says_otherwise():
    refusal = Refusal("internal", 500, "m", "fault")
    assert refusal.retry_us is None
    assert not refusal.final
