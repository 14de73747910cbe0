"""Members change by text: the object means what was asked for, and every other byte is where it was."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.textedit import edit_members, members, value_end, value_of

KEYS = st.sampled_from(["model", "n", "max_tokens", 'a"b', "é", "", "x y"])
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8))
VALUES = st.recursive(
    SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3))
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=5)
LAYOUTS = st.sampled_from(
    [{}, {"indent": 2}, {"separators": (",", ":")}, {"ensure_ascii": False}, {"indent": "\t", "ensure_ascii": False}]
)
CHANGES = st.dictionaries(KEYS, st.one_of(st.just("gone"), VALUES.map(lambda value: [value])), max_size=3)


@given(OBJECTS, LAYOUTS, CHANGES)
def test_an_edit_means_what_the_same_edit_of_the_parsed_object_means(value, layout, changes):
    text = json.dumps(value, **layout).encode()
    edited = edit_members(text, {key: None if change == "gone" else json.dumps(change[0]).encode() for key, change in changes.items()})
    wanted = dict(value)
    for key, change in changes.items():
        if change == "gone":
            wanted.pop(key, None)
        else:
            wanted[key] = change[0]
    assert json.loads(edited) == wanted


@given(OBJECTS, LAYOUTS, CHANGES)
def test_members_that_are_not_named_keep_their_bytes_and_their_order(value, layout, changes):
    text = json.dumps(value, **layout).encode()
    edited = edit_members(text, {key: None if change == "gone" else b"0" for key, change in changes.items()})

    def others(text):
        return [text[member.at : member.end] for member in members(text) if member.key not in changes]

    assert others(edited) == others(text)


@given(OBJECTS, LAYOUTS)
def test_every_value_is_found_where_it_stands(value, layout):
    text = json.dumps(value, **layout).encode()
    assert {member.key: json.loads(text[member.start : member.end]) for member in members(text)} == value


@pytest.mark.parametrize(
    ("text", "changes", "result"),
    [
        (b'{"a": 1.50, "n": 3}', {"n": b"2"}, b'{"a": 1.50, "n": 2}'),
        (b'{"a":1,"b":2,"c":3}', {"b": None}, b'{"a":1,"c":3}'),
        (b'{"a":1,"b":2,"c":3}', {"b": None, "c": None}, b'{"a":1}'),
        (b'{\n  "a": 1,\n  "b": 2\n}\n', {"a": None}, b'{\n  "b": 2\n}\n'),
        (b'{"a":1}', {"a": None}, b"{}"),
        (b"{ }", {"s": b'{"x":1}'}, b'{"s":{"x":1} }'),
        (b'{"a":1}', {"s": b"true"}, b'{"s":true,"a":1}'),
        (b'{"n":1,"n":2}', {"n": b"3"}, b'{"n":3,"n":3}'),
        (b'{"\\u006e":1}', {"n": b"3"}, b'{"\\u006e":3}'),
    ],
)
def test_only_the_named_members_change(text, changes, result):
    assert edit_members(text, changes) == result


@pytest.mark.parametrize("changes", [{}, {"x": None}, {"a": b"1"}])
def test_an_edit_that_changes_nothing_gives_the_very_same_bytes(changes):
    text = b'{"a":1}'
    assert edit_members(text, changes) is text


@pytest.mark.parametrize(
    "text", [b"", b"[1]", b'"a"', b'{"a" 1}', b'{"a":1 "b":2}', b'{"a":[1}', b"{a:1}", b'{"a":1', b'{"a":"x', b'{"a":}']
)
def test_what_is_not_an_object_is_an_error(text):
    with pytest.raises(ValueError):
        members(text)


def test_of_repeated_keys_the_last_value_is_told_as_most_parsers_have_it():
    assert value_of(b'{"n":1,"n":2}', "n") == b"2"
    assert value_of(b'{"n":1}', "m") is None


def test_a_value_ends_where_its_own_bracket_closes():
    text = b'{"a": ["]", "\\"]", {"b": "}"}], "c": 1}'
    assert text[6 : value_end(text, 6)] == b'["]", "\\"]", {"b": "}"}]'
