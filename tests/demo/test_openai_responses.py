"""The Responses API, as the official SDK sees it: answers, events, what is stored."""

from __future__ import annotations

import json

import openai
import pytest
from pydantic import BaseModel

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    "strict": False,
}


def ask(client, **other):
    return client.responses.create(**{"model": "m", "input": "Tell me about rivers.", "extra_body": {"seed": 7}, **other})


def kinds(events):
    """The types of events, runs of the same type told once."""
    told = [event.type for event in events]
    return [kind for at, kind in enumerate(told) if at == 0 or told[at - 1] != kind]


def test_it_answers_and_tells_what_it_used(client):
    response = ask(client)
    assert response.status == "completed"
    assert response.output_text.endswith(".")
    assert response.usage.input_tokens == 5
    assert response.usage.total_tokens == 5 + response.usage.output_tokens
    assert response.error is None
    assert response.model == "m"


def test_the_events_of_a_message_come_in_their_order(client):
    events = list(ask(client, stream=True))
    assert kinds(events) == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    done = next(event for event in events if event.type == "response.output_text.done")
    assert text == done.text == events[-1].response.output_text == ask(client).output_text
    assert events[-1].response.usage.output_tokens == sum(event.type == "response.output_text.delta" for event in events)
    assert events[0].response.id == events[-1].response.id
    assert events[0].response.status == "in_progress"


def test_each_event_names_the_item_and_place_it_belongs_to(client):
    events = list(ask(client, stream=True, reasoning={"effort": "low"}))
    final = events[-1].response
    for event in events:
        if hasattr(event, "item_id"):
            assert final.output[event.output_index].id == event.item_id
    added = [event.item for event in events if event.type == "response.output_item.added"]
    assert [item.status for item in added] == ["in_progress", "in_progress"]
    done = [event.item for event in events if event.type == "response.output_item.done"]
    assert done == final.output


def test_reasoning_is_an_item_of_its_own(client):
    response = ask(client, reasoning={"effort": "medium"})
    thought, message = response.output
    assert (thought.type, message.type) == ("reasoning", "message")
    assert thought.content[0].text.startswith("The request is about ")
    assert 0 < response.usage.output_tokens_details.reasoning_tokens < response.usage.output_tokens
    events = list(ask(client, reasoning={"effort": "medium"}, stream=True))
    assert "".join(event.delta for event in events if event.type == "response.reasoning_text.delta") == thought.content[0].text


def test_a_summary_is_told_where_one_is_asked_for(client):
    asked = {"reasoning": {"effort": "medium", "summary": "auto"}}
    thought = ask(client, **asked).output[0]
    assert thought.summary[0].text.startswith("The request is about ")
    events = list(ask(client, stream=True, **asked))
    assert kinds(events)[2:8] == [
        "response.output_item.added",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done",
        "response.output_item.done",
    ]


def test_sealed_reasoning_is_accepted_as_it_was_given_and_refused_when_changed(client):
    thought = ask(client, reasoning={"effort": "low"}, include=["reasoning.encrypted_content"]).output[0]
    assert "request" not in thought.encrypted_content
    item = {"type": "reasoning", "id": thought.id, "summary": [], "encrypted_content": thought.encrypted_content}
    question = {"role": "user", "content": "And lakes?"}
    assert ask(client, input=[item, question]).output_text
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, input=[{**item, "encrypted_content": "AAAA" + thought.encrypted_content[4:]}, question])
    assert caught.value.code == "invalid_encrypted_content"


def test_a_function_call_streams_its_arguments(client):
    asked = {"tools": [WEATHER], "tool_choice": "required"}
    events = list(ask(client, stream=True, **asked))
    assert kinds(events)[2:6] == [
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
    ]
    call = events[-1].response.output[0]
    assert call.name == "get_weather"
    assert isinstance(json.loads(call.arguments)["city"], str)
    assert ask(client, **asked).output[0].arguments == call.arguments


