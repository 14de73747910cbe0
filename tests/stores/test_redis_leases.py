"""Leases' scripts: charged in the counter that takes charge too, at the lease's end where a window slides, and given back once."""

from __future__ import annotations

import pytest

from gateway.model.limit import Hold
from gateway.stores.redis_holds import HoldScripts, RedisHolds
from gateway.stores.redis_leases import RedisLeases
from tests.support.quota import LUA_CLOCK, START_US, bucket, calendar, lifetime, sliding, slots

SECOND = 1_000_000
LEASE_US = 300 * SECOND


class Store:
    def __init__(self, line):
        self.line = line
        self.leases = RedisLeases(line, clock=LUA_CLOCK)
        self.holds = RedisHolds(line, scripts=HoldScripts.load(LUA_CLOCK))

    async def lease(self, name, claim, least=1, most=None, **more):
        return await self.leases.lease(
            name, claim, least=least, most=least if most is None else most, ahead_us=2 * SECOND, lease_us=LEASE_US, **more
        )

    async def shrink(self, name, claim, keep, final=True):
        return await self.leases.shrink(name, claim, keep, lease_us=LEASE_US, final=final)

    async def used(self, claim):
        return (await self.holds.look([claim]))[0].used

    async def advance(self, us):
        await self.line.call("INCRBY", "test:now", us)


@pytest.fixture
async def store(line):
    await line.call("SET", "test:now", START_US)
    return Store(line)


@pytest.mark.parametrize("claim", [sliding(100), bucket(100), calendar(100), lifetime(100)], ids=lambda claim: claim.limit.window)
async def test_a_slice_is_charged_in_advance_and_what_it_did_not_need_comes_back_once(store, claim):
    granted = await store.lease("a", claim, least=5, most=20)
    assert (granted.amount, granted.fitted, granted.used) == (20, True, 20)
    assert await store.used(claim) == 20
    assert await store.shrink("a", claim, 12, final=False) == "settled"
    assert await store.shrink("a", claim, 15, final=False) == "settled"
    assert await store.used(claim) == 12
    assert await store.shrink("a", claim, 3) == "settled"
    assert await store.shrink("a", claim, 0) == "repeated"
    assert await store.used(claim) == 3


async def test_towards_the_end_of_a_limit_slices_are_a_quarter_of_what_is_left(store):
    amounts = [(await store.lease(f"{n}", sliding(100), least=1, most=50)).amount for n in range(9)]
    assert amounts == [25, 18, 14, 10, 8, 6, 4, 3, 3]


async def test_what_does_not_fit_is_not_charged_unless_it_must_be(store):
    await store.lease("a", sliding(10), least=10)
    refused = await store.lease("b", sliding(10), least=1)
    assert (refused.amount, refused.fitted, refused.used, refused.retry_us > 0) == (0, False, 10, True)
    forced = await store.lease("c", sliding(10), least=4, force=True)
    assert (forced.amount, forced.fitted, forced.used) == (4, False, 14)


async def test_in_a_sliding_window_a_slice_counts_from_its_lease_s_end(store):
    await store.lease("a", sliding(10), least=10)
    await store.advance(61 * SECOND)
    assert await store.used(sliding(10)) == 10
    await store.advance(SECOND)
    assert await store.used(sliding(10)) == 0


async def test_a_lease_that_arrives_after_its_end_is_not_charged(store):
    assert await store.shrink("a", sliding(10), 0) == "unknown_id"
    assert (await store.lease("a", sliding(10), least=5)).amount == 0
    assert await store.used(sliding(10)) == 0


async def test_a_slice_that_nobody_renewed_stays_charged_and_says_so(store):
    claim = sliding(10, window_us=3600 * SECOND)
    await store.lease("a", claim, least=5)
    await store.advance(LEASE_US - 1)
    assert await store.shrink("a", claim, 5, final=False) == "settled"
    await store.advance(LEASE_US)
    assert await store.shrink("a", claim, 0) == "expired"
    assert await store.used(claim) == 5


async def test_a_slot_is_leased_renewed_and_given_back(store):
    claim = slots(2)
    assert [(await store.lease(f"{n}", claim)).amount for n in range(3)] == [1, 1, 0]
    await store.advance(50 * SECOND)
    assert await store.shrink("0", claim, 1, final=False) == "settled"
    await store.advance(50 * SECOND)
    assert await store.used(claim) == 1
    assert await store.shrink("0", claim, 0) == "settled"
    assert await store.used(claim) == 0


async def test_leases_and_takes_count_in_one_counter(store):
    claim = sliding(10, 6)
    assert (await store.lease("a", claim, least=5)).amount == 5
    assert not (await store.holds.take(Hold("h", (claim,), 0))).held
    assert (await store.holds.take(Hold("h", (sliding(10, 5),), 0))).held
    assert not (await store.lease("b", claim, least=1)).fitted


async def test_every_record_of_a_slice_expires_by_itself(store, line):
    await store.lease("a", sliding(10), least=5)
    await store.lease("b", sliding(10), least=5)
    await store.shrink("b", sliding(10), 0)
    for name in (b"azg:{acme}:h:a", b"azg:{acme}:h:b"):
        assert 0 < await line.call("PTTL", name) <= 360_000
