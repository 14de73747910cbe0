"""Withheld and bound reasoning, event by event."""

from __future__ import annotations

import pytest

from gateway.perturb.reasoning import PERTURBATION, ReasoningOptions
from gateway.perturb.seal import open_text
from tests.perturb.test_logprobs import context

ASKED = {"messages": [{"role": "user", "content": "hi"}]}


def through(dialect, events, do="withhold"):
    where = context(dialect, asked=ASKED)
    edit = PERTURBATION.answer(where, ReasoningOptions(do=do))
    return [after for event in events for after in edit.edit(event)], edit, where


def thinking():
    return [
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "so "}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "be it"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "sig"}},
        {"type": "content_block_stop", "index": 0},
    ]


def test_a_withheld_thought_is_in_its_seal():
    events, edit, where = through("anthropic.messages", thinking())
    assert [event["type"] for event in events] == ["content_block_start", "content_block_delta", "content_block_stop"]
    assert open_text(events[1]["delta"]["signature"], where) == '["so be it","sig"]'
    assert edit.count == 3


def test_a_bound_thought_is_told_and_its_signature_sealed():
    events, _, where = through("anthropic.messages", thinking(), "bind")
    assert [event["delta"]["thinking"] for event in events[1:3]] == ["so ", "be it"]
    assert open_text(events[3]["delta"]["signature"], where) == '[null,"sig"]'


def test_chunks_that_told_only_reasoning_are_left_out():
    chunks = [
        {"choices": [{"index": 0, "delta": {"reasoning_content": "hm"}, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {"role": "assistant", "reasoning": "hm"}, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {"reasoning_content": "hm"}, "finish_reason": "stop"}]},
        {"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": None}]},
    ]
    events, _, _ = through("openai.chat", chunks)
    assert [event["choices"][0]["delta"] for event in events] == [{"role": "assistant"}, {}, {"content": "a"}]


def test_a_response_that_is_fetched_again_has_no_block_to_take_away():
    edit = PERTURBATION.answer(context("openai.responses"), ReasoningOptions())
    item = {"type": "reasoning", "summary": [{"text": "x"}], "content": [{"text": "y"}], "encrypted_content": "opaque"}
    (after,) = edit.edit({"output": [item]})
    assert after["output"] == [{"type": "reasoning", "summary": [], "content": [], "encrypted_content": None}]


@pytest.mark.parametrize(
    ("dialect", "do"), [("openai.chat", "bind"), ("openai.embeddings", "withhold"), ("openai.completions", "bind")]
)
def test_where_there_is_nothing_to_do_nothing_is_made(dialect, do):
    assert PERTURBATION.answer(context(dialect), ReasoningOptions(do=do)) is None
