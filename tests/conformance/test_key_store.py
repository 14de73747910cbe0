"""What `ports.KeyStore` promises, over every adapter."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import SettingsError
from gateway.model.caller import KeyRecord

ALICE, BOB = "a1" * 16, "b2" * 16
FULL = KeyRecord(
    ALICE, "acme {1}", "standard", frozenset({"batch", "ünï"}), 100, 900, None, 'for "CI"\n', (("a.b", 0), ("free-rpm", 2**53))
)
BARE = KeyRecord(BOB, None, None, frozenset(), 50)


async def test_a_record_comes_back_as_it_was_put(shared):
    store = shared.keys()
    await store.put(FULL)
    await store.put(BARE)
    assert await store.find(ALICE) == FULL
    assert await store.find(BOB) == BARE
    assert await shared.keys().find(ALICE) == FULL


async def test_an_unknown_key_is_nobody(shared):
    assert await shared.keys().find("c3" * 16) is None
    assert await shared.keys().list() == []


async def test_putting_an_id_again_replaces_its_record_whole(shared):
    store = shared.keys()
    await store.put(FULL)
    await store.revoke(ALICE, 500)
    bare = KeyRecord(ALICE, None, None, frozenset(), 70)
    await store.put(bare)
    assert await store.find(ALICE) == bare
    assert await store.list() == [bare]


async def test_all_keys_are_listed_oldest_first(shared):
    store = shared.keys()
    await store.put(FULL)
    await store.put(BARE)
    await store.revoke(ALICE, 500)
    assert [record.key_id for record in await shared.keys().list()] == [BOB, ALICE]


async def test_revoking_says_whether_there_was_a_key_to_revoke(shared):
    store = shared.keys()
    await store.put(FULL)
    revoked = await store.revoke(ALICE, 500)
    assert revoked is not None
    assert (revoked.revoked_us, revoked.account) == (500, FULL.account)
    assert await store.find(ALICE) == revoked
    assert await store.revoke(ALICE, 600) is None
    assert await store.revoke("c3" * 16, 600) is None
    assert (await store.find(ALICE)).revoked_us == 500


async def test_a_prefix_of_eight_digits_that_fits_one_key_will_do(shared):
    store = shared.keys()
    twin = "a1a1a1a1ff" + "0" * 22
    for key_id in (ALICE, twin, BOB):
        await store.put(KeyRecord(key_id, None, None, frozenset(), 1))
    assert await store.revoke("b2b2b2b", 5) is None
    assert await store.revoke("a1a1a1a1", 5) is None
    assert await store.revoke("%_______", 5) is None
    assert (await store.revoke("a1a1a1a1f", 5)).key_id == twin
    assert (await store.revoke("b2b2b2b2", 5)).key_id == BOB


async def test_of_two_revocations_at_once_one_is_told_that_it_was(shared):
    one, other = shared.keys(), shared.keys()
    await one.put(FULL)
    revoked = await asyncio.gather(one.revoke(ALICE, 5), other.revoke(ALICE, 6))
    assert [record is not None for record in revoked].count(True) == 1


async def test_a_revocation_by_another_process_is_seen_within_a_second(shared):
    one, other = shared.keys(), shared.keys()
    await one.put(FULL)
    assert (await one.find(ALICE)).state(500) == "active"
    await other.revoke(ALICE, 400)
    shared.monotonic.now_s += 0.99
    assert (await one.find(ALICE)).state(500) == "revoked"


async def test_a_key_made_by_another_process_is_seen_within_a_second(shared):
    one, other = shared.keys(), shared.keys()
    assert await one.find(ALICE) is None
    await other.put(FULL)
    shared.monotonic.now_s += 0.99
    assert await one.find(ALICE) == FULL


async def test_a_change_made_here_is_seen_here_at_once(shared):
    store = shared.keys()
    assert await store.find(ALICE) is None
    await store.put(FULL)
    assert await store.find(ALICE) == FULL
    await store.revoke(ALICE, 5)
    assert (await store.find(ALICE)).revoked_us == 5


# ── The secret ──────────────────────────────────────────────────────────────────────────────────


async def test_all_processes_get_one_secret_however_many_ask_first(shared):
    secrets = await asyncio.gather(*[shared.keys().secret(None) for _ in range(8)])
    assert len(set(secrets)) == 1
    assert len(secrets[0]) >= 32


async def test_the_secret_of_the_environment_is_kept(shared):
    proposed = bytes(range(32))
    assert await shared.keys().secret(proposed) == proposed
    assert await shared.keys().secret(None) == proposed
    assert await shared.keys().secret(proposed) == proposed


async def test_another_secret_than_the_kept_one_is_refused_with_the_remedy(shared):
    await shared.keys().secret(None)
    with pytest.raises(SettingsError, match=r"GATEWAY_SECRET.*set the first one again"):
        await shared.keys().secret(b"x" * 32)


async def test_a_short_secret_is_refused_and_not_kept(shared):
    with pytest.raises(SettingsError, match="at least 32"):
        await shared.keys().secret(b"short")
    assert len(await shared.keys().secret(None)) >= 32


async def test_closing_twice_is_no_error(shared):
    store = shared.keys()
    await store.aclose()
    await store.aclose()
