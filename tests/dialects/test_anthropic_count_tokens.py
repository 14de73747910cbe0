"""Counting tokens costs none: the request is known like a message, and nothing in its answer is usage."""

from __future__ import annotations

import pytest

from gateway.dialects.anthropic_count_tokens import AnthropicCountTokens
from gateway.errors import BadRequest
from gateway.model.policy import FeatureCaps
from gateway.model.request import NO_USAGE, Estimate

DIALECT = AnthropicCountTokens()
BLOCK = b'{"type":"document","source":{"type":"file","file_id":"f1"}}'
BODY = b'{"model":"claude-x","max_tokens":9,"messages":[{"role":"user","content":[' + BLOCK + b"]}]}"


def test_model_and_files_are_known_and_no_token_is_expected():
    facts = DIALECT.parse(BODY, length=len(BODY))
    assert (facts.dialect, facts.operation, facts.model, facts.stored_refs) == (
        "anthropic.count_tokens",
        "count_tokens",
        "claude-x",
        ("f1",),
    )
    assert facts.estimate == Estimate(0, 0, output_given=False)
    assert facts.max_output is None


def test_what_cannot_be_read_is_a_bad_request():
    with pytest.raises(BadRequest):
        DIALECT.parse(b"{", length=1)


def test_nothing_is_clipped():
    facts = DIALECT.parse(BODY, length=len(BODY))
    assert DIALECT.edit(BODY, facts, FeatureCaps(max_output=1), ask_usage=True).body is BODY


@pytest.mark.parametrize("status", [200, 400])
def test_the_number_in_the_answer_is_not_usage(status):
    facts = DIALECT.parse(BODY, length=len(BODY))
    relay = DIALECT.relay(facts, status, [(b"content-type", b"application/json")], hide_usage=False)
    assert relay.feed(b'{"input_tokens":') + relay.feed(b"14}") + relay.finish() == b'{"input_tokens":14}'
    assert relay.seen().usage == NO_USAGE
