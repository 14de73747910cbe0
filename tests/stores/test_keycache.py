"""The key cache: bounded, and never older than its moment, counted from when the look-up began."""

from __future__ import annotations

import pytest

from gateway.model.caller import KeyRecord
from gateway.stores.keycache import KeyCache, fits_one

RECORD = KeyRecord("ab" * 16, None, None, frozenset(), 1)


class Now:
    at = 0.0

    def __call__(self):
        return self.at


def test_an_answer_counts_from_when_its_look_up_began():
    now = Now()
    cache = KeyCache(keep_s=0.5, now=now)
    began = cache.began()
    now.at = 0.3
    cache.put("a", RECORD, began)
    now.at = 0.49
    assert cache.get("a") == (RECORD,)
    now.at = 0.5
    assert cache.get("a") is None


def test_a_record_is_remembered_for_an_hour_beyond_its_moment_and_a_dropped_one_is_not():
    now = Now()
    cache = KeyCache(keep_s=0.5, now=now)
    cache.put("a", RECORD, cache.began())
    cache.put("b", None, cache.began())
    now.at = 3600.0
    assert (cache.get("a"), cache.remembered("a"), cache.remembered("b"), cache.remembered("c")) == (None, RECORD, None, None)
    now.at = 3600.5
    assert cache.remembered("a") is None
    now.at = 1.0
    cache.drop("a")
    assert cache.remembered("a") is None


def test_that_there_is_no_such_key_is_an_answer_too():
    cache = KeyCache()
    cache.put("a", None, cache.began())
    assert cache.get("a") == (None,)
    assert cache.get("b") is None


def test_it_is_bounded_and_the_oldest_gives_way():
    cache = KeyCache(capacity=3)
    for key in "abcd":
        cache.put(key, RECORD, cache.began())
    assert [cache.get(key) is not None for key in "abcd"] == [False, True, True, True]


def test_a_dropped_answer_is_asked_for_again():
    cache = KeyCache()
    cache.put("a", RECORD, cache.began())
    cache.drop("a")
    cache.drop("never")
    assert cache.get("a") is None


def test_the_default_moment_is_well_under_a_second():
    assert KeyCache()._keep_s <= 0.5


@pytest.mark.parametrize(
    ("prefix", "found"),
    [("aaaaaaaa", None), ("aaaaaaaab", "aaaaaaaab0"), ("bbbbbbbb", "bbbbbbbb00"), ("bbbbbbb", None), ("", None), ("BBBBBBBB", None)],
)
def test_a_prefix_stands_for_one_key_or_none(prefix, found):
    assert fits_one(prefix, ["aaaaaaaaa0", "aaaaaaaab0", "bbbbbbbb00"]) == found
