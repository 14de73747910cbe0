"""The output items of a response, told event by event."""

from __future__ import annotations

import pytest

from gateway.demo.ask import Ask, Prompt
from gateway.demo.response_items import item_of
from gateway.demo.seal import unseal
from gateway.demo.speech import Piece

ASK = Ask(Prompt("x"), 9, tool=("get_weather", {}))


@pytest.mark.parametrize(
    ("part", "summary", "events"),
    [
        ("text", False, ["output_item.added", "content_part.added", "output_text.delta", "output_text.done", "content_part.done"]),
        (
            "reasoning",
            False,
            ["output_item.added", "content_part.added", "reasoning_text.delta", "reasoning_text.done", "content_part.done"],
        ),
        (
            "reasoning",
            True,
            [
                "output_item.added",
                "reasoning_summary_part.added",
                "reasoning_summary_text.delta",
                "reasoning_summary_text.done",
                "reasoning_summary_part.done",
            ],
        ),
        ("arguments", False, ["output_item.added", "function_call_arguments.delta", "function_call_arguments.done"]),
    ],
)
def test_each_kind_has_its_events(part, summary, events):
    item = item_of(part, 2, ASK, summary=summary, encrypted=False)
    told = [*item.open(), item.feed(Piece(part, "hi")), *item.close("completed")]
    assert [name for name, _ in told] == [f"response.{name}" for name in (*events, "output_item.done")]
    assert {fields["output_index"] for _, fields in told} == {2}
    assert told[0][1]["item"]["status"] == "in_progress"
    assert told[-1][1]["item"] == item.value
    assert item.value["status"] == "completed"


def test_the_text_stands_in_every_event_that_repeats_it():
    item = item_of("text", 0, ASK, summary=False, encrypted=False)
    item.open()
    for text in ("a", "b"):
        item.feed(Piece("text", text))
    text_done, part_done, item_done = (fields for _, fields in item.close("incomplete"))
    assert text_done["text"] == part_done["part"]["text"] == item_done["item"]["content"][0]["text"] == "ab"
    assert item.value["status"] == "incomplete"


def test_a_seal_is_given_only_where_it_was_asked_for_and_when_the_text_is_whole():
    item = item_of("reasoning", 0, ASK, summary=True, encrypted=True)
    assert item.open()[0][1]["item"]["encrypted_content"] is None
    item.feed(Piece("reasoning", "hm"))
    item.close("completed")
    assert unseal(item.value["encrypted_content"]) == "hm"
