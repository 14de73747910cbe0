"""Thoughts between tags in the text go, in any pieces; tags in code stay."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.perturb.thinking import ThinkingEdit

CASES = {
    "<think>\nFirst, 2 < 3.\n</think>\n\nIt is 5.": "It is 5.",
    "It is <thinking>well</thinking> 5.": "It is 5.",
    "<think></think>5": "5",
    "<think>never ends": "",
    "<thinker>x</thinker> a <b> < c": "<thinker>x</thinker> a <b> < c",
    "Write `<think>` and ``a `<think>` b`` so.\nThen <think>x</think>go.": "Write `<think>` and ``a `<think>` b`` so.\nThen go.",
    "```xml\n<think>kept</think>\n```\n<think>gone</think>\nEnd": "```xml\n<think>kept</think>\n```\nEnd",
    "  ~~~\n<think>kept\n~~~ no\n```\n~~~\n<think>gone</think>": "  ~~~\n<think>kept\n~~~ no\n```\n~~~\n",
    "an open ` tick\n<think>gone</think>x": "an open ` tick\nx",
    "<think>```\ncode </think>5": "5",
    "ends with <thi": "ends with <thi",
    "\n\n": "\n\n",
}


@pytest.mark.parametrize("text", CASES)
def test_thoughts_go_and_tags_in_code_stay(text):
    edit = ThinkingEdit()
    assert edit.feed(text) + edit.finish() == CASES[text]
    assert edit.count == (CASES[text] != text)


@given(st.lists(st.sampled_from([*CASES, "`", "```", "\n", " ", "<think>", "</think>", "a"]), max_size=6), st.data())
def test_the_pieces_do_not_matter(parts, data):
    text = "".join(parts)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=8)))
    whole, pieces = ThinkingEdit(), ThinkingEdit()
    expected = whole.feed(text) + whole.finish()
    assert "".join(pieces.feed(text[a:b]) for a, b in pairwise([0, *cuts, len(text)])) + pieces.finish() == expected
