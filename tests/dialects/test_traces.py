"""Reasoning and answer, read out of whole answers and streams of each dialect."""

from __future__ import annotations

import json

import pytest

from gateway.dialects.traces import told_in


def whole(document):
    return json.dumps(document).encode(), False


def stream(*documents):
    return b"".join(b"data: %s\n\n" % json.dumps(document).encode() for document in documents) + b"data: [DONE]\n\n", True


def chunk(index=0, **delta):
    return {"choices": [{"index": index, "delta": delta}]}


@pytest.mark.parametrize(
    ("body", "streamed"),
    [
        whole({"choices": [{"message": {"reasoning_content": "because", "content": "42"}}, {"index": 1, "message": {"content": "n"}}]}),
        stream(chunk(reasoning="be"), chunk(1, content="no"), chunk(reasoning="cause"), chunk(content="4"), chunk(content="2")),
        whole({"type": "message", "content": [{"type": "thinking", "thinking": "because"}, {"type": "text", "text": "42"}]}),
        stream(
            {"type": "content_block_start", "content_block": {"type": "thinking", "thinking": ""}},
            {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": "because"}},
            {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "42"}},
        ),
        whole({"output": [{"type": "reasoning", "summary": [{"text": "because"}]}, {"type": "message", "content": [{"text": "42"}]}]}),
        stream(
            {"type": "response.reasoning_summary_text.delta", "delta": "because"},
            {"type": "response.output_text.delta", "delta": "42"},
            {"type": "response.output_text.done", "text": "42"},
        ),
    ],
)  # fmt: skip
def test_the_trace_and_the_answer_are_found(body, streamed):
    assert told_in(body, stream=streamed) == ("because", "42")


def test_what_cannot_be_read_tells_nothing():
    assert told_in(b"{", stream=False) == ("", "")
    assert told_in(b"data: {\n\ndata: [1]\n\n", stream=True) == ("", "")
