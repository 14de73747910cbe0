"""What `ports.HistoryStore` promises, over every adapter."""

from __future__ import annotations

import sqlite3

import pytest

from gateway.model.evidence import NO_VERDICT, Verdict
from gateway.stores.database import SCHEMA
from gateway.stores.journal import Changes
from gateway.stores.kept import Batch, Rows
from gateway.stores.verdicts import MemoryVerdicts


class Restarted:
    """Verdicts in memory with a file behind them, whose process is restarted after each that is put."""

    def __init__(self, **options):
        self._options = options
        self._file = sqlite3.connect(":memory:")
        self._file.executescript(SCHEMA)
        self._changed = Changes()
        self._memory = MemoryVerdicts(**options, changed=self._changed.mark)

    def standing(self, key_id):
        return self._memory.standing(key_id)

    def put(self, key_id, verdict):
        self._memory.put(key_id, verdict)
        Rows().write(self._file, Batch(0, [], [(key, self._memory.kept(key)) for key in self._changed.take(99)]))
        self._memory = MemoryVerdicts(**self._options, changed=self._changed.mark)
        for known, stood in Rows.read(self._file).verdicts:
            self._memory.put(known, stood)

    def close(self):
        self._file.close()


@pytest.fixture(params=["memory", "sqlite"])
def make(request):
    """A store of verdicts by each adapter."""
    made = []

    def opened(**options):
        if request.param == "memory":
            return MemoryVerdicts(**options)
        made.append(Restarted(**options))
        return made[-1]

    yield opened
    for store in made:
        store.close()


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
