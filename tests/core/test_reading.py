"""Between the steps: who a credential stands for, what a body says, and which bytes go upstream."""

from __future__ import annotations

import json

import pytest

from gateway.core.reading import caller_of, edited, facts_of
from gateway.core.replies import Found, Payload
from gateway.model.caller import Caller
from gateway.model.decision import Refusal
from gateway.model.policy import FeatureCaps, UpstreamRule
from gateway.model.request import RequestFacts

BODY = b'{"model":"m","messages":[{"role":"user","content":"hello"}],"logprobs":true,"top_logprobs":9}'


@pytest.mark.parametrize(
    ("arrival", "key", "reason"),
    [
        ({"source": "anonymous", "key_id": None}, None, "caller.missing"),
        ({}, None, "caller.invalid"),
        ({}, {"revoked_us": 5}, "caller.revoked"),
        ({}, {"expires_us": 5}, "caller.expired"),
    ],
)
def test_a_credential_that_is_no_good_is_told_how(make, arrival, key, reason):
    refused = caller_of(make.arrival(**arrival), Found(make.key(**key) if key else None, 10))
    assert isinstance(refused, Refusal)
    assert (refused.status, refused.reason, refused.final) == (401, reason, True)


def test_what_a_key_s_record_says_stands_over_what_a_proxy_asserts(make):
    arrival = make.arrival(account="said", tier="said", tags=frozenset({"a"}), attributes=(("asn", "64500"),))
    caller = caller_of(arrival, Found(make.key(account="acme", tier="partner", tags=frozenset({"b"})), 1))
    assert (caller.account, caller.tier, caller.tags) == ("acme", "partner", {"a", "b"})
    assert caller.attributes == {"asn": "64500"}
    caller = caller_of(arrival, Found(make.key(account=None), 1))
    assert (caller.account, caller.tier) == ("said", "said")


def test_a_caller_without_an_account_is_its_own(make):
    caller = caller_of(make.arrival(source="client"), Found(None, 1))
    assert caller == Caller(make.key_id, make.key_id, peer="192.0.2.1", source="client")


def test_a_record_of_another_source_is_not_believed(make):
    caller = caller_of(make.arrival(source="asserted", account="acme"), Found(make.key(account="other", revoked_us=0), 1))
    assert (caller.account, caller.source) == ("acme", "asserted")


NO_CAPS = FeatureCaps()


def tiered(make, caps=NO_CAPS, models=("*",), source="client", **policy):
    made = make.policy(**policy)
    made.tiers["standard"] = make.replace(made.tiers["standard"], features=caps, models=models)
    return make.replace(
        make.door(made).trail,
        tier=made.tiers["standard"],
        caller=Caller(make.key_id, "acme", source=source),
        upstream=made.upstreams[0],
    )


@pytest.mark.parametrize("body", [b"no json", b'{"model":"m","model":"n","messages":[]}', b'\xef\xbb\xbf{"model":"m","messages":[]}'])
def test_a_body_that_reads_two_ways_passes_only_where_nothing_hangs_on_it(make, body):
    assert isinstance(facts_of(tiered(make), Payload(body, body)), RequestFacts)
    capped = tiered(make, FeatureCaps(logprobs=1)), tiered(make, models=("small-*",))
    for strict in (*capped, tiered(make, source="issued"), tiered(make, source="issued", mode="shadow")):
        refused = facts_of(strict, Payload(body, body))
        assert isinstance(refused, Refusal)
        assert refused.status == 400
    assert isinstance(facts_of(tiered(make, FeatureCaps(logprobs=1), mode="shadow"), Payload(body, body)), RequestFacts)


def test_a_body_nobody_can_read_is_estimated_by_its_length_so_that_it_still_counts(make):
    facts = facts_of(tiered(make), Payload(b"x" * 400, b"x" * 400))
    assert (facts.estimate.input, facts.estimate.output_given, facts.body_size) == (100, False, 400)
    assert facts.estimate.output > 0


