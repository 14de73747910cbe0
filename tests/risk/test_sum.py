"""Evidence adds up to a verdict: caps, fading, kinds, watching, exemptions, the floor, the recent high."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.decide import climb
from gateway.model.decision import Action
from gateway.model.evidence import Evidence, Verdict
from gateway.model.policy import Exemption, Policy, Rung, SignalRule, StepDown
from gateway.risk.sum import FLOOR, exempt_signals, faded, larger, summed, with_peak

HOUR_US = 3600 * 1_000_000
DAY_US = 24 * HOUR_US
NOW_US = 1_790_000_000_000_000

POLICY = Policy(
    "p", "1", "0" * 64, (), {},
    signals={
        "elicitation": SignalRule("elicitation", "wording", "enforce", 25.0),
        "coverage": SignalRule("coverage", "structure", "enforce", 20.0),
        "cadence": SignalRule("cadence", "arrival", "watch", 15.0),
        "ramp": SignalRule("ramp", "arrival", "off", 15.0),
    },
    exemptions=(Exemption("e", "evals", frozenset({"elicitation"}), NOW_US + DAY_US, "TS-1"),),
    half_life_us=3 * DAY_US,
    step_down=StepDown(5.0, 2 * HOUR_US),
    ladder=(Rung("open", 0.0, Action.ALLOW), Rung("slowed", 20.0, Action.THROTTLE), Rung("blurred", 30.0, Action.PERTURB)),
)  # fmt: skip

KINDS = {"elicitation": "wording", "coverage": "structure", "cadence": "arrival", "ramp": "arrival"}


def said(signal: str, weight: float) -> Evidence:
    return Evidence(signal, "1", KINDS[signal], weight, "seen", "threshold")


def verdict_on(*evidence: Evidence, rule: str = "everyone", age_us: int = 0, now_us: int = NOW_US, policy: Policy = POLICY) -> Verdict:
    return summed(policy, rule, evidence, age_us=age_us, now_us=now_us)


def test_evidence_adds_and_each_kind_that_spoke_is_named():
    verdict = verdict_on(said("elicitation", 12.0), said("coverage", 9.0))
    assert verdict.score == pytest.approx(21.0)
    assert verdict.kinds == {"wording", "structure"}
    assert [reason.signal for reason in verdict.reasons] == ["elicitation", "coverage"]


def test_a_signal_adds_no_more_than_its_cap():
    verdict = verdict_on(said("elicitation", 80.0))
    assert verdict.score == 25.0
    assert verdict.reasons[0].weight == 25.0


def test_a_kind_that_barely_whispers_has_not_spoken():
    verdict = verdict_on(said("elicitation", 29.0), said("coverage", 2.0))
    assert verdict.kinds == {"wording"}


def test_one_kind_alone_never_alters_an_answer():
    lifted = replace(POLICY, signals={"elicitation": SignalRule("elicitation", "wording", "enforce", 60.0)})
    verdict = verdict_on(said("elicitation", 60.0), policy=lifted)
    assert climb(lifted, verdict).acting.do is Action.THROTTLE


def test_a_watched_signal_is_told_and_observed_but_never_acted_on():
    verdict = verdict_on(said("cadence", 15.0), said("coverage", 6.0))
    assert verdict.score == pytest.approx(6.0)
    assert verdict.observed == pytest.approx(21.0)
    assert verdict.kinds == {"structure"}
    assert [(reason.signal, reason.counted) for reason in verdict.reasons] == [("cadence", False), ("coverage", True)]
    ladder = climb(POLICY, verdict)
    assert ladder.acting.do is Action.ALLOW
    assert ladder.observed == pytest.approx(21.0)


def test_a_signal_that_is_off_or_not_in_the_policy_says_nothing():
    nothing = verdict_on(said("ramp", 15.0), Evidence("unheard", "1", "wording", 30.0, "", ""))
    assert (nothing.score, nothing.observed, nothing.reasons) == (0.0, 0.0, ())


def test_an_exemption_holds_for_its_rule_and_until_its_date():
    evidence = said("elicitation", 20.0)
    assert verdict_on(evidence, rule="evals").score == 0.0
    assert verdict_on(evidence, rule="evals").observed == pytest.approx(20.0)
    assert verdict_on(evidence, rule="everyone").score == pytest.approx(20.0)
    assert exempt_signals(POLICY, "evals", NOW_US + DAY_US - 1) == {"elicitation"}
    assert verdict_on(evidence, rule="evals", now_us=NOW_US + DAY_US).score == pytest.approx(20.0)


def test_half_of_the_evidence_is_left_after_a_half_life():
    assert verdict_on(said("coverage", 16.0), age_us=3 * DAY_US).score == pytest.approx(8.0)
    assert verdict_on(said("coverage", 16.0), age_us=9 * DAY_US).score == pytest.approx(2.0)


def test_nothing_is_left_after_an_age_and_a_half_life_of_nothing_never_fades():
    assert faded(25.0, 10**18, 1) == 0.0
    assert faded(25.0, 10**18, 0) == 25.0
    assert faded(25.0, -5, DAY_US) == 25.0


def test_what_speaks_for_a_caller_counts_down_to_the_floor():
    assert verdict_on(said("coverage", -4.0), said("elicitation", 9.0)).score == pytest.approx(5.0)
    assert verdict_on(said("coverage", -20.0), said("elicitation", -25.0)).score == FLOOR


def test_the_high_is_the_highest_score_within_step_down():
    first, peaks = with_peak(POLICY, (), Verdict(32.0), NOW_US)
    later, peaks = with_peak(POLICY, peaks, Verdict(27.0), NOW_US + HOUR_US)
    last, peaks = with_peak(POLICY, peaks, Verdict(12.0), NOW_US + 2 * HOUR_US + 1)
    assert (first.high, later.high, last.high) == (32.0, 32.0, 27.0)


@given(st.lists(st.tuples(st.integers(0, HOUR_US), st.floats(-10, 60)), min_size=1, max_size=60))
def test_the_high_is_exact_for_few_peaks_and_bounded_for_many(steps):
    peaks, now_us, told = (), NOW_US, []
    for step_us, score in steps:
        now_us += step_us
        told.append((now_us, score))
        verdict, peaks = with_peak(POLICY, peaks, Verdict(score), now_us)
        window = [was for at_us, was in told if at_us >= now_us - POLICY.step_down.after_us]
        assert score <= verdict.high <= max(window)
        assert len(peaks) <= 8
        assert [was for _, was in peaks] == sorted((was for _, was in peaks), reverse=True)


@given(st.lists(st.tuples(st.sampled_from(sorted(KINDS)), st.floats(-1e6, 1e6)), max_size=12), st.integers(0, 10**15))
def test_a_score_is_finite_and_never_below_the_floor_or_above_the_caps(heard, age_us):
    once = dict(heard)
    verdict = verdict_on(*[said(signal, weight) for signal, weight in once.items()], age_us=age_us)
    assert math.isfinite(verdict.score)
    assert FLOOR <= verdict.score <= 45.0
    assert verdict.kinds <= {"wording", "structure"}


def test_a_member_of_a_campaign_has_the_larger_evidence_and_not_the_sum():
    own, campaign = Verdict(12.0, frozenset({"wording"}), high=14.0), Verdict(33.0, frozenset({"linkage"}), "c-1", high=33.0)
    assert larger(own, campaign).score == 33.0
    assert larger(own, campaign).campaign == "c-1"
    strong = larger(Verdict(40.0, frozenset({"wording"}), high=40.0), campaign)
    assert (strong.score, strong.kinds, strong.campaign) == (40.0, {"wording"}, "c-1")
