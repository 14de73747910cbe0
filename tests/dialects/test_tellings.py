"""Which events tell a piece of text and nothing else."""

from __future__ import annotations

import pytest

from gateway.dialects.tellings import TELLINGS, chat_telling, message_telling, response_telling


def chunk(delta, **more):
    return {"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": None}], **more}


def test_the_text_of_each_dialect_is_found():
    document = chunk({"content": "a"}, usage=None, obfuscation="x")
    assert chat_telling(document) == (document["choices"][0]["delta"], "content")
    completion = {"choices": [{"index": 0, "text": "a", "logprobs": None}]}
    assert TELLINGS["openai.completions"](completion) == (completion["choices"][0], "text")
    response = {"type": "response.output_text.delta", "sequence_number": 4, "delta": "a", "logprobs": []}
    assert response_telling(response) == (response, "delta")
    message = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a"}}
    assert message_telling(message) == (message["delta"], "text")


@pytest.mark.parametrize(
    "document",
    [
        {}, {"choices": []}, {"choices": [1]}, chunk({}), chunk({"content": None}), chunk({"role": "assistant", "content": ""}),
        chunk({"content": "a", "tool_calls": [{}]}), chunk({"content": "a", "reasoning": "b"}), chunk({"content": "a"}, usage={"a": 1}),
        chunk({"content": "a"}, citations=["x"]), chunk({"content": "a"}, error={"message": "x"}),
        {"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}]},
        {"choices": [{"index": 0, "delta": {"content": "a"}, "logprobs": {"content": []}}]},
        {"choices": [{"index": 0, "text": "a", "finish_reason": "stop"}]},
        {"choices": [{"delta": {"content": "a"}}, {"delta": {"content": "a"}}]},
    ],
)  # fmt: skip
def test_a_chunk_that_tells_anything_else_is_none(document):
    assert chat_telling(document) is None


def test_what_ends_or_thinks_or_cites_is_none():
    assert response_telling({"type": "response.output_text.done", "text": "a"}) is None
    assert response_telling({"type": "response.output_text.delta", "delta": "a", "logprobs": [{"token": "a"}]}) is None
    assert message_telling({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "a"}}) is None
    assert message_telling({"type": "content_block_stop", "index": 0}) is None
