"""Anthropic's counts: a later word replaces an earlier one, a missing one leaves it."""

from __future__ import annotations

import pytest

from gateway.dialects.anthropic_usage import Block, Counts, UsageSaid, sealed_tokens, tokens_of, usage_at_end
from gateway.model.request import Estimate, RequestFacts, Usage

FACTS = RequestFacts("anthropic.messages", "messages", estimate=Estimate(40, 64, output_given=True))


def test_the_total_input_is_what_is_plain_written_to_the_cache_and_read_from_it():
    counts = Counts()
    counts.take(UsageSaid(input_tokens=1, cache_creation_input_tokens=20, cache_read_input_tokens=300, output_tokens=4))
    assert counts.usage() == Usage(321, 4, cached=300, source="upstream")


def test_what_a_later_word_leaves_out_stays():
    counts = Counts()
    counts.take(UsageSaid(input_tokens=10, output_tokens=1))
    counts.take(UsageSaid(output_tokens=9))
    assert counts.usage() == Usage(10, 9, source="upstream")


def test_no_count_is_below_zero():
    counts = Counts()
    counts.take(UsageSaid(input_tokens=-5, output_tokens=-1))
    assert counts.usage() == Usage(0, 0, source="upstream")


def test_what_is_counted_is_never_less_than_the_upstream_said():
    counts = Counts()
    counts.take(UsageSaid(output_tokens=12))
    assert counts.counted(FACTS, 3, 0) == Usage(40, 12, source="counted")
    assert counts.counted(FACTS, 30, 5) == Usage(40, 30, reasoning=5, source="counted")


@pytest.mark.parametrize(
    ("block", "tokens"),
    [
        (Block(type="text", text="word"), (1, 0)),
        (Block(type="text"), (0, 0)),
        (Block(type="thinking", thinking="", signature="A" * 160), (30, 30)),
        (Block(type="thinking", thinking="word", signature="A" * 160), (1, 1)),
        (Block(type="redacted_thinking", data="A" * 160), (30, 30)),
        (Block(type="web_search_tool_result"), (0, 0)),
    ],
)
def test_the_tokens_of_a_block(block, tokens):
    assert tokens_of(block)[:2] == tokens


def test_a_sealed_text_is_three_bytes_in_four_letters():
    assert sealed_tokens("A" * 16) == 3


@pytest.mark.parametrize(
    ("tail", "output"),
    [
        (b'"usage": {"input_tokens": 3, "output_tokens": 4}}', 4),
        (b'{"usage":{"input_tokens":1,"output_tokens":2}},"usage":{"input_tokens":3,"output_tokens":4}, "x": 1}', 4),
        (b'"usage":{"input_tokens":3,"output_tokens":', None),
        (b'"usage":{"output_tokens":3}', None),
        (b'"usage":null', None),
        (b"nothing", None),
        (b'\\"usage\\": {"input_tokens": 3, "output_tokens": 4}', None),
    ],
)
def test_the_usage_at_an_end(tail, output):
    usage = usage_at_end(tail)
    assert (usage.output_tokens if usage else None) == output
