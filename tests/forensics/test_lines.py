"""The shapes of suspect data sets."""

from __future__ import annotations

import pytest

from gateway.forensics.lines import text_of


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ("so", "so"),
        ({"instruction": "i", "output": "so"}, "so"),
        ({"prompt": "p", "response": "so", "text": "p so"}, "so"),
        ({"messages": [{"role": "user", "content": "no"}, {"role": "assistant", "content": "so"}]}, "so"),
        ({"messages": [{"role": "assistant", "content": [{"type": "text", "text": "so"}, {"type": "image"}]}]}, "so"),
        (
            {"conversations": [{"from": "human", "value": "no"}, {"from": "gpt", "value": "so"}, {"from": "gpt", "value": "on"}]},
            "so\n\non",
        ),
        ({"messages": [{"role": "user", "content": "no"}, 5]}, None),
        ({"other": "no"}, None),
        (5, None),
    ],
)
def test_what_the_model_wrote_is_found(row, text):
    assert text_of(row) == text


def test_a_named_member_is_the_only_one():
    assert text_of({"mine": "so", "output": "no"}, "mine") == "so"
    assert text_of({"output": "no"}, "mine") is None
