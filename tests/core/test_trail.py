"""The trail: what is known of a request, as its opened line and its headers need it."""

from __future__ import annotations

from gateway.core.trail import Outcome
from gateway.model.caller import Caller
from gateway.model.record import Opened
from gateway.model.request import NO_USAGE, RequestFacts


def test_an_opened_line_names_caller_and_model(make):
    trail = make.replace(
        make.door(make.policy()).trail, caller=Caller(make.key_id, "acme"), facts=RequestFacts("openai", "openai.chat", model="m")
    )
    assert trail.opened_line(7) == Opened("d1", 7, make.key_id, "acme", "m")


def test_an_opened_line_can_be_written_before_anything_is_known(make):
    assert make.door(make.policy()).trail.opened_line(7) == Opened("d1", 7, "", "", "")


def test_usage_is_hidden_exactly_where_the_gateway_asked_for_it(make):
    trail = make.door(make.policy()).trail
    assert not trail.hides_usage
    assert not make.replace(trail, changed=("clipped.logprobs",)).hides_usage
    assert make.replace(trail, changed=("clipped.logprobs", "usage_asked")).hides_usage


def test_an_outcome_counts_as_one_request_and_no_tokens_unless_it_says_otherwise():
    outcome = Outcome("complete", 200)
    assert (outcome.requests, outcome.seen.usage, outcome.bytes_in, outcome.bytes_out) == (1, NO_USAGE, 0, 0)
