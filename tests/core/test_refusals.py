"""The gateway's own refusals: statuses that SDKs understand, words that say what to do and never what went on inside."""

from __future__ import annotations

from typing import get_args

import pytest

from gateway.core.refusals import audit_lost, internal, no_upstream, not_listed, not_yours, state_lost, upstream_refusal
from gateway.errors import UpstreamFault
from gateway.model.request import RequestFacts

TIME = {"connect_timeout", "first_byte_timeout", "idle_timeout"}
LONG = "x" * 5000


@pytest.mark.parametrize("kind", get_args(UpstreamFault))
def test_an_endpoint_that_is_late_is_a_504_and_one_that_fails_a_502(kind):
    refusal = upstream_refusal(kind)
    assert refusal.status == (504 if kind in TIME else 502)
    assert refusal.reason == f"upstream.{kind}"


def test_an_endpoint_that_broke_off_nobody_knows_how_is_a_502():
    assert (upstream_refusal("").status, upstream_refusal("").reason) == (502, "upstream.broken")


@pytest.mark.parametrize("refusal", [state_lost("quota"), audit_lost(), internal("shutdown")])
def test_what_passes_soon_is_a_503_that_says_when_to_come_back(refusal):
    assert (refusal.status, refusal.retry_us, refusal.final) == (503, 1_000_000, False)


def test_a_fault_of_our_own_is_a_500_that_tells_nothing():
    assert internal("fault").status == 500
    assert internal("fault").message == "The gateway failed on this request."


def test_what_is_not_there_or_not_allowed_is_final():
    for refusal in (no_upstream(RequestFacts("openai", "openai.chat", model="m")), not_yours("file-1"), not_listed("GET /files")):
        assert refusal.final
        assert refusal.status in {403, 404}


def test_another_s_object_and_none_at_all_are_told_alike():
    assert not_yours("file-1").status == 404
    assert "belong" not in not_yours("file-1").message


@pytest.mark.parametrize("refusal", [no_upstream(RequestFacts("o", "o", model=LONG)), not_yours(LONG), not_listed(LONG)])
def test_what_a_client_sent_is_repeated_only_in_part(refusal):
    assert len(refusal.message) < 400
