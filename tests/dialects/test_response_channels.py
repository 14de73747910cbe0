"""Text of a response, edited alike wherever it is told, and events numbered anew."""

from __future__ import annotations

from gateway.dialects.response_channels import Numbering, ResponseChannels
from tests.dialects.test_channels import Later

PLACE = {"item_id": "m", "output_index": 0, "content_index": 0}


def part(text):
    return {"type": "output_text", "text": text, "annotations": [{"start_index": 0}], "logprobs": [{"token": "a"}]}


def test_every_telling_is_the_same_and_what_is_held_back_comes_before_its_end():
    channels = ResponseChannels(Later)
    told = [
        {"type": "response.output_text.delta", **PLACE, "delta": "ab", "logprobs": [{"token": "a"}], "obfuscation": "x"},
        {"type": "response.output_text.annotation.added", **PLACE, "annotation": {"start_index": 1}},
        {"type": "response.output_text.done", **PLACE, "text": "ab", "logprobs": [{"token": "a"}]},
        {"type": "response.content_part.done", **PLACE, "part": part("ab")},
        {"type": "response.output_item.done", "output_index": 0, "item": {"type": "message", "content": [part("ab")]}},
        {"type": "response.completed", "response": {"output": [{"type": "message", "content": [part("ab")]}]}},
    ]
    events = [event for document in told for event in channels.event(document)]
    assert [event["type"].rpartition(".")[2] for event in events] == ["delta", "delta", "done", "done", "done", "completed"]
    assert [events[0]["delta"], events[1]["delta"], events[2]["text"]] == ["A", "B", "AB"]
    whole = {"type": "output_text", "text": "AB", "annotations": [], "logprobs": []}
    assert events[3]["part"] == events[4]["item"]["content"][0] == events[5]["response"]["output"][0]["content"][0] == whole
    assert all(event.get("logprobs", []) == [] for event in events)


def test_a_stream_that_breaks_off_gives_the_rest():
    channels = ResponseChannels(Later)
    channels.event({"type": "response.output_text.delta", **PLACE, "delta": "ab"})
    assert channels.rest() == [{"type": "response.output_text.delta", **PLACE, "delta": "B"}]
    assert channels.rest() == []


def test_a_whole_response_is_edited_and_its_other_items_are_not():
    document = {
        "output": [{"type": "function_call", "arguments": "ab"}, {"type": "message", "content": [part("ab"), {"type": "refusal"}]}]
    }
    ResponseChannels(Later).whole(document)
    assert document["output"][0] == {"type": "function_call", "arguments": "ab"}
    assert document["output"][1]["content"][0]["text"] == "AB"


def test_events_are_numbered_from_the_first_on():
    numbering, told = Numbering(), []
    for number in (5, 5, 9):
        document = {"sequence_number": number}
        numbering.number(document)
        told.append(document["sequence_number"])
    assert told == [5, 6, 7]
    numbering.number({})
