"""How a verdict stands on the ladder: what it lacks for more, when it will have faded."""

from __future__ import annotations

import pytest

from gateway.core.decide import climb
from gateway.core.explaining import standing
from gateway.model.decision import Action
from gateway.model.evidence import Evidence, Verdict
from gateway.model.policy import Policy, Rung, SignalRule, StepDown
from gateway.model.value import replace
from gateway.risk.fading import as_of

NOW_US = 1_795_000_000_000_000
DAY_US = 86_400_000_000
LADDER = (
    Rung("open", 0.0, Action.ALLOW),
    Rung("eye", 10.0, Action.WATCH),
    Rung("slow", 20.0, Action.THROTTLE),
    Rung("bend", 30.0, Action.PERTURB),
)


def policy(**given):
    return Policy(
        "p", "1", "d" * 64, (), {}, ladder=LADDER, half_life_us=3 * DAY_US,
        signals={"elicitation": SignalRule("elicitation", "wording", "enforce", 25.0)}, **given,
    )  # fmt: skip


def verdict(score, *kinds, **given):
    reasons = tuple(Evidence(f"s-{kind}", "1", kind, score / max(1, len(kinds)), "seen", "threshold") for kind in kinds)
    return Verdict(score, frozenset(kinds), reasons=reasons, high=score, at_us=NOW_US, **given)


def test_what_is_missing_for_the_next_rung_is_told_in_decibans():
    told = standing(policy(), verdict(14.0, "wording"), NOW_US)
    assert (told.ladder.acting.id, told.next_.rung.id, told.next_.decibans, told.next_.kinds) == ("eye", "slow", 6.0, 0)


def test_where_the_score_would_do_a_kind_of_evidence_is_missing():
    told = standing(policy(), verdict(45.0, "wording"), NOW_US)
    assert (told.ladder.acting.id, told.next_.rung.id, told.next_.decibans, told.next_.kinds) == ("slow", "bend", 0.0, 1)


def test_with_exactly_what_is_missing_the_next_rung_is_reached():
    for score, kinds in [(14.0, ("wording",)), (3.5, ()), (24.0, ("wording", "structure"))]:
        lacks = standing(policy(), verdict(score, *kinds), NOW_US).next_
        assert climb(policy(), verdict(score + lacks.decibans, *kinds)).intended == lacks.rung


def test_on_the_highest_rung_nothing_is_missing():
    assert standing(policy(), verdict(31.0, "wording", "structure"), NOW_US).next_ is None


def test_a_score_of_twice_a_rung_is_below_it_after_one_half_life():
    told = standing(policy(), verdict(20.0, "wording"), NOW_US)
    assert [one.rung.id for one in told.fades] == ["slow", "eye"]
    assert told.fades[0].at_us - NOW_US < 2_000_000  # just reached: gone as soon as it is judged anew
    assert told.fades[1].at_us - NOW_US == pytest.approx(3 * DAY_US, rel=1e-6)


@pytest.mark.parametrize("step_down", [StepDown(), StepDown(5.0, DAY_US), StepDown(0.0, 2 * DAY_US)])
def test_the_moment_told_is_the_one_at_which_the_ladder_lets_go(step_down):
    """Not worked out beside `climb` and `as_of`: the moment before, the rung holds; at the moment, it does not."""
    given, put = policy(step_down=step_down), verdict(33.0, "wording", "structure", peaks=((NOW_US, 33.0),))
    for fade in standing(given, put, NOW_US).fades:
        assert climb(given, as_of(given, put, fade.at_us)).intended.at < fade.rung.at
        assert climb(given, as_of(given, put, fade.at_us - 2)).intended.at >= fade.rung.at


def test_what_never_fades_says_so():
    still = replace(policy(), half_life_us=0)
    assert [one.at_us for one in standing(still, verdict(12.0, "wording"), NOW_US).fades] == [None]


def test_whom_a_person_confirmed_is_flagged_without_any_evidence_and_it_does_not_fade():
    told = standing(policy(), Verdict(confirmed=True), NOW_US)
    assert (told.ladder.acting.id, told.next_) == ("bend", None)
    assert {one.at_us for one in told.fades} == {None}


def test_on_a_ladder_that_alters_nothing_the_highest_rung_is_for_whom_was_confirmed():
    mild = Policy("p", "1", "d" * 64, (), {}, ladder=LADDER[:3])
    assert climb(mild, Verdict(confirmed=True)).acting.id == "slow"


def test_each_signal_says_how_far_it_is_from_its_cap():
    reasons = (Evidence("elicitation", "1", "wording", 18.5, "41 of 52", "8"), Evidence("linkage", "1", "linkage", 3.0, "2", "15"))
    parts = standing(policy(), Verdict(18.5, reasons=reasons, at_us=NOW_US), NOW_US).parts
    assert [(part.cap, part.left, part.level) for part in parts] == [(25.0, 6.5, "enforce"), (None, None, "watch")]
