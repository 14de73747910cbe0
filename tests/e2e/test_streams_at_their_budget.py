"""Streams that need more than is left of a limit, as the official SDKs see them: whole answers that ran into their length."""

from __future__ import annotations

import json

import anthropic
import openai
import pytest

from tests.e2e.conftest import POLICY
from tests.support.gateway_process import GatewayProcess

HELLO = [{"role": "user", "content": "Tell me about rivers."}]
WORDS = {f"n{number}": {"type": "string"} for number in range(20)}
TOOL = {"name": "find", "parameters": {"type": "object", "properties": WORDS, "required": list(WORDS)}}
LONG = {"ignore_eos": True, "seed": 4}
LIMIT = "{ id: tpm, count: tokens, rate: 300/hour, per: key, when_spent: finish }"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """A gateway whose keys have 300 tokens each, and may not go on without."""
    folder = tmp_path_factory.mktemp("budget")
    policy = folder / "policy.yaml"
    policy.write_text(POLICY.format(limits=LIMIT, rest=""))
    with GatewayProcess(folder / "data", "--demo", "--policy", str(policy)) as running:
        yield running


@pytest.fixture
def client(gateway):
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.create_key(), max_retries=0) as client:
        yield client


@pytest.fixture
def claude(gateway):
    with anthropic.Anthropic(base_url=gateway.url, api_key=gateway.create_key(), max_retries=0) as client:
        yield client


def recorded(gateway, response):
    """The record of an answer that was cut: it says why, was settled by the truth, and the truth is the limit and hardly more."""
    record = next(r for r in gateway.records() if r["id"] == response.headers["x-gateway-decision"])
    assert (record["end"], record["status"], record["fault"], record["settle"]) == ("complete", 200, "limit.tpm", "settled")
    assert "cut" in record["changed"]
    assert record["usage"]["source"] == "counted"
    assert 280 <= record["usage"]["input"] + record["usage"]["output"] <= 320
    return record


@pytest.mark.parametrize("bound", [{}, {"max_tokens": 4000}], ids=["without a bound", "with a large bound"])
def test_chat(client, gateway, bound):
    asked = {"stream_options": {"include_usage": True}, "extra_body": LONG, **bound}
    before = gateway.metric("gateway_streams_cut_total", reason="limit.tpm")
    with client.chat.completions.stream(model="demo", messages=HELLO, **asked) as stream:
        text = "".join(event.delta for event in stream if event.type == "content.delta")
        final = stream.current_completion_snapshot
        with pytest.raises(openai.LengthFinishReasonError):  # which the helper raises for every answer that was as long as it may be
            stream.get_final_completion()
        record = recorded(gateway, stream._response)
    assert final.choices[0].finish_reason == record["finish"] == "length"
    assert final.choices[0].message.content == text
    assert (final.usage.prompt_tokens, final.usage.completion_tokens) == (record["usage"]["input"], record["usage"]["output"])
    assert gateway.metric("gateway_streams_cut_total", reason="limit.tpm") == before + 1
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(model="demo", messages=HELLO, max_tokens=5)


