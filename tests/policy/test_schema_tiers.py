"""Callers, tiers, limits and feature caps as they are written."""

from __future__ import annotations

import pytest

from gateway.policy.schema_tiers import LimitBlock

LIMIT = {"id": "l", "count": "requests", "rate": "1/second"}


def test_per_is_one_subject_or_several():
    assert LimitBlock.model_validate({**LIMIT, "per": "key"}).per == ["key"]
    assert LimitBlock.model_validate({**LIMIT, "per": ["account", "model"]}).per == ["account", "model"]


@pytest.mark.parametrize("subject", ["key", "account", "model", "tier", "peer", "campaign", "everyone"])
def test_every_subject_can_be_counted_for(small, subject):
    assert small.policy("per: key", f"per: {subject}").tiers["free"].limits[0].per == (subject,)


@pytest.mark.parametrize(
    "count", ["requests", "tokens", "input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens", "bytes"]
)
def test_every_count_has_rates(small, count):
    assert small.policy("count: requests", f"count: {count}").tiers["free"].limits[0].count == count


@pytest.mark.parametrize("rate", ["5/minute", "0.5/hour", "20/day", "20 per 2 days", "20/week", "2000.25/month", "9007199254/lifetime"])
def test_money_has_rates_with_decimals(small, rate):
    written = f"count: money, shadow: true, rate: {rate}"
    assert small.policy("count: requests, rate: 20/minute", written).tiers["free"].limits[0].count == "money"


@pytest.mark.parametrize("written", ["-1", "1001", "true", "[1]", "few"])
def test_logprobs_are_a_number_or_one_of_two_words(small, written):
    assert "logprobs" in small.problems("[small-*]\n", f"[small-*]\n    features: {{ logprobs: {written} }}\n")[0]


@pytest.mark.parametrize("written", ["ban", "[]", "[x]", "[true]", "-100"])
def test_bias_is_a_word_or_a_list_of_numbers(small, written):
    assert "logit_bias" in small.problems("[small-*]\n", f"[small-*]\n    features: {{ logit_bias: {written} }}\n")[0]


def test_a_tier_says_what_becomes_of_streams_and_a_limit_may_say_otherwise(small):
    whole = "    models: [small-*]\n    limits:\n      - { id: free-rpm, count: requests, rate: 20/minute, per: key }\n"
    limits = "".join(
        f"      - {{ id: l{number}, count: {count}, rate: 20/minute, per: key }}\n"
        for number, count in enumerate(["tokens", "requests", "tokens, when_spent: continue"])
    )
    read = small.policy(whole, f"    models: [small-*]\n    when_spent: finish\n    limits:\n{limits}")
    assert [limit.when_spent for limit in read.tiers["free"].limits] == ["finish", "continue", "continue"]
