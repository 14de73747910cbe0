"""Roads cut short: what the client is told, what is charged, and what the record says of it."""

from __future__ import annotations

import pytest

from gateway.core.outcomes import bytes_in, costed, cut, cut_off, expected, outcome_of
from gateway.core.replies import Relayed
from gateway.core.trail import Outcome
from gateway.dialects.base import Seen
from gateway.model.decision import Refusal
from gateway.model.policy import Price
from gateway.model.request import NO_USAGE, Estimate, RequestFacts, Usage

FACTS = RequestFacts("openai", "openai.chat", model="m", body_size=70, estimate=Estimate(10, 20, True))
COUNTED = Seen(Usage(input=3, output=2, source="counted"))


@pytest.mark.parametrize(
    ("reason", "end", "status"),
    [("client_gone", "client_gone", 0), ("cancelled", "client_gone", 0), ("shutdown", "shutdown", 503), ("fault", "fault", 500)],
)
def test_who_is_still_there_is_told_and_who_has_gone_is_not(reason, end, status):
    outcome = cut(reason)
    assert (outcome.end, outcome.status, outcome.fault) == (end, status, reason)
    assert (outcome.refusal is None) is (status == 0)


@pytest.mark.parametrize("reason", ["client_gone", "shutdown", "fault"])
def test_an_answer_that_has_begun_keeps_its_status_and_what_passed_of_it(make, reason):
    trail = make.door(make.policy()).trail
    outcome = cut_off(trail, 200, reason, Relayed(COUNTED, "client_gone", 17, True, 900, bytes_in=5))
    assert (outcome.status, outcome.refusal, outcome.upstream_status) == (200, None, 200)
    assert (outcome.bytes_in, outcome.bytes_out, outcome.first_byte_us, outcome.seen) == (5, 17, 900, COUNTED)


def test_an_answer_that_has_not_begun_can_still_be_refused_cleanly(make):
    trail = make.door(make.policy()).trail
    outcome = cut_off(trail, 200, "fault", Relayed(COUNTED, "client_gone", 0, False))
    assert (outcome.status, outcome.upstream_status) == (500, 200)
    assert outcome.refusal.reason == "fault"
    assert cut_off(trail, 200, "client_gone", Relayed(COUNTED, "client_gone", 0, False)).refusal is None


def test_what_nobody_could_count_is_charged_as_expected(make):
    trail = make.replace(make.door(make.policy()).trail, facts=FACTS)
    assert cut_off(trail, 200, "fault", None).seen.usage == Usage(input=10, output=20, source="estimated")
    assert expected(None) == NO_USAGE


@pytest.mark.parametrize(
    ("announced", "read", "passed", "bytes_"),
    [(70, 70, 0, 70), (None, 70, 0, 70), (None, -1, 900, 900), (900, -1, 40, 900), (None, -1, 0, 0)],
    ids=["read", "read, chunked", "passed, chunked", "passed in part", "none"],
)
def test_a_chunked_body_counts_though_it_announces_nothing(make, announced, read, passed, bytes_):
    trail = make.door(make.policy(), content_length=announced).trail
    trail = make.replace(trail, facts=make.replace(FACTS, body_size=read))
    assert bytes_in(trail, Outcome("complete", 200, bytes_in=passed)) == bytes_


def test_a_refusal_before_the_upstream_counts_as_no_request():
    refusal = Refusal("limit_requests", 429, "Wait.", "limit.rpm")
    assert outcome_of(refusal) == Outcome("refused", 429, refusal, requests=0)


def test_an_outcome_costs_what_its_tokens_do_by_the_policy_in_force(make):
    used = Outcome("complete", 200, seen=Seen(Usage(input=3, output=5, source="upstream")))
    facts = RequestFacts("openai", "openai.chat", model="m")
    priced = make.replace(make.door(make.policy(prices=(Price("m", 2_000_000, 7_000_000),))).trail, facts=facts)
    assert costed(priced, used).seen.usage.micro_cost == 41
    assert costed(make.replace(priced, facts=None), used) is used
    assert costed(make.replace(priced, policy=make.policy()), used) is used
