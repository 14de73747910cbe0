"""Embeddings: all input, no output, and no body is ever changed."""

from __future__ import annotations

import json

import pytest

from gateway.dialects.openai_embeddings import OpenAIEmbeddings
from gateway.model.policy import BiasCap, FeatureCaps
from gateway.model.request import Usage
from tests.dialects.streams import EVENTS, JSON, passed

EMBEDDINGS = OpenAIEmbeddings()


def parse(value):
    text = json.dumps({"model": "embed", "input": value, "dimensions": 8}).encode()
    return EMBEDDINGS.parse(text, length=len(text))


@pytest.mark.parametrize(("value", "tokens"), [([1, 2, 3], 3), ([[1], [2, 3]], 3), ([7], 1)])
def test_token_numbers_are_counted_exactly(value, tokens):
    assert parse(value).estimate.input == tokens


@pytest.mark.parametrize("value", ["a text", ["a text", "another"], "", []])
def test_texts_are_estimated_and_never_at_zero(value):
    assert parse(value).estimate.input > 0
    assert (parse(value).estimate.output, parse(value).estimate.output_given) == (0, True)


def test_the_body_is_the_very_same_object_under_any_cap():
    text = b'{"model":"embed","input":"a","n":5,"logprobs":5}'
    caps = FeatureCaps(logprobs=-1, choices=1, max_output=1, logit_bias=BiasCap("strip"))
    assert EMBEDDINGS.edit(text, EMBEDDINGS.parse(text, length=0), caps, ask_usage=True).body is text


def test_usage_is_all_input():
    body = json.dumps({"object": "list", "data": [{"embedding": [0.1] * 8}], "usage": {"prompt_tokens": 5, "total_tokens": 5}}).encode()
    out, end, seen = passed(EMBEDDINGS.relay(parse("a"), 200, JSON, hide_usage=False), body, [30])
    assert out + end == body
    assert seen.usage == Usage(5, 0, source="upstream")


def test_the_vectors_of_an_answer_without_usage_are_not_taken_for_tokens():
    facts = parse([1, 2, 3])
    for body in (b'{"data":[{"embedding":[0.1,0.2]}]}', b'{"data":[{"embedding":[0.1,0.'):
        assert passed(EMBEDDINGS.relay(facts, 200, JSON, hide_usage=False), body)[2].usage == Usage(3, 0, source="counted")


def test_there_is_no_stream_here_so_one_passes_as_any_other_answer():
    out, end, _ = passed(EMBEDDINGS.relay(parse("a"), 200, EVENTS, hide_usage=False), b"data: {}\n\ndata: [DONE]\n\n", [10])
    assert out + end == b"data: {}\n\ndata: [DONE]\n\n"
