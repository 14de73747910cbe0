"""Requests: the facts of one that nobody has read, and what usage adds up to."""

from __future__ import annotations

from gateway.model.request import NO_USAGE, RequestFacts, Usage


def test_facts_of_an_unread_body_ask_for_nothing_special():
    facts = RequestFacts("openai", "openai.chat")
    assert (facts.logprobs, facts.logit_bias, facts.choices, facts.max_output, facts.ambiguous) == (-1, None, 1, None, "")


def test_a_total_counts_cached_and_reasoning_tokens_once():
    assert Usage(input=10, output=20, cached=5, reasoning=15).total == 30
    assert NO_USAGE.total == 0
    assert NO_USAGE.source == "none"
