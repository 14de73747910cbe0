"""The memory store's own promises, beside the port's: everything in it is bounded, and its time only goes forward."""

from __future__ import annotations

import pytest

from gateway.model.limit import Amounts, Hold
from gateway.stores.memory_holds import TOMBSTONE_US, MemoryHolds
from tests.support.quota import MINUTE_US, START_US, HandClock, bucket, sliding, slots

NOTHING = Amounts(0, 0, 0, 0)


@pytest.fixture
def clock():
    return HandClock()


def sizes(store):
    return {name: len(getattr(store, name)) for name in ("_counters", "_hand", "_open", "_closed")}


async def test_counters_of_callers_that_left_are_dropped(clock):
    """Pitfall 18: memory does not grow with the number of keys that were ever seen."""
    store = MemoryHolds(clock, tombstones=10)
    for n in range(2_000):
        hold = Hold(f"h{n}", (sliding(10, slot=f"s{n}"), bucket(10, slot=f"b{n}"), slots(2, slot=f"c{n}")), 0)
        await store.take(hold)
        await store.settle(hold, Amounts(1, 1, 0, 0))
        clock.now_us += MINUTE_US // 20
    assert sizes(store)["_counters"] <= 3 * 3 * 25
    assert sizes(store)["_hand"] <= sizes(store)["_counters"]
    assert (sizes(store)["_open"], sizes(store)["_closed"]) == (0, 10)


async def test_of_too_many_counters_the_least_recently_charged_are_forgotten(clock):
    store = MemoryHolds(clock, capacity=50)
    busy = sliding(1_000, slot="busy")
    for n in range(500):
        await store.take(Hold(f"a{n}", (sliding(10, slot=f"s{n}"),), 0))
        await store.take(Hold(f"b{n}", (busy,), 0))
    assert sizes(store)["_counters"] == 50
    assert sizes(store)["_hand"] <= 100
    assert (await store.look([busy]))[0].used == 500


async def test_refusals_leave_nothing_behind(clock):
    store = MemoryHolds(clock)
    for n in range(100):
        await store.take(Hold(f"h{n}", (sliding(0, slot=f"s{n}"), bucket(5, 6, slot=f"s{n}")), 0))
    assert sizes(store) == {"_counters": 0, "_hand": 0, "_open": 0, "_closed": 0}


async def test_holds_that_nobody_settles_end_with_their_lease_and_are_forgotten_after_an_hour(clock):
    store = MemoryHolds(clock, lease_us=MINUTE_US)
    for n in range(20):
        await store.take(Hold(f"h{n}", (sliding(100),), 0))
    clock.now_us += MINUTE_US
    await store.look([])
    assert (sizes(store)["_open"], sizes(store)["_closed"]) == (0, 20)
    clock.now_us += TOMBSTONE_US
    await store.look([])
    assert sizes(store)["_closed"] == 0


async def test_a_clock_that_steps_back_stops_nothing(clock):
    store = MemoryHolds(clock)
    await store.take(Hold("a", (sliding(10, 10), slots(1)), 0))
    clock.now_us -= 3_600_000_000
    assert not (await store.take(Hold("b", (sliding(10, 1),), 0))).held
    clock.now_us += MINUTE_US + 1_000_000
    assert (await store.take(Hold("c", (sliding(10, 10), slots(1)), 0))).held


async def test_a_renewed_hold_outlives_those_taken_after_it(clock):
    store = MemoryHolds(clock, lease_us=MINUTE_US)
    first, second = Hold("a", (sliding(10),), START_US), Hold("b", (sliding(10),), START_US)
    await store.take(first)
    await store.take(second)
    clock.now_us += MINUTE_US // 2
    assert await store.renew(first)
    clock.now_us += MINUTE_US // 2
    assert (await store.settle(second, NOTHING)).outcome == "expired"
    assert (await store.settle(first, NOTHING)).outcome == "settled"


async def test_a_counter_is_dropped_by_the_amount_that_its_limit_has_now(clock):
    """Pitfall 17: after an edit to a slower rate its usage must not be swept away at the old one."""
    store = MemoryHolds(clock)
    await store.take(Hold("a", (bucket(600, 60),), 0))
    await store.take(Hold("b", (bucket(60, 0, burst=600),), 0))
    clock.now_us += MINUTE_US // 2
    for n in range(10):
        await store.take(Hold(f"h{n}", (sliding(10, slot=f"s{n}"),), 0))
    assert (await store.look([bucket(60, burst=600)]))[0].used == 30
