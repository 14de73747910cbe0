"""Messages, as the official SDK sees them."""

from __future__ import annotations

import anthropic
import pytest
from pydantic import BaseModel

WEATHER = {"name": "get_weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}
RIVERS = [{"role": "user", "content": "Tell me about rivers."}]
THINKING = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2048}


def ask(claude, **other):
    return claude.messages.create(**{"model": "m", "max_tokens": 500, "messages": RIVERS, "extra_body": {"seed": 7}, **other})


def test_it_answers_and_tells_what_it_used(claude):
    message = ask(claude)
    assert message.content[0].text.endswith(".")
    assert message.stop_reason == "end_turn"
    assert message.model == "m"
    assert message.usage.input_tokens == 5
    assert message.usage.output_tokens > 5


def test_a_stream_tells_its_events_in_order_and_its_usage_cumulatively(claude):
    events = list(ask(claude, stream=True))
    told = [event.type for event in events]
    assert told[:2] == ["message_start", "content_block_start"]  # the SDK keeps pings to itself
    assert set(told[2:-3]) == {"content_block_delta"}
    assert told[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    whole = ask(claude)
    assert "".join(event.delta.text for event in events if event.type == "content_block_delta") == whole.content[0].text
    assert events[0].message.usage.input_tokens == whole.usage.input_tokens
    assert events[-2].usage.output_tokens == whole.usage.output_tokens
    assert events[-2].delta.stop_reason == "end_turn"


def test_the_wire_has_a_ping_after_the_start(http):
    body = {"model": "m", "max_tokens": 3, "messages": RIVERS, "stream": True}
    lines = http.post("/v1/messages", json=body).text.split("\n\n")
    assert lines[1] == 'event: ping\ndata: {"type":"ping"}'


def test_the_sdk_gathers_a_stream(claude):
    with claude.messages.stream(model="m", max_tokens=500, messages=RIVERS, extra_body={"seed": 7}) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert final.content[0].text == text == ask(claude).content[0].text


def test_thinking_comes_first_with_a_signature_that_the_next_turn_needs(claude):
    message = ask(claude, **THINKING)
    thought, said = message.content
    assert thought.thinking.startswith("The request is about ")
    assert said.type == "text"

    def next_turn(block):
        follow_up = [*RIVERS, {"role": "assistant", "content": [block, said.model_dump()]}, {"role": "user", "content": "And lakes?"}]
        return ask(claude, messages=follow_up, **THINKING)

    assert next_turn(thought.model_dump()).content
    assert next_turn({**thought.model_dump(), "thinking": ""}).content
    with pytest.raises(anthropic.BadRequestError, match=r"messages\.1\.content\.0: Invalid `signature` in `thinking` block"):
        next_turn({**thought.model_dump(), "signature": "AAAA" + thought.signature[4:]})


def test_streamed_thinking_gathers_to_the_same(claude):
    with claude.messages.stream(model="m", messages=RIVERS, extra_body={"seed": 7}, **THINKING) as stream:
        final = stream.get_final_message()
    thought, said = ask(claude, **THINKING).content
    assert final.content[0] == thought
    assert final.content[1].text == said.text


def test_a_demanded_tool_is_used(claude):
    for choice in ({"type": "any"}, {"type": "tool", "name": "get_weather"}):
        message = ask(claude, tools=[WEATHER], tool_choice=choice)
        assert message.stop_reason == "tool_use"
        assert message.content[0].name == "get_weather"
        assert isinstance(message.content[0].input["city"], str)
    with claude.messages.stream(
        model="m", max_tokens=500, messages=RIVERS, tools=[WEATHER], tool_choice={"type": "any"}, extra_body={"seed": 7}
    ) as stream:
        final = stream.get_final_message()
    assert final.content[0].input == ask(claude, tools=[WEATHER], tool_choice={"type": "any"}).content[0].input


def test_a_free_choice_follows_the_question_and_a_result_is_answered_in_words(claude):
    question = [{"role": "user", "content": "How is the weather in Oslo?"}]
    use = ask(claude, messages=question, tools=[WEATHER]).content[0]
    assert use.type == "tool_use"
    assert ask(claude, messages=question, tools=[WEATHER], tool_choice={"type": "none"}).content[0].type == "text"
    result = {"type": "tool_result", "tool_use_id": use.id, "content": "sunny weather"}
    turns = [*question, {"role": "assistant", "content": [use.model_dump()]}, {"role": "user", "content": [result]}]
    assert ask(claude, messages=turns, tools=[WEATHER]).content[0].type == "text"


class Place(BaseModel):
    name: str
    height: int


def test_a_structured_answer_parses_into_its_model(claude):
    parsed = claude.messages.parse(model="m", max_tokens=500, messages=RIVERS, output_format=Place)
    assert isinstance(parsed.parsed_output, Place)


def test_a_stop_sequence_ends_the_answer_and_is_named(claude):
    text = ask(claude).content[0].text
    stop = text.split()[2]
    message = ask(claude, stop_sequences=[stop])
    assert message.stop_reason == "stop_sequence"
    assert message.stop_sequence == stop
    assert message.content[0].text == text[: text.index(stop)]


def test_max_tokens_cuts_and_says_so(claude):
    message = ask(claude, max_tokens=3)
    assert message.stop_reason == "max_tokens"
    assert message.usage.output_tokens == 3


def test_arguments_that_were_cut_off_are_left_out(claude):
    message = ask(claude, tools=[WEATHER], tool_choice={"type": "any"}, max_tokens=3)
    assert message.stop_reason == "max_tokens"
    assert message.content[0].input == {}


def test_what_is_marked_for_the_cache_is_told_as_read_from_it(claude):
    system = [{"type": "text", "text": "You know every river.", "cache_control": {"type": "ephemeral"}}]
    usage = ask(claude, system=system).usage
    assert usage.cache_read_input_tokens == 5
    assert usage.cache_creation_input_tokens == 0
    assert usage.input_tokens + 5 == claude.messages.count_tokens(model="m", messages=RIVERS, system=system).input_tokens


def test_tokens_are_counted_as_they_are_charged(claude):
    system = "You know every river."
    counted = claude.messages.count_tokens(model="m", messages=RIVERS, system=system, tools=[WEATHER])
    assert counted.input_tokens == ask(claude, system=system, tools=[WEATHER]).usage.input_tokens
