"""Standing verdicts: what the memory adapter promises beside its port, which is in the conformance suite."""

from __future__ import annotations

from gateway.model.evidence import Verdict
from gateway.stores.verdicts import MemoryVerdicts


def test_a_verdict_that_is_put_again_and_again_takes_no_more_room():
    """Pitfall 18."""
    store = MemoryVerdicts(capacity=10)
    for n in range(5_000):
        store.put(f"key{n % 7}", Verdict(score=float(n % 3)))
    assert len(store._verdicts) == 7
    assert len(store._order) <= 2 * 7 + 17


def test_ten_thousand_callers_leave_the_capacity():
    store = MemoryVerdicts(capacity=100)
    for n in range(10_000):
        store.put(f"key{n}", Verdict(score=float(n % 1_000)))
    assert len(store._verdicts) == 100
    assert min(verdict.score for verdict, _ in store._verdicts.values()) >= 980