def test_chat_that_asked_for_no_usage_is_told_none(client, gateway):
    stream = client.chat.completions.create(model="demo", messages=HELLO, stream=True, n=2, extra_body=LONG)
    chunks = list(stream)
    record = recorded(gateway, stream.response)
    assert not any(chunk.usage for chunk in chunks)
    ends = [(choice.index, choice.finish_reason) for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    assert sorted(ends) == [(0, "length"), (1, "length")]
    assert {chunk.id for chunk in chunks} == {chunks[0].id}
    assert record["finish"] == "length"


def test_a_call_of_a_tool_is_cut_in_its_midst(start, policy_of):
    gateway = start("--demo", policy=policy_of("{ id: out, count: output_tokens, rate: 40/hour, per: key, when_spent: finish }"))
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.create_key(), max_retries=0) as client:
        tools = [{"type": "function", "function": TOOL}]
        asked = {"tools": tools, "tool_choice": "required", "extra_body": LONG, "stream": True}
        choices = [chunk.choices[0] for chunk in client.chat.completions.create(model="demo", messages=HELLO, **asked)]
    calls = [call for choice in choices for call in choice.delta.tool_calls or ()]
    assert (calls[0].function.name, choices[-1].finish_reason) == ("find", "length")
    with pytest.raises(json.JSONDecodeError):
        json.loads("".join(call.function.arguments or "" for call in calls))
    with anthropic.Anthropic(base_url=gateway.url, api_key=gateway.create_key(), max_retries=0) as claude:
        tools = [{"name": TOOL["name"], "input_schema": TOOL["parameters"]}]
        asked = {"tools": tools, "tool_choice": {"type": "any"}, "max_tokens": 4000, "extra_body": LONG}
        with claude.messages.stream(model="demo", messages=HELLO, **asked) as stream:
            final = stream.get_final_message()
    assert (final.stop_reason, final.content[0].type) == ("max_tokens", "tool_use")
    assert 0 < len(final.content[0].input) < len(WORDS)
    assert [record["fault"] for record in gateway.records()] == ["limit.out", "limit.out"]


def test_completions(client, gateway):
    stream = client.completions.create(model="demo", prompt="Rivers", max_tokens=4000, stream=True, extra_body=LONG)
    chunks = list(stream)
    assert chunks[-1].choices[0].finish_reason == "length"
    assert recorded(gateway, stream.response)["finish"] == "length"


def test_responses(client, gateway):
    with client.responses.stream(model="demo", input="Tell me about rivers.", max_output_tokens=4000, extra_body=LONG) as stream:
        events = list(stream)
        record = recorded(gateway, stream._response)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    *_, text, part, item, last = events
    assert [event.type for event in (text, part, item, last)] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.incomplete",
    ]
    said = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert said == text.text == part.part.text == item.item.content[0].text == last.response.output_text
    assert last.response.incomplete_details.reason == record["finish"] == "max_output_tokens"
    assert last.response.usage.output_tokens == record["usage"]["output"]


@pytest.mark.parametrize("thinking", [{}, {"thinking": {"type": "enabled", "budget_tokens": 1024}}], ids=["text", "thinking"])
def test_messages(claude, gateway, thinking):
    with claude.messages.stream(model="demo", max_tokens=4000, messages=HELLO, extra_body=LONG, **thinking) as stream:
        final = stream.get_final_message()
        record = recorded(gateway, stream.response)
    assert final.stop_reason == record["finish"] == "max_tokens"
    assert final.usage.output_tokens == record["usage"]["output"]
    assert final.usage.input_tokens == record["usage"]["input"]
    assert final.content[-1].type in {"text", "thinking"}
    with pytest.raises(anthropic.RateLimitError):
        claude.messages.create(model="demo", max_tokens=5, messages=HELLO)


def test_a_stream_that_fits_passes_whole(client, gateway):
    stream = client.chat.completions.create(model="demo", messages=HELLO, stream=True, max_tokens=150, extra_body=LONG)
    assert list(stream)[-1].choices[0].finish_reason == "length"
    record = next(r for r in gateway.records() if r["id"] == stream.response.headers["x-gateway-decision"])
    assert (record["fault"], record["usage"]["output"], record["usage"]["source"]) == ("", 150, "upstream")
    assert "cut" not in record["changed"]


def test_by_default_a_stream_goes_on_and_leaves_a_debt_that_is_charged_as_it_goes(start, policy_of):
    gateway = start("--demo", policy=policy_of("{ id: tpm, count: output_tokens, rate: 200/hour, per: key }"))
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.demo_key, max_retries=0) as client:
        chunks = list(client.chat.completions.create(model="demo", messages=HELLO, stream=True, extra_body={**LONG}))
        assert sum(1 for chunk in chunks if chunk.choices and chunk.choices[0].delta.content) > 200
        assert gateway.metric("gateway_slices_total", outcome="taken") >= 1
        with pytest.raises(openai.RateLimitError):
            client.chat.completions.create(model="demo", messages=HELLO, max_tokens=5)
    assert gateway.metric("gateway_streams_cut_total") == 0
