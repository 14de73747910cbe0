"""Where an answer tells something, and counting what is altered of it."""

from __future__ import annotations

from gateway.perturb.base import MOST_NOTES
from gateway.perturb.edits import Counting, choices, objects, parts


def test_every_place_that_may_tell_something_is_found():
    document = {"response": {"output": [{"type": "reasoning"}, {"content": [{"text": "a"}]}]}, "choices": [{"delta": {"x": 1}}]}
    found = list(parts(document))
    assert {"type": "reasoning"} in found
    assert {"text": "a"} in found
    assert {"x": 1} in found


def test_what_is_no_list_of_objects_is_empty():
    assert objects("ab") == objects(None) == choices({}) == []
    assert objects([1, {"a": 1}]) == [{"a": 1}]


def test_notes_are_bounded_and_told_once():
    edit = Counting()
    for number in range(100):
        edit.note(f"{number}")
        edit.note(f"{number}")
    assert len(edit.notes) == MOST_NOTES
    assert edit.notes[:2] == ("0", "1")
