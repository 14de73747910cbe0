"""Tokens of verified callers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.challenge.grace import granted, holds

SECRET = b"s" * 32
TOKEN = granted(SECRET, "k1", 1_000)


def test_it_holds_for_its_key_until_its_end():
    assert holds(SECRET, "k1", TOKEN, 999)
    assert not holds(SECRET, "k1", TOKEN, 1_000)


def test_it_serves_no_other_key_and_no_other_deployment():
    assert not holds(SECRET, "k2", TOKEN, 999)
    assert not holds(b"t" * 32, "k1", TOKEN, 999)


def test_its_end_cannot_be_moved():
    version, _, mac = TOKEN.split(".")
    assert not holds(SECRET, "k1", f"{version}.2000.{mac}", 999)


@given(st.text(max_size=200))
def test_anything_else_is_none(text: str):
    assert not holds(SECRET, "k1", text, 0) or text == TOKEN