def through(make, trail, body=BODY, wire=None):
    payload = Payload(wire or body, body)
    facts = facts_of(trail, payload)
    assert isinstance(facts, RequestFacts)
    return edited(make.replace(trail, facts=facts, body=payload.wire), trail.tier, facts, body)


def test_the_very_bytes_that_came_go_on_where_nothing_is_clipped(make):
    for free in (tiered(make), tiered(make, FeatureCaps(logprobs=20)), tiered(make, FeatureCaps(logprobs=1), mode="shadow")):
        assert through(make, free).body is BODY
        assert through(make, free).changed == ()


def test_a_feature_over_its_cap_is_clipped_and_the_rest_stays(make):
    after = through(make, tiered(make, FeatureCaps(logprobs=2)))
    assert json.loads(after.body) == {**json.loads(BODY), "top_logprobs": 2}
    assert after.changed == ("clipped.logprobs",)


def test_caps_hold_for_a_body_that_names_no_model_too(make):
    nameless = BODY.replace(b'"model":"m",', b"")
    after = through(make, tiered(make, FeatureCaps(logprobs=2)), nameless)
    assert json.loads(after.body)["top_logprobs"] == 2


def test_an_edited_body_that_came_compressed_goes_on_plain_and_says_so(make):
    assert through(make, tiered(make, FeatureCaps(logprobs=2)), wire=b"gzip").decoded
    untouched = through(make, tiered(make), wire=b"gzip")
    assert (untouched.body, untouched.decoded) == (b"gzip", False)


STREAM = BODY[:-1] + b',"stream":true}'


@pytest.mark.parametrize(
    ("policy", "upstream", "body", "asks"),
    [
        ("ask", "ask", STREAM, True),
        ("count", "ask", STREAM, False),
        ("ask", "count", STREAM, False),
        ("ask", "ask", BODY, False),
        ("ask", "ask", STREAM[:-1] + b',"stream_options":{"include_usage":true}}', False),
    ],
    ids=["both say ask", "the policy counts", "the upstream cannot", "no stream", "the client asked itself"],
)
def test_usage_is_asked_for_only_where_it_is_needed_and_understood(make, policy, upstream, body, asks):
    trail = tiered(make, usage=policy, upstreams=(UpstreamRule("up", "http://u", usage=upstream),))
    after = through(make, trail, body)
    assert after.hides_usage is asks
    assert (b"include_usage" in after.body) is (asks or b"include_usage" in body)


def test_a_policy_that_is_off_touches_nothing(make):
    assert through(make, tiered(make, FeatureCaps(logprobs=2), mode="off")).body is BODY


def test_amounts_of_its_own_come_from_the_key_s_record_alone(make):
    key = make.key(limits=(("rpm", 7),))
    assert caller_of(make.arrival(), Found(key, 1)).limits == {"rpm": 7}
    assert caller_of(make.arrival(), Found(make.key(), 1)).limits == {}
    assert caller_of(make.arrival(source="asserted"), Found(key, 1)).limits == {}


ASKING = b'{"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":100000,"n":8}'


@pytest.mark.parametrize(
    ("caps", "output"),
    [
        (FeatureCaps(max_output=500), 4_000),
        (FeatureCaps(choices=2), 200_000),
        (FeatureCaps(max_output=500, choices=2), 1_000),
        (FeatureCaps(max_output=100_000, choices=8), 800_000),
    ],
)
def test_a_clipped_request_is_expected_to_come_to_what_its_clipped_form_can(make, caps, output):
    facts = through(make, tiered(make, caps), ASKING).facts
    assert (facts.estimate.output, facts.estimate.output_given) == (output, True)
    assert (facts.max_output, facts.choices) == (100_000, 8)


@pytest.mark.parametrize(("cap", "output"), [(50, 50), (9_000, 1024)])
def test_a_bound_that_the_policy_wrote_is_no_word_of_the_client_s(make, cap, output):
    unbounded = b'{"model":"m","messages":[]}'
    estimate = through(make, tiered(make, FeatureCaps(max_output=cap)), unbounded).facts.estimate
    assert (estimate.output, estimate.output_given) == (output, False)