def test_a_function_result_is_answered_in_words(client):
    question = {"role": "user", "content": "How is the weather in Oslo?"}
    call = ask(client, input=[question], tools=[WEATHER]).output[0]
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    assert ask(client, input=[question, call.model_dump(), result], tools=[WEATHER]).output_text
    assert ask(client, input=[question], tools=[WEATHER], tool_choice="none").output_text
    assert ask(client, tools=[WEATHER], tool_choice={"type": "function", "name": "get_weather"}).output[0].type == "function_call"


class Place(BaseModel):
    name: str
    height: float


def test_a_structured_answer_parses_into_its_model(client):
    parsed = client.responses.parse(model="m", input="A mountain, please.", text_format=Place)
    assert isinstance(parsed.output_parsed, Place)


def test_the_sdk_gathers_a_stream(client):
    with client.responses.stream(model="m", input="Tell me about rivers.", extra_body={"seed": 7}) as stream:
        for _ in stream:
            pass
    assert stream.get_final_response().output_text == ask(client).output_text


def test_an_answer_cut_short_is_incomplete(client):
    response = ask(client, max_output_tokens=4)
    assert response.status == "incomplete"
    assert response.incomplete_details.reason == "max_output_tokens"
    assert response.output[0].status == "incomplete"
    assert list(ask(client, max_output_tokens=4, stream=True))[-1].type == "response.incomplete"


def test_logprobs_belong_to_the_text(client):
    asked = {"include": ["message.output_text.logprobs"], "top_logprobs": 2}
    response = ask(client, **asked)
    told = response.output[0].content[0].logprobs
    assert "".join(one.token for one in told) == response.output_text
    assert all(len(one.top_logprobs) == 2 for one in told)
    deltas = [event for event in ask(client, stream=True, **asked) if event.type == "response.output_text.delta"]
    assert [delta.logprobs[0].logprob for delta in deltas] == [one.logprob for one in told]


def test_a_response_is_kept_until_it_is_deleted(client):
    response = ask(client)
    assert client.responses.retrieve(response.id) == response
    items = client.responses.input_items.list(response.id).data
    assert [item.content[0].text for item in items] == ["Tell me about rivers."]
    client.responses.delete(response.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(response.id)


def test_input_items_come_newest_first_unless_asked_otherwise(client):
    response = ask(client, input=[{"role": "user", "content": "one"}, {"role": "user", "content": "two"}])

    def texts(**how):
        return [item.content[0].text for item in client.responses.input_items.list(response.id, **how)]

    assert texts() == ["two", "one"]
    assert texts(order="asc") == ["one", "two"]


def test_a_response_that_is_not_to_be_stored_is_not(client):
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(ask(client, store=False).id)


def test_a_conversation_goes_on_from_the_response_before(client):
    first = ask(client)
    second = ask(client, input="And lakes?", previous_response_id=first.id)
    third = ask(client, input="And seas?", previous_response_id=second.id)
    assert second.previous_response_id == first.id
    assert third.usage.input_tokens > second.usage.input_tokens > first.usage.input_tokens
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, previous_response_id="resp_none")
    assert caught.value.code == "previous_response_not_found"


def test_input_tokens_are_counted_as_they_are_charged(client):
    assert client.responses.input_tokens.count(model="m", input="Tell me about rivers.").input_tokens == ask(client).usage.input_tokens


def test_nothing_runs_in_the_background_to_be_cancelled(client):
    with pytest.raises(openai.BadRequestError, match="Cannot cancel"):
        client.responses.cancel(ask(client).id)


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"model": ""}, "model"),
        ({"input": 5}, "input"),
        ({"input": ["x"]}, "input"),
        ({"include": "x"}, "include"),
        ({"reasoning": "much"}, "reasoning"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"text": {"format": {"type": "json_schema", "name": "x"}}}, "format.schema"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tool_choice": {"type": "function"}}, "tool_choice"),
    ],
)
def test_a_bad_request_is_refused_with_the_field_that_is_wrong(client, wrong, param):
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, **wrong)
    assert caught.value.param == param
