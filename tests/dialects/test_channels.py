"""Text channels of chat completions, completions and messages, and which answers are prose."""

from __future__ import annotations

import pytest

from gateway.dialects.channels import ChatChannels, MessageChannels, is_free


class Later:
    """A pen that writes capitals, and holds the last letter back."""

    alters = True

    def __init__(self):
        self.held, self.count = "", 0

    def feed(self, text):
        self.count += 1
        out, self.held = (self.held + text)[:-1], (self.held + text)[-1:]
        return out.upper()

    def finish(self):
        out, self.held = self.held, ""
        return out.upper()


def chunk(text, finish=None, **choice):
    return {
        "id": "c",
        "choices": [{"index": 0, "delta": {"content": text}, "logprobs": {"content": []}, "finish_reason": finish, **choice}],
    }


def test_what_is_held_back_goes_out_before_the_choice_ends():
    channels = ChatChannels(Later)
    events = [event for told in (chunk("ab"), chunk("cd"), chunk(None, "stop")) for event in channels.event(told)]
    assert [event["choices"][0]["delta"]["content"] for event in events] == ["A", "BC", "D", None]
    assert [event["choices"][0]["finish_reason"] for event in events] == [None, None, None, "stop"]
    assert {event["choices"][0]["logprobs"] for event in events} == {None}


def test_text_comes_before_the_tool_calls_that_follow_it():
    channels = ChatChannels(Later)
    channels.event(chunk("ab"))
    held, call = channels.event({"id": "c", "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0}]}}]})
    assert held["choices"][0]["delta"] == {"content": "B"}
    assert call["choices"][0]["delta"] == {"tool_calls": [{"index": 0}]}


@pytest.mark.parametrize("last", [chunk("ab"), {"id": "c", "choices": [{"index": 0, "text": "ab", "finish_reason": None}]}])
def test_a_stream_that_ends_without_a_reason_loses_nothing(last):
    channels = ChatChannels(Later)
    channels.event(last)
    (rest,) = channels.rest()
    choice = rest["choices"][0]
    assert (choice.get("text") or choice["delta"]["content"]) == "B"
    assert channels.rest() == []


def test_whole_choices_are_edited_each_by_itself():
    document = {
        "choices": [
            {"index": 0, "message": {"content": "ab", "annotations": [{"start_index": 1}]}, "logprobs": {"content": []}},
            {"index": 1, "text": "cd", "logprobs": None},
            {"index": 2, "message": {"content": None, "tool_calls": [{"function": {"arguments": "x"}}]}},
        ]
    }
    ChatChannels(Later).whole(document)
    assert document["choices"][0] == {"index": 0, "message": {"content": "AB", "annotations": []}, "logprobs": None}
    assert document["choices"][1]["text"] == "CD"
    assert document["choices"][2]["message"] == {"content": None, "tool_calls": [{"function": {"arguments": "x"}}]}


def test_a_message_flushes_each_block_before_it_stops():
    channels = MessageChannels(Later)
    told = [
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "ab"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "ab"}},
        {"type": "content_block_stop", "index": 1},
        {"type": "message_stop"},
    ]
    events = [event for document in told for event in channels.event(document)]
    assert [event.get("delta", {}).get("text") for event in events] == [None, "A", None, "B", None, None]
    assert events[2]["delta"]["thinking"] == "ab"
    document = {"content": [{"type": "text", "text": "ab"}, {"type": "tool_use", "input": {"text": "ab"}}]}
    MessageChannels(Later).whole(document)
    assert document == {"content": [{"type": "text", "text": "AB"}, {"type": "tool_use", "input": {"text": "ab"}}]}


@pytest.mark.parametrize(
    "asked",
    [
        {"response_format": {"type": "json_object"}}, {"response_format": {"type": "json_schema"}},
        {"text": {"format": {"type": "json_schema"}}}, {"output_format": {"type": "json_schema"}},
        {"output_config": {"format": {"type": "json_schema"}}}, {"guided_json": {}}, {"structured_outputs": {}},
        {"tool_choice": "required"}, {"tool_choice": {"type": "any"}}, {"tool_choice": {"type": "function", "name": "f"}},
        {"function_call": {"name": "f"}}, {"suffix": "}"},
        {"messages": [{"role": "assistant", "content": " {"}]},
        {"messages": [{"role": "assistant", "content": [{"type": "text", "text": "```json"}]}]},
    ],
)  # fmt: skip
def test_structures_are_not_prose(asked):
    assert not is_free(asked)


@pytest.mark.parametrize(
    "asked",
    [{}, {"response_format": {"type": "text"}}, {"text": {"verbosity": "low"}}, {"tool_choice": "auto"},
     {"tool_choice": {"type": "auto"}},
     {"messages": [{"role": "assistant", "content": "Well,"}]}, {"messages": [{"role": "user", "content": "{"}]}],
)  # fmt: skip
def test_all_else_is(asked):
    assert is_free(asked)
