"""YAML read as plain data: 1.2's core schema, places kept, everything else refused."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import PolicyError
from gateway.policy.tree import MAX_BYTES, read_tree

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + level)}: &{chr(98 + level)} [{', '.join(['*' + chr(97 + level)] * 10)}]\n" for level in range(20)
)


def data(text):
    return read_tree(text.encode(), "f").data


def problem(text):
    try:
        problems = read_tree(text if isinstance(text, bytes) else text.encode(), "f").problems
    except PolicyError as error:
        problems = error.problems
    return "\n".join(map(str, problems))


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", "yes"), ("on", "on"), ("no", "no"), ("true", True), ("False", False), ("~", None), ("null", None), ("", None),
        ("12", 12), ("-3", -3), ("0o14", "0o14"), ("010", 10), ("1_000", "1_000"), ("12:30", "12:30"),
        ("1.5", 1.5), (".5", 0.5), ("1e3", 1000.0),
        ("2027-02-01", "2027-02-01"), ("2026.11.3", "2026.11.3"), ("'12'", "12"), ('"true"', "true"), ("1e", "1e"), ("<<", "<<"),
    ],
)  # fmt: skip
def test_scalars_are_read_by_the_core_schema_alone(written, value):
    found = data(f"x: {written}")["x"]
    assert found == value
    assert type(found) is type(value)


def test_every_value_and_key_has_its_place():
    tree = read_tree(b"a:\n  - b: 1\n    c: [2, 3]\n", "f")
    assert tree.places["a", 0, "c", 1] == (3, 12)
    assert tree.keys["a", 0, "c"] == (3, 5)


def test_an_alias_repeats_its_value():
    assert data("a: &x [1, 2]\nb: *x\n") == {"a": [1, 2], "b": [1, 2]}


def test_a_billion_laughs_are_refused_before_they_are_told():
    began = time.monotonic()
    assert "more than 50000 values" in problem(BOMB)
    assert time.monotonic() - began < 5


def test_an_alias_inside_its_own_anchor_is_refused():
    assert "has no complete anchor" in problem("a: &x [*x]\n")


def test_large_files_are_not_even_parsed():
    assert f"at most {MAX_BYTES} are read" in problem(b"#" * (MAX_BYTES + 1))


def test_bytes_that_are_not_utf8_are_refused_with_their_line():
    assert problem(b"a: 1\nb: \xff\n").startswith("f:2:1: the file is not UTF-8")


def test_a_byte_order_mark_is_no_part_of_the_first_key():
    assert data("\ufeffschema: x") == {"schema": "x"}


def test_keys_that_are_not_text_are_refused():
    assert "must be plain text" in problem("[a]: 1\n")


def test_every_duplicate_is_told_not_only_the_first():
    assert problem("a: 1\na: 2\nb: 1\nb: 2\n").count("second time") == 2


@given(st.text(alphabet="ab:-[]{}&*!|>'\"#%,\n\t ?0.", max_size=60))
def test_whatever_the_text_it_is_data_or_a_policy_error(text):
    try:
        read_tree(text.encode(), "f")
    except PolicyError as error:
        told = error.problems
    else:
        return
    assert told
