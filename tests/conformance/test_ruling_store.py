"""What `ports.RulingStore` promises, over every adapter."""

from __future__ import annotations

import asyncio

import pytest

from gateway.model.ruling import Ruling

ALICE, BOB = "a" * 32, "b" * 32


def ruling(key_id=ALICE, finding="cleared", at_us=1, why="a class handed in one exercise"):
    return Ruling(key_id, finding, at_us, "maria", why)


async def test_what_one_process_puts_another_reads_whole(shared):
    here, elsewhere = shared.rulings(), shared.rulings()
    said = ruling(at_us=1_795_527_621_123_456, why="„kein“ \U0001f600 \x00 angriff")
    await here.put(said)
    assert (await elsewhere.since(0))[1] == [said]


async def test_nothing_was_decided_yet(shared):
    assert await shared.rulings().since(0) == (0, [])


async def test_whoever_has_read_gets_only_what_came_since_in_its_order(shared):
    store = shared.rulings()
    await store.put(ruling(at_us=1))
    place, _ = await store.since(0)
    assert await store.since(place) == (place, [])
    await store.put(ruling(BOB, "confirmed", at_us=2))
    await store.put(ruling(ALICE, "confirmed", at_us=3))
    later, came = await store.since(place)
    assert [(one.key_id, one.at_us) for one in came] == [(BOB, 2), (ALICE, 3)]
    assert await store.since(later) == (later, [])


async def test_of_many_at_once_none_is_lost(shared):
    stores = [shared.rulings() for _ in range(4)]
    await asyncio.gather(*[stores[n % 4].put(ruling(at_us=n)) for n in range(20)])
    assert sorted(one.at_us for one in (await stores[0].since(0))[1]) == list(range(20))


async def test_past_its_capacity_what_was_replaced_is_forgotten_first_and_then_the_oldest(shared):
    """Pitfall 18: every map is bounded. What stands on a caller outlives what does not stand any more."""
    store = shared.rulings(capacity=3)
    await store.put(ruling(BOB, "confirmed", at_us=1))
    for at_us in (2, 3, 4):
        await store.put(ruling(ALICE, at_us=at_us))
    assert [(one.key_id, one.at_us) for one in (await store.since(0))[1]] == [(BOB, 1), (ALICE, 3), (ALICE, 4)]
    for n in range(3):
        await store.put(ruling(str(n) * 32, at_us=10 + n))
    assert [one.at_us for one in (await store.since(0))[1]] == [10, 11, 12]


async def test_more_than_a_few_are_read_at_once_with_those_that_were_forgotten_left_out(shared):
    store = shared.rulings(capacity=80)
    for n in range(100):
        await store.put(ruling(f"{n:032x}", at_us=n))
    assert [one.at_us for one in (await store.since(0))[1]] == list(range(20, 100))


@pytest.mark.parametrize("place", [5, 10**9])
async def test_a_place_that_the_state_does_not_know_means_that_it_was_lost(shared, place):
    store = shared.rulings()
    await store.put(ruling(at_us=7))
    last, found = await store.since(place)
    assert [one.at_us for one in found] == [7]
    assert last < place
