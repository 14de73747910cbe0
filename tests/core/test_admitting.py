"""What a request asks of the queue before its upstream, and what its end says of that upstream."""

from __future__ import annotations

import pytest

from gateway.core.admitting import ask_of, ended
from gateway.core.exchange import Admit, Reserve
from gateway.core.replies import Found, Payload
from gateway.core.trail import Outcome
from gateway.dialects.base import Seen
from gateway.model.admission import Group
from gateway.model.evidence import NO_VERDICT, Verdict
from gateway.model.limit import Count, Taken
from gateway.model.policy import Tier
from gateway.model.request import Usage

BODY = b'{"model":"m","stream":true,"messages":[{"role":"user","content":"hello"}],"max_tokens":5}'
SUSPECT = Verdict(25.0, frozenset({"wording", "arrival"}), high=25.0)


def admitted(make, *limits, verdict=NO_VERDICT, tier="normal", source="issued", **policy):
    policy = make.policy(*limits, **policy)
    policy.tiers["standard"] = Tier("standard", ("*",), limits, routes=("*",), priority=tier)
    step = make.door(policy, source=source).next(Found(make.key() if source == "issued" else None, 1))
    step = step.next(Payload(BODY, BODY)).next(verdict).next()
    step = step.next(Taken(True, ())) if isinstance(step, Reserve) else step
    assert isinstance(step, Admit)
    return step.trail


def test_a_request_takes_its_account_s_turn_in_its_tier_s_class(make):
    ask = ask_of(admitted(make, tier="low"))
    assert (ask.id, ask.upstream.id, ask.model, ask.caller) == ("d1", "up", "m", "acme")
    assert (ask.priority, ask.weight, ask.groups, ask.acts, ask.own_credential) == ("low", 1.0, (), True, False)


def test_of_the_classes_that_its_limits_name_the_last_counts(make):
    limits = [make.limit("a", priority="high"), make.limit("b"), make.limit("c", priority="batch"), make.limit("d", priority="low")]
    assert ask_of(admitted(make, *limits)).priority == "batch"
    assert ask_of(admitted(make, *limits[:2], tier="low")).priority == "high"
    assert ask_of(admitted(make, make.limit("a", priority="batch", shadow=True))).priority == "normal"


def test_a_throttled_caller_has_a_smaller_share_of_turns_and_of_adaptive_places(make):
    limit = make.limit("slots", Count.CONCURRENT, 8, adaptive="gradient")
    free, slowed = ask_of(admitted(make, limit)), ask_of(admitted(make, limit, verdict=SUSPECT))
    assert (free.weight, slowed.weight) == (1.0, 0.5)
    assert [(group.craft, group.most) for group in (*free.groups, *slowed.groups)] == [("gradient", 8), ("gradient", 4)]
    assert free.groups[0] == Group(slowed.groups[0].key, "gradient", 8)


def test_limits_in_shadow_make_nobody_wait(make):
    assert ask_of(admitted(make, make.limit("slots", Count.CONCURRENT, 8, adaptive="aimd", shadow=True))).groups == ()


@pytest.mark.parametrize("mode", ["shadow", "off"])
def test_a_policy_that_only_watches_makes_nobody_wait(make, mode):
    assert not ask_of(admitted(make, mode=mode)).acts


def test_a_caller_with_a_credential_of_his_own_is_known_as_such(make):
    assert ask_of(admitted(make, source="client", credentials="client")).own_credential


def fate(make, end="complete", status=200, fault="", **seen):
    outcome = Outcome(end, status, upstream_status=status, fault=fault, seen=Seen(Usage(3, 50), **seen))
    return ended(admitted(make), outcome).fate


@pytest.mark.parametrize("status", [429, 503, 529])
def test_an_upstream_without_room_dropped_the_request(make, status):
    assert fate(make, status=status) == "dropped"


@pytest.mark.parametrize("fault", ["connect_timeout", "first_byte_timeout", "idle_timeout"])
def test_a_timeout_is_a_drop(make, fault):
    assert fate(make, "upstream_failed", 0, fault) == "dropped"


@pytest.mark.parametrize(
    ("end", "status", "fault"),
    [("client_gone", 200, "client_gone"), ("complete", 400, ""), ("complete", 500, ""), ("upstream_failed", 0, "connect"),
     ("upstream_truncated", 200, "broken"), ("refused", 0, ""), ("shutdown", 200, "shutdown"), ("fault", 200, "fault")],
)  # fmt: skip
def test_our_own_refusals_departed_clients_and_wrong_requests_say_nothing(make, end, status, fault):
    assert fate(make, end, status, fault) == "ignored"


def test_an_error_inside_a_good_answer_is_no_success(make):
    assert fate(make, error=True) == "ignored"
    assert fate(make) == "success"


def test_an_end_tells_its_times_and_what_the_upstream_asked_for(make):
    trail = admitted(make)
    outcome = Outcome("complete", 200, upstream_status=200, first_byte_us=4_250_000, seen=Seen(Usage(3, 50)), cooldown_us=7)
    end = ended(trail, outcome)
    assert (end.first_us, end.tokens, end.stream, end.status, end.cooldown_us) == (4_250_000, 50, True, 200, 7)


def test_the_pace_of_a_throttled_stream_is_ours_and_teaches_nothing(make):
    trail = admitted(make, verdict=SUSPECT)
    assert ended(trail, Outcome("complete", 200, upstream_status=200, seen=Seen(Usage(3, 50)))).tokens == 0
