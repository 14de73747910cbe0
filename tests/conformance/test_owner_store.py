"""What `ports.OwnerStore` promises, over every adapter."""

from __future__ import annotations

import asyncio


async def test_an_object_belongs_to_the_key_that_claimed_it_first(shared):
    store, elsewhere = shared.owners(), shared.owners()
    await store.claim("file-1", "alice")
    await elsewhere.claim("file-1", "bob")
    assert await store.owner("file-1") == "alice"
    assert await elsewhere.owner("file-1") == "alice"


async def test_an_object_that_nobody_claimed_belongs_to_nobody(shared):
    assert await shared.owners().owner("file-1") is None


async def test_of_claims_at_once_one_stays(shared):
    stores = [shared.owners() for _ in range(6)]
    await asyncio.gather(*[store.claim("file-1", f"key{n}") for n, store in enumerate(stores)])
    assert len({await store.owner("file-1") for store in stores}) == 1


async def test_past_its_capacity_the_first_claimed_are_forgotten(shared):
    """Pitfall 18: every map is bounded."""
    store = shared.owners(capacity=3)
    for n in range(5):
        await store.claim(f"file-{n}", "alice")
        await store.claim(f"file-{n}", "bob")
    assert [await store.owner(f"file-{n}") for n in range(5)] == [None, None, "alice", "alice", "alice"]
