"""Keys, the secret and owners of stored objects in Redis: one truth for every process of a fleet.

These do not expire: a Redis that serves a gateway must not be set to evict keys that have no expiry (`allkeys-*`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gateway.model.caller import KeyRecord
from gateway.model.value import replace
from gateway.stores.keycache import KeyCache, fits_one
from gateway.stores.redis_line import Line, Script, Word
from gateway.stores.secret import agreed, candidate

__all__ = ["RedisKeys", "RedisOwners"]

_LUA = Path(__file__).parent / "lua"
_SECRET = "azg:secret"  # noqa: S105
_INDEX = "azg:keys"
_OWNERS = ["azg:{owners}:by", "azg:{owners}:at"]
_PATIENCE = 4
"""What an operator asks, and an owner, may take so many times as long as a take of quota; the key of a request may not."""


class RedisKeys:
    """KeyStore. What another process changed is seen within half a second."""

    def __init__(self, line: Line, *, cache: KeyCache | None = None) -> None:
        self._line = line
        self._cache = cache or KeyCache()
        self._revoke = Script((_LUA / "revoke.lua").read_text())
        self._deadline_s = _PATIENCE * line.deadline_s

    async def secret(self, proposed: bytes | None) -> bytes:
        """See `ports.KeyStore`."""
        await self._call("SET", _SECRET, candidate(proposed), "NX")
        return agreed(await self._call("GET", _SECRET), proposed, "this Redis")

    async def find(self, key_id: str) -> KeyRecord | None:
        """See `ports.KeyStore`."""
        known = self._cache.get(key_id)
        if known is not None:
            return known[0]
        began = self._cache.began()
        record = await self._read(key_id, self._line.deadline_s)
        self._cache.put(key_id, record, began)
        return record

    def remembered(self, key_id: str) -> KeyRecord | None:
        """See `ports.KeyStore`."""
        return self._cache.remembered(key_id)

    async def put(self, record: KeyRecord) -> None:
        """See `ports.KeyStore`. Listed first: a record that is not listed could not be revoked by its prefix."""
        await self._call("SADD", _INDEX, record.key_id)
        await self._call("HSET", _place(record.key_id), *_fields(record))
        self._cache.drop(record.key_id)

    async def revoke(self, key_id_prefix: str, now_us: int) -> KeyRecord | None:
        """See `ports.KeyStore`."""
        key_id = fits_one(key_id_prefix, await self._ids())
        record = await self._read(key_id) if key_id else None
        if record is None:
            return None
        made = await self._line.run(self._revoke, [_place(record.key_id)], [now_us], deadline_s=self._deadline_s)
        self._cache.drop(record.key_id)
        return replace(record, revoked_us=now_us) if made else None

    async def list(self) -> list[KeyRecord]:
        """See `ports.KeyStore`."""
        found = await asyncio.gather(*[self._read(key_id) for key_id in await self._ids()])
        return sorted((record for record in found if record is not None), key=lambda record: (record.created_us, record.key_id))

    async def aclose(self) -> None:
        """Nothing of its own: whoever opened the line closes it."""

    async def _ids(self) -> Sequence[str]:
        return [member.decode() for member in await self._call("SMEMBERS", _INDEX)]

    async def _read(self, key_id: str, deadline_s: float | None = None) -> KeyRecord | None:
        within_s = self._deadline_s if deadline_s is None else deadline_s
        flat = await self._line.call("HGETALL", _place(key_id), deadline_s=within_s)
        texts = [text.decode() for text in flat]
        return _record(key_id, dict(zip(texts[::2], texts[1::2], strict=True))) if texts else None

    async def _call(self, *words: Word) -> Any:
        return await self._line.call(*words, deadline_s=self._deadline_s)


class RedisOwners:
    """OwnerStore. Of more than `capacity` objects the first claimed are forgotten."""

    def __init__(self, line: Line, *, capacity: int = 1_000_000) -> None:
        self._line = line
        self._capacity = capacity
        self._own = Script((_LUA / "own.lua").read_text())
        self._deadline_s = _PATIENCE * line.deadline_s

    async def claim(self, object_id: str, key_id: str) -> None:
        """See `ports.OwnerStore`."""
        await self._line.run(self._own, _OWNERS, [object_id, key_id, self._capacity], deadline_s=self._deadline_s)

    async def owner(self, object_id: str) -> str | None:
        """See `ports.OwnerStore`."""
        found = await self._line.call("HGET", _OWNERS[0], object_id, deadline_s=self._deadline_s)
        return None if found is None else found.decode()


def _place(key_id: str) -> str:
    return f"azg:k:{key_id}"


def _fields(record: KeyRecord) -> list[Word]:
    """All fields, each time: what is not set is empty, so that one command replaces a record whole. Texts are JSON, for None."""
    return [
        "account", json.dumps(record.account), "tier", json.dumps(record.tier), "tags", json.dumps(sorted(record.tags)),
        "note", json.dumps(record.note), "limits", json.dumps(dict(record.limits)), "created_us", record.created_us,
        "expires_us", _time(record.expires_us), "revoked_us", _time(record.revoked_us),
    ]  # fmt: skip


def _time(moment: int | None) -> Word:
    return "" if moment is None else moment


def _record(key_id: str, fields: dict[str, str]) -> KeyRecord:
    return KeyRecord(
        key_id=key_id,
        account=json.loads(fields["account"]),
        tier=json.loads(fields["tier"]),
        tags=frozenset(json.loads(fields["tags"])),
        created_us=int(fields["created_us"]),
        expires_us=int(fields["expires_us"]) if fields["expires_us"] else None,
        revoked_us=int(fields["revoked_us"]) if fields["revoked_us"] else None,
        note=json.loads(fields["note"]),
        limits=tuple(sorted(json.loads(fields.get("limits", "{}")).items())),
    )
