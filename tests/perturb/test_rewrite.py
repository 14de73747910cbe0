"""The trace goes, what was retold takes its place, and the answer stays."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from gateway.perturb.reasoning import PERTURBATION as REASONING
from gateway.perturb.reasoning import ReasoningOptions
from gateway.perturb.retelling import REWRITE, SUMMARISE
from gateway.perturb.rewrite import PERTURBATION, RewriteOptions
from tests.perturb.test_logprobs import context

REWRITER = {"url": "https://r", "model": "small"}
OPTIONS = RewriteOptions(rewriter=REWRITER)


def edited(dialect, *documents, text="Retold."):
    edit = PERTURBATION.answer(context(dialect=dialect), OPTIONS)
    edit.retell(text, "retold")
    out = [after for document in documents for after in edit.edit(document)]
    assert edit.notes == ("retold",)
    return out


def chunk(delta):
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}


def test_a_chat_tells_it_in_the_first_piece_of_reasoning():
    told = [chunk({"reasoning_content": "First"}), chunk({"reasoning_content": " then"}), chunk({"content": "42"})]
    assert edited("openai.chat", *told) == [chunk({"reasoning_content": "Retold."}), chunk({"content": "42"})]
    told = [chunk({"reasoning_content": "First"}), chunk({"content": "42"})]
    assert edited("openai.chat", *told, text=None) == [chunk({"content": "42"})]


def test_a_message_tells_it_in_the_first_delta_and_keeps_its_seal():
    told = [
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}},
        *({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": text}} for text in "ab"),
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "sig"}},
    ]
    _, thought, seal = edited("anthropic.messages", *told)
    assert thought["delta"]["thinking"] == "Retold."
    assert seal["delta"]["signature"].startswith("azs1.")
    (whole,) = edited("anthropic.messages", {"type": "message", "content": [{"type": "thinking", "thinking": "a", "signature": "s"}]})
    assert whole["content"][0]["thinking"] == "Retold."


def test_a_response_tells_it_as_a_summary_wherever_the_item_is_told():
    def item():
        return {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "First"}]}

    told = [
        {"type": "response.reasoning_summary_text.delta", "delta": "First"},
        {"type": "response.output_item.done", "item": item()},
        {"type": "response.completed", "response": {"output": [item(), {**item(), "id": "other"}]}},
    ]
    done, completed = edited("openai.responses", *told)
    summary = [{"type": "summary_text", "text": "Retold."}]
    assert done["item"]["summary"] == summary
    assert [output["summary"] for output in completed["response"]["output"]] == [summary, []]


def test_who_is_asked_and_for_what():
    assert PERTURBATION.retelling(OPTIONS).instruction == REWRITE
    summary = ReasoningOptions(do="summarise", rewriter=REWRITER)
    assert REASONING.retelling(summary).instruction == SUMMARISE
    assert REASONING.retelling(ReasoningOptions()) is None
    with pytest.raises(ValidationError, match="needs a `rewriter`"):
        ReasoningOptions(do="summarise")
