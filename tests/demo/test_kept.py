"""Stored responses are bounded."""

from __future__ import annotations

from gateway.demo.kept import Kept


def test_what_is_put_can_be_got_and_dropped():
    kept = Kept()
    kept.put("a", {"x": [1]})
    assert kept.get("a") == {"x": [1]}
    assert kept.drop("a")
    assert not kept.drop("a")
    assert kept.get("a") is None


def test_the_oldest_go_when_there_are_too_many():
    kept = Kept(most=2)
    for name in "abc":
        kept.put(name, {})
    assert kept.get("a") is None
    assert len(kept) == 2


def test_the_oldest_go_when_they_are_too_large():
    kept = Kept(most_bytes=100)
    kept.put("a", {"text": "x" * 60})
    kept.put("b", {"text": "x" * 60})
    assert kept.get("a") is None
    assert kept.get("b") is not None
    kept.put("b", {"text": "y"})
    kept.put("c", {"text": "x" * 60})
    assert kept.get("b") == {"text": "y"}


def test_what_is_larger_than_all_room_is_not_kept():
    kept = Kept(most_bytes=10)
    kept.put("a", {"text": "x" * 60})
    assert len(kept) == 0
