"""Looks go in, a verdict comes out; what is switched off is not even fed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.model.look import Look
from gateway.model.policy import Policy, SignalRule
from gateway.risk.scales import Scales, active
from tests.risk.counting import Counting, Straight

DAY_US = 24 * 3600 * 1_000_000
SIGNALS = {"elicitation": Counting(), "coverage": Counting("coverage", bit=2)}
POLICY = Policy(
    "p", "1", "0" * 64, (), {},
    signals={
        "elicitation": SignalRule("elicitation", "wording", "enforce", 20.0),
        "coverage": SignalRule("coverage", "structure", "off", 20.0),
        "linkage": SignalRule("linkage", "linkage", "enforce", 20.0),
    },
    half_life_us=DAY_US,
)  # fmt: skip


def weighed(scales, cues, policy=POLICY):
    return [scales.weigh(policy, "everyone", Look(key_id="k", at_us=second, cues=mask)) for second, mask in enumerate(cues)]


def test_only_signals_that_exist_and_are_not_off_are_active():
    assert active(POLICY, SIGNALS) == ("elicitation",)
    assert active(replace(POLICY, signals={}), SIGNALS) == ()


def test_a_caller_who_keeps_asking_is_suspected_up_to_the_cap_and_one_who_does_not_is_not():
    asked = weighed(Scales(SIGNALS, Straight()), [1] * 5)
    assert [verdict.score for verdict in asked] == [0.0, 20.0, 20.0, 20.0, 20.0]
    assert asked[-1].kinds == {"wording"}
    assert asked[-1].reasons[0].seen == "5 of 5 prompts ask for it"
    assert weighed(Scales(SIGNALS, Straight()), [0] * 5)[-1].score == pytest.approx(-8.0)


def test_a_signal_that_is_off_is_not_fed():
    scales = Scales(SIGNALS, Straight())
    weighed(scales, [3, 3])
    assert list(scales.callers.find("k").states) == ["elicitation"]


def test_a_verdict_fades_while_the_caller_is_silent_and_is_remembered_as_its_high():
    scales = Scales(SIGNALS, Straight())
    weighed(scales, [1] * 3)
    later = scales.standing(POLICY, "k", 2 + DAY_US)
    assert later.score == pytest.approx(10.0)
    assert scales.standing(POLICY, "nobody", 0) is None


def test_the_same_looks_give_the_same_verdict_after_packing():
    roomy, narrow = Scales(SIGNALS, Straight()), Scales(SIGNALS, Straight(), memory=20_000)
    for at_us in range(6):
        look = Look(key_id="k", at_us=at_us, cues=at_us % 2)
        one, other = roomy.weigh(POLICY, "everyone", look), narrow.weigh(POLICY, "everyone", look)
        narrow.weigh(POLICY, "everyone", Look(key_id=f"other{at_us}"))
        assert one == other
