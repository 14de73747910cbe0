"""What a person's decision makes of a verdict."""

from __future__ import annotations

from gateway.model.evidence import NO_VERDICT, Verdict
from gateway.model.ruling import Ruling
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


def test_a_cleared_caller_is_let_go_for_a_week_or_until_its_own_evidence_speaks():
    assert let_go(CLEARED, Verdict(2.0), 2_000)
    assert not let_go(CLEARED, Verdict(9.0, kinds=frozenset({"wording"})), 2_000)
    assert not let_go(CLEARED, Verdict(2.0), 1_000 + LET_GO_US)
    assert not let_go(CONFIRMED, Verdict(2.0), 2_000)
    assert not let_go(None, Verdict(2.0), 2_000)
