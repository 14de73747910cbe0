"""What a person's decision makes of a verdict."""

from __future__ import annotations

from gateway.model.evidence import NO_VERDICT, Evidence, Verdict
from gateway.model.ruling import Ruling
from gateway.model.value import replace
from gateway.risk.ruled import LET_GO_US, let_go, ruled

CLEARED = Ruling("k", "cleared", 1_000, "maria", "one exercise")
CONFIRMED = Ruling("k", "confirmed", 1_000, "maria", "sells it")


def test_nobody_decided_so_the_verdict_stands():
    verdict = Verdict(40.0, at_us=5)
    assert ruled(verdict, None) is verdict


def test_a_verdict_from_before_a_caller_was_cleared_is_none():
    assert ruled(Verdict(40.0, at_us=1_000), CLEARED) == NO_VERDICT
    assert ruled(Verdict(40.0, at_us=1_001), CLEARED).score == 40.0


def test_a_confirmed_caller_s_verdict_says_so_even_where_nothing_is_known():
    assert ruled(NO_VERDICT, CONFIRMED).confirmed
    assert ruled(Verdict(12.0, at_us=9_000), CONFIRMED).score == 12.0


def test_its_campaign_does_not_draw_a_cleared_caller_in_for_a_week():
    linked = Evidence("linkage", "1", "linkage", 25.0, "3 accounts", "15 decibans")
    campaign = Verdict(40.0, reasons=(linked,), at_us=2_000)
    assert let_go(CLEARED, campaign)
    assert ruled(campaign, CLEARED) == NO_VERDICT
    assert ruled(replace(campaign, at_us=1_000 + LET_GO_US), CLEARED).score == 40.0
    assert not let_go(CONFIRMED, campaign)
    assert not let_go(None, campaign)


def test_evidence_of_its_own_that_is_larger_than_its_campaign_s_counts_at_once():
    told = Evidence("linkage", "1", "linkage", 25.0, "3 accounts", "15 decibans", counted=False)
    own = Evidence("elicitation", "1", "wording", 22.0, "41 of 52", "8")
    assert ruled(Verdict(22.0, reasons=(own, told), campaign="c-1", at_us=2_000), CLEARED).score == 22.0
