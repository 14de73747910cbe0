"""Chat completions, as the official SDK sees them."""

from __future__ import annotations

import json
import math

import openai
import pytest
from pydantic import BaseModel

from gateway.demo.vocabulary import VOCABULARY, theme_of, token_id

RIVERS = [{"role": "user", "content": "Tell me about rivers."}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}},
    },
}


def ask(client, **other):
    return client.chat.completions.create(**{"model": "any-name", "messages": RIVERS, "seed": 7, **other})


def test_it_answers_in_sentences_and_tells_what_it_used(client):
    answer = ask(client)
    choice = answer.choices[0]
    assert answer.model == "any-name"
    assert choice.message.role == "assistant"
    assert choice.message.content.endswith(".")
    assert choice.message.content[0].isupper()
    assert choice.finish_reason == "stop"
    assert answer.usage.prompt_tokens == 5
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.completion_tokens_details.reasoning_tokens == 0
    assert answer.system_fingerprint
    assert answer.service_tier == "default"


def test_a_stream_says_what_the_whole_answer_says(client):
    whole = ask(client)
    chunks = list(ask(client, stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].usage == whole.usage
    assert chunks[-1].choices == []
    assert chunks[-2].choices[0].finish_reason == "stop"


def test_other_chunks_carry_a_null_usage_only_when_usage_was_asked_for(http):
    body = {"model": "m", "messages": RIVERS, "stream": True, "max_tokens": 2}

    def chunks(body):
        lines = http.post("/chat/completions", json=body).text.split("\n\n")
        assert lines[-2:] == ["data: [DONE]", ""]
        return [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]

    plain = chunks(body)
    asked = chunks({**body, "stream_options": {"include_usage": True}})
    assert all("usage" not in chunk for chunk in plain)
    assert [chunk["usage"] for chunk in asked[:-1]] == [None] * (len(asked) - 1)
    assert asked[-1]["usage"]["completion_tokens"] == 2


def test_a_seed_gives_the_same_answer_again_and_temperature_0_needs_none(client):
    def said(**other):
        return ask(client, **other).choices[0].message.content

    assert said(seed=1) == said(seed=1)
    assert said(seed=1) != said(seed=2)
    assert said(seed=None, temperature=0) == said(seed=None, temperature=0)
    assert len({said(seed=None) for _ in range(4)}) > 1


def test_other_questions_get_other_answers_about_their_own_theme(client):
    def said(text):
        return ask(client, messages=[{"role": "user", "content": text}], temperature=0).choices[0].message.content

    assert said("Tell me about the river.") != said("Tell me more about the river!")
    assert theme_of(said("A painter in her studio."), 0) == "art"
    assert theme_of(said("My password and my keyboard?"), 0) == "machine"


def test_several_choices_differ_and_stream_side_by_side(client):
    whole = ask(client, n=3)
    assert len({choice.message.content for choice in whole.choices}) == 3
    streamed = ["", "", ""]
    for chunk in ask(client, n=3, stream=True):
        streamed[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    assert streamed == [choice.message.content for choice in whole.choices]


def test_logprobs_belong_to_the_text(client):
    choice = ask(client, logprobs=True, top_logprobs=20).choices[0]
    told = choice.logprobs.content
    assert "".join(one.token for one in told) == choice.message.content
    assert b"".join(bytes(one.bytes) for one in told).decode() == choice.message.content
    for one in told:
        assert len(one.top_logprobs) == 20
        assert [top.logprob for top in one.top_logprobs] == sorted((top.logprob for top in one.top_logprobs), reverse=True)
        assert sum(math.exp(top.logprob) for top in one.top_logprobs) < 1.0 + 1e-9
        same = [top.logprob for top in one.top_logprobs if top.token == one.token]
        assert same in ([], [one.logprob])


def test_streamed_logprobs_are_those_of_the_whole_answer(client):
    whole = ask(client, logprobs=True, top_logprobs=2).choices[0].logprobs.content
    chunks = ask(client, logprobs=True, top_logprobs=2, stream=True)
    assert [one for chunk in chunks if chunk.choices[0].logprobs for one in chunk.choices[0].logprobs.content] == whole


def test_logit_bias_bans_and_forces_tokens(client):
    banned = {str(token.id): -100 for token in VOCABULARY if token.parts & {"start", "starts"}}
    first = [ask(client, logit_bias=banned, seed=seed, max_tokens=1).choices[0].message.content for seed in range(12)]
    assert {token_id(" " + word) for word in first} <= {token.id for token in VOCABULARY if "lead" in token.parts}
    forced = ask(client, logit_bias={str(token_id(" otter")): 100}, max_tokens=4)
    assert forced.choices[0].message.content == "otter otter otter otter"
    assert forced.choices[0].finish_reason == "length"


def test_a_stop_text_ends_the_answer_and_is_not_told(client):
    text = ask(client).choices[0].message.content
    stop = text.split()[3]
    cut = ask(client, stop=[stop]).choices[0]
    assert cut.message.content == text[: text.index(stop)]
    assert cut.finish_reason == "stop"
    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in ask(client, stop=stop, stream=True))
    assert streamed == cut.message.content


def test_max_tokens_cuts_and_says_so(client):
    for name in ("max_tokens", "max_completion_tokens"):
        answer = ask(client, **{name: 5})
        assert answer.choices[0].finish_reason == "length"
        assert answer.usage.completion_tokens == 5


def test_ignore_eos_goes_on_to_the_limit(client):
    assert ask(client, max_tokens=300, extra_body={"ignore_eos": True}).usage.completion_tokens == 300


def test_a_small_top_p_takes_only_the_likeliest(client):
    assert ask(client, top_p=1e-9).choices[0].message.content == ask(client, temperature=0).choices[0].message.content


@pytest.mark.parametrize("asked", [{"reasoning_effort": "low"}, {"model": "demo-reasoning"}])
def test_reasoning_comes_first_and_counts(client, asked):
    answer = ask(client, **asked)
    assert answer.choices[0].message.reasoning_content.startswith("The request is about ")
    assert 0 < answer.usage.completion_tokens_details.reasoning_tokens < answer.usage.completion_tokens
    deltas = [chunk.choices[0].delta for chunk in ask(client, stream=True, **asked)]
    assert "".join(getattr(delta, "reasoning_content", "") for delta in deltas) == answer.choices[0].message.reasoning_content
    assert "".join(delta.content or "" for delta in deltas) == answer.choices[0].message.content


def test_no_reasoning_without_asking(client):
    assert not hasattr(ask(client).choices[0].message, "reasoning_content")
    assert not hasattr(ask(client, model="demo-reasoning", reasoning_effort="none").choices[0].message, "reasoning_content")


def test_a_demanded_tool_is_called_with_arguments_that_fit(client):
    choice = ask(client, tools=[WEATHER], tool_choice={"type": "function", "function": {"name": "get_weather"}}).choices[0]
    call = choice.message.tool_calls[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    assert call.function.name == "get_weather"
    arguments = json.loads(call.function.arguments)
    assert isinstance(arguments["city"], str)
    assert isinstance(arguments["days"], int)


def test_a_free_choice_follows_the_question_and_a_result_is_answered_in_words(client):
    question = [{"role": "user", "content": "How is the weather in Oslo?"}]
    call = ask(client, messages=question, tools=[WEATHER]).choices[0].message.tool_calls[0]
    assert ask(client, tools=[WEATHER]).choices[0].message.tool_calls is None
    assert ask(client, messages=question, tools=[WEATHER], tool_choice="none").choices[0].message.tool_calls is None
    answered = [
        *question,
        {"role": "assistant", "tool_calls": [call.model_dump()]},
        {"role": "tool", "tool_call_id": call.id, "content": "sunny"},
    ]
    assert ask(client, messages=answered, tools=[WEATHER]).choices[0].message.content


def test_a_streamed_tool_call_gathers_to_the_same(client):
    asked = {"tools": [WEATHER], "tool_choice": "required"}
    whole = ask(client, **asked).choices[0].message.tool_calls[0].function
    deltas = [chunk.choices[0] for chunk in ask(client, stream=True, **asked)]
    calls = [call for choice in deltas for call in choice.delta.tool_calls or []]
    assert calls[0].function.name == whole.name
    assert calls[0].id
    assert "".join(call.function.arguments for call in calls) == whole.arguments
    assert deltas[-1].finish_reason == "tool_calls"


class Place(BaseModel):
    name: str
    height: int
    tags: list[str]
    inside: Place | None


def test_a_structured_answer_parses_into_its_model(client):
    parsed = client.chat.completions.parse(model="m", messages=RIVERS, response_format=Place, seed=3).choices[0].message.parsed
    assert isinstance(parsed, Place)
    assert parsed.tags


def test_json_mode_gives_an_object(client):
    assert isinstance(json.loads(ask(client, response_format={"type": "json_object"}).choices[0].message.content), dict)


def test_recited_json_is_certain(client):
    told = ask(client, response_format={"type": "json_object"}, logprobs=True, top_logprobs=3).choices[0].logprobs.content
    assert {one.logprob for one in told} == {0.0}
    assert all(one.top_logprobs[0].token == one.token for one in told)


def test_the_sdk_gathers_a_stream_of_events(client):
    with client.chat.completions.stream(model="m", messages=RIVERS, seed=7) as stream:
        for _ in stream:
            pass
    assert stream.get_final_completion().choices[0].message.content == ask(client).choices[0].message.content


def test_long_prompts_tell_cached_tokens(client):
    usage = ask(client, messages=[{"role": "user", "content": "the river " * 600}]).usage
    assert usage.prompt_tokens == 1200 + 1
    assert usage.prompt_tokens_details.cached_tokens == 1152


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"model": ""}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"temperature": 3}, "temperature"),
        ({"top_p": "much"}, "top_p"),
        ({"n": 0}, "n"),
        ({"n": 1.5}, "n"),
        ({"max_tokens": 10**6}, "max_tokens"),
        ({"max_tokens": 32_000, "n": 2}, "max_tokens"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"logit_bias": {"5": 101}}, "logit_bias"),
        ({"logit_bias": {"x": 1}}, "logit_bias"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"stop": 5}, "stop"),
        ({"seed": "one"}, "seed"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"response_format": {"type": "poem"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}, "response_format.json_schema.schema"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"tools": {}, "tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "no_such"}}}, "tool_choice"),
    ],
)
def test_a_bad_request_is_refused_with_the_field_that_is_wrong(client, wrong, param):
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, **wrong)
    assert caught.value.param == param
    assert caught.value.type == "invalid_request_error"
