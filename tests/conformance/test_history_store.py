"""What `ports.HistoryStore` promises, over every adapter."""

from __future__ import annotations

import pytest

from gateway.model.evidence import NO_VERDICT, Verdict
from gateway.stores.verdicts import MemoryVerdicts


@pytest.fixture(params=[MemoryVerdicts])
def make(request):
    return request.param


def test_nobody_known_has_no_verdict(make):
    assert make().standing("alice") is NO_VERDICT


def test_a_verdict_stands_until_it_is_replaced(make):
    store = make()
    store.put("alice", Verdict(score=30.0))
    store.put("bob", Verdict(score=5.0))
    assert store.standing("alice").score == 30.0
    store.put("alice", Verdict(score=12.0, campaign="c1"))
    assert store.standing("alice") == Verdict(score=12.0, campaign="c1")


def test_past_its_capacity_the_lowest_scored_is_forgotten_first(make):
    store = make(capacity=3)
    for key, score in (("a", 20.0), ("b", 1.0), ("c", 30.0), ("d", 10.0)):
        store.put(key, Verdict(score=score))
    assert store.standing("b") is NO_VERDICT
    assert [store.standing(key).score for key in "acd"] == [20.0, 30.0, 10.0]


def test_of_equals_the_least_recently_put_is_forgotten_first(make):
    store = make(capacity=2)
    for key in ("a", "b", "a", "c"):
        store.put(key, Verdict(score=1.0))
    assert store.standing("b") is NO_VERDICT
    assert store.standing("a").score == store.standing("c").score == 1.0


def test_a_verdict_that_fell_is_forgotten_by_what_it_says_now(make):
    store = make(capacity=2)
    for key, score in (("a", 90.0), ("b", 50.0), ("a", 2.0), ("c", 10.0)):
        store.put(key, Verdict(score=score))
    assert store.standing("a") is NO_VERDICT
    assert store.standing("b").score == 50.0
