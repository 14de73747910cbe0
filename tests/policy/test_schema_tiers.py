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


@pytest.mark.parametrize("count", ["requests", "tokens", "input_tokens", "output_tokens", "bytes"])
def test_every_count_has_rates(small, count):
    assert small.policy("count: requests", f"count: {count}").tiers["free"].limits[0].count == count


def test_money_is_refused_not_ignored(small):
    (problem,) = small.problems("count: requests", "count: money")
    assert "limits on money are not supported by this version" in problem


@pytest.mark.parametrize("written", ["-1", "1001", "true", "[1]", "few"])
def test_logprobs_are_a_number_or_one_of_two_words(small, written):
    assert "logprobs" in small.problems("[small-*]\n", f"[small-*]\n    features: {{ logprobs: {written} }}\n")[0]


@pytest.mark.parametrize("written", ["ban", "[]", "[x]", "[true]", "-100"])
def test_bias_is_a_word_or_a_list_of_numbers(small, written):
    assert "logit_bias" in small.problems("[small-*]\n", f"[small-*]\n    features: {{ logit_bias: {written} }}\n")[0]
