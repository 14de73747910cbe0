"""The error tree: one base for all, and messages that name place and remedy."""

from __future__ import annotations

import inspect

from gateway import errors
from gateway.errors import (
    BadRequest,
    GatewayError,
    OutcomeUnknown,
    PolicyError,
    PolicyProblem,
    StoreError,
    StoreUnavailable,
    UpstreamError,
)


def test_every_error_has_one_base_and_a_meaning():
    for name in errors.__all__:
        value = getattr(errors, name)
        if inspect.isclass(value) and issubclass(value, Exception):
            assert issubclass(value, GatewayError), name
            assert value.__doc__, name


def test_a_store_s_two_kinds_of_trouble_are_told_apart():
    assert issubclass(StoreUnavailable, StoreError)
    assert issubclass(OutcomeUnknown, StoreError)
    assert not issubclass(OutcomeUnknown, StoreUnavailable)


def test_a_policy_s_mistake_names_its_place_and_what_to_write_instead():
    problem = PolicyProblem("p.yaml", 7, 3, "tiers.free", "unknown field 'limts'", "did you mean 'limits'?")
    assert str(problem) == "p.yaml:7:3: tiers.free: unknown field 'limts' (did you mean 'limits'?)"
    assert str(PolicyProblem("p.yaml", 0, 0, "", "is empty")) == "p.yaml: is empty"


def test_a_policy_error_lists_all_its_mistakes():
    error = PolicyError([PolicyProblem("p", 1, 1, "", "a"), PolicyProblem("p", 2, 1, "", "b")])
    assert str(error).splitlines() == ["p:1:1: a", "p:2:1: b"]


def test_errors_that_are_answered_carry_what_to_answer():
    error = BadRequest("too large", status=413, code="request_too_large", param="input")
    assert (error.status, error.code, error.param, str(error)) == (413, "request_too_large", "input", "too large")
    assert BadRequest("?").status == 400
    failed = UpstreamError("connect_timeout", "no answer", sent=False)
    assert (failed.kind, failed.sent) == ("connect_timeout", False)
