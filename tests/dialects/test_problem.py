"""Problem details: well-formed after RFC 9457, and silent on suspicion."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from gateway.dialects.problem import problem_answer, problem_type, violated_policies
from gateway.model.decision import RefusalKind
from tests.dialects.states import SECOND, a_refusal

REGISTRY = "https://iana.org/assignments/http-problem-types#"


def test_spent_quota_has_the_drafts_type_and_names_the_policy():
    answer = problem_answer(a_refusal(code="rate_limit_exceeded", retry_us=3 * SECOND), request_id="r1")
    headers = dict(answer.headers)
    assert answer.status == 429
    assert json.loads(answer.body) == {
        "type": REGISTRY + "quota-exceeded",
        "title": "Request cannot be satisfied as assigned quota has been exceeded",
        "status": 429,
        "detail": "Rate limit reached.",
        "code": "rate_limit_exceeded",
        "violated-policies": ["rpm"],
    }
    assert headers[b"content-type"] == b"application/problem+json"
    assert headers[b"content-length"] == str(len(answer.body)).encode()
    assert (headers[b"retry-after"], headers[b"x-request-id"]) == (b"3", b"r1")


def test_a_lack_of_capacity_has_its_own_type():
    problem = json.loads(problem_answer(a_refusal("state_lost", 503, "state.quota"), request_id="r").body)
    assert problem["type"] == REGISTRY + "temporary-reduced-capacity"
    assert "violated-policies" not in problem


def test_everything_else_is_told_by_its_status():
    problem = json.loads(problem_answer(a_refusal("route_denied", 403, "route.denied"), request_id="r").body)
    assert (problem["type"], problem["title"], problem["code"]) == ("about:blank", "Forbidden", "route_denied")


def test_a_limit_kept_per_campaign_is_not_named():
    assert violated_policies(a_refusal()) == ("rpm",)
    assert violated_policies(a_refusal(unnamed=True)) == ()


@pytest.mark.parametrize("kind", get_args(RefusalKind))
@pytest.mark.parametrize("status", [400, 403, 429, 503, 529])
def test_no_kind_of_refusal_says_that_use_was_abnormal(kind, status):
    refusal = a_refusal(kind, status, "caller.blocked")
    assert "abnormal" not in problem_type(refusal)
    assert json.loads(problem_answer(refusal, request_id="r").body)["title"]
