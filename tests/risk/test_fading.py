"""A verdict says as of when it is true, and whoever reads it later hears what is left."""

from __future__ import annotations

import pytest

from gateway.core.decide import climb
from gateway.model.decision import Action
from gateway.model.evidence import Evidence, Verdict
from gateway.risk.fading import as_of
from gateway.risk.sum import summed, with_peak
from tests.risk.test_sum import DAY_US, HOUR_US, NOW_US, POLICY, said

SPOKEN = [said("elicitation", 20.0), said("coverage", 15.0)]


def judged(at_us=NOW_US, spoken=SPOKEN):
    return with_peak(POLICY, (), summed(POLICY, "all", spoken, age_us=0, now_us=at_us), at_us)[0]


def test_a_silent_caller_fades_by_half_lives_with_its_reasons_and_kinds():
    verdict = judged()
    assert verdict.score == 35.0
    later = as_of(POLICY, verdict, NOW_US + 2 * POLICY.half_life_us)
    assert later.score == pytest.approx(35.0 / 4)
    assert [reason.weight for reason in later.reasons] == [5.0, 3.75]
    assert later.kinds == {"wording", "structure"}
    last = as_of(POLICY, verdict, NOW_US + 6 * POLICY.half_life_us)
    assert last.score < 1
    assert last.observed < 1
    assert last.kinds == frozenset()
    assert climb(POLICY, last).acting.do is Action.ALLOW


def test_it_is_what_judging_it_again_would_have_said():
    for hours in (0.5, 1.9, 2.1, 30, 200):
        age_us = int(hours * HOUR_US)
        again = summed(POLICY, "all", SPOKEN, age_us=age_us, now_us=NOW_US + age_us)
        later = as_of(POLICY, judged(), NOW_US + age_us)
        assert later.score == pytest.approx(again.score)
        assert later.kinds == again.kinds


def test_the_recent_high_holds_for_as_long_as_the_policy_says_and_then_comes_down_too():
    verdict = judged()
    within = as_of(POLICY, verdict, NOW_US + POLICY.step_down.after_us - 1)
    assert within.high == 35.0
    beyond = as_of(POLICY, verdict, NOW_US + POLICY.step_down.after_us + DAY_US)
    assert beyond.high == pytest.approx(35.0 * 0.5 ** (1 / 3))  # what it faded through two hours ago
    assert beyond.score < beyond.high < 35.0


def test_a_lower_peak_that_is_still_recent_counts_when_the_higher_one_is_over():
    verdict = Verdict(10.0, high=35.0, at_us=NOW_US, peaks=((NOW_US - HOUR_US, 35.0), (NOW_US - 60_000_000, 33.0), (NOW_US, 10.0)))
    assert as_of(POLICY, verdict, NOW_US + HOUR_US // 2).high == 35.0
    assert as_of(POLICY, verdict, NOW_US + HOUR_US + HOUR_US // 2).high == 33.0


def test_a_verdict_without_a_time_and_one_of_a_moment_ago_stand_as_they_are():
    given = Verdict(35.0, frozenset({"wording"}), high=35.0)
    assert as_of(POLICY, given, NOW_US) is given
    assert as_of(POLICY, judged(), NOW_US + 900_000).score == 35.0


def test_a_kind_without_a_reason_of_its_own_speaks_as_long_as_the_score_does():
    told = (Evidence("linkage", "1", "linkage", 16.0, "seen", "15"),)
    verdict = Verdict(20.0, frozenset({"linkage", "wording"}), reasons=told, at_us=NOW_US)
    assert as_of(POLICY, verdict, NOW_US + POLICY.half_life_us).kinds == {"linkage", "wording"}
    assert as_of(POLICY, verdict, NOW_US + 4 * POLICY.half_life_us).kinds == frozenset()
