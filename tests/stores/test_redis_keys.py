"""Keys in Redis: nothing of them expires, and what cannot be asked is said to be unavailable."""

from __future__ import annotations

import pytest

from gateway.errors import StoreUnavailable
from gateway.model.caller import KeyRecord
from gateway.stores.keycache import KeyCache
from gateway.stores.redis import line_to
from gateway.stores.redis_keys import RedisKeys, RedisOwners

KEY = KeyRecord("ab" * 16, "acme", None, frozenset({"x"}), 1)


async def test_keys_secret_and_owners_do_not_expire(line):
    keys = RedisKeys(line)
    await keys.secret(None)
    await keys.put(KEY)
    await RedisOwners(line).claim("file-1", KEY.key_id)
    kept = await line.call("KEYS", "*")
    assert len(kept) == 5
    assert all(name.startswith(b"azg:") for name in kept)
    assert [await line.call("TTL", name) for name in kept] == [-1] * 5


async def test_a_listed_key_without_a_record_is_nobodys(line):
    keys = RedisKeys(line)
    await keys.put(KEY)
    await line.call("SADD", "azg:keys", "cd" * 16)
    assert await keys.list() == [KEY]
    assert await keys.revoke("cd" * 16, 5) is None


async def test_without_redis_a_known_key_is_answered_for_a_moment_and_then_it_is_said(own_redis):
    line = line_to(own_redis.url + "?deadline_ms=5000")
    clock = [0.0]
    keys = RedisKeys(line, cache=KeyCache(now=lambda: clock[0]))
    await keys.put(KEY)
    assert await keys.find(KEY.key_id) == KEY
    own_redis.kill()
    clock[0] = 0.4
    assert await keys.find(KEY.key_id) == KEY
    clock[0] = 0.6
    with pytest.raises(StoreUnavailable):
        await keys.find(KEY.key_id)
    assert (keys.remembered(KEY.key_id), keys.remembered("cd" * 16)) == (KEY, None)
    await line.aclose()


async def test_a_key_that_was_kept_before_keys_had_amounts_of_their_own_has_none(line):
    keys = RedisKeys(line)
    await keys.put(KeyRecord("a1" * 16, "acme", None, frozenset(), 5, limits=(("rpm", 7),)))
    await line.call("HDEL", "azg:k:" + "a1" * 16, "limits")
    assert (await RedisKeys(line).find("a1" * 16)).limits == ()
