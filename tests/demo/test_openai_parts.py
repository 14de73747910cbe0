"""What OpenAI's text APIs have in common."""

from __future__ import annotations

import pytest

from gateway.demo.ask import Ask, Fault, Prompt
from gateway.demo.openai_parts import finish_reason, form_of, told_logprob, usage
from gateway.demo.speech import Draft, Piece


def test_usage_adds_up_over_all_drafts():
    drafts = [Draft(Ask(Prompt("rivers"), 30, reason=True, ignore_end=True), index) for index in range(2)]
    for draft in drafts:
        list(draft)
    told = usage(Prompt("rivers"), drafts)
    assert told["completion_tokens"] == 60
    assert told["total_tokens"] == 61
    assert told["completion_tokens_details"]["reasoning_tokens"] == sum(draft.reasoning_tokens for draft in drafts) > 0


def test_a_token_tells_its_bytes_also_beyond_ascii():
    told = told_logprob(Piece("text", " é", -0.5, ((" é", -0.5), (" a", -1.0))), 2)
    assert told["bytes"] == [32, 195, 169]
    assert [other["logprob"] for other in told["top_logprobs"]] == [-0.5, -1.0]


def test_a_recited_token_stands_alone():
    assert told_logprob(Piece("text", "{"), 3)["top_logprobs"] == [{"token": "{", "logprob": 0.0, "bytes": [123]}]
    assert told_logprob(Piece("text", "{"), 0)["top_logprobs"] == []


@pytest.mark.parametrize(("finish", "said"), [("stop", "stop"), ("stop_text", "stop"), ("length", "length"), ("tool", "tool_calls")])
def test_why_it_ended(finish, said):
    draft = Draft(Ask(Prompt("x"), 1))
    draft.finish = finish
    assert finish_reason(draft) == said


def test_the_form_of_an_answer():
    schema = {"type": "object"}
    assert form_of({}, "f", nested=True) is None
    assert form_of({"f": {"type": "text"}}, "f", nested=True) is None
    assert form_of({"f": {"type": "json_object"}}, "f", nested=True) == {}
    assert form_of({"f": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}}, "f", nested=True) == schema
    assert form_of({"f": {"type": "json_schema", "name": "n", "schema": schema}}, "f", nested=False) == schema
    with pytest.raises(Fault):
        form_of({"f": {"type": "json_schema", "schema": schema}}, "f", nested=False)
