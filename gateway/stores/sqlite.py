"""Keys, the secret and owners of stored objects in `gateway.db`: what an embedded deployment keeps over a restart."""

from __future__ import annotations

import json
import sqlite3

from gateway.model.caller import KeyRecord
from gateway.model.value import replace
from gateway.stores.database import Database
from gateway.stores.keycache import KeyCache, fits_one
from gateway.stores.secret import agreed, candidate

__all__ = ["SqliteKeys", "SqliteOwners"]

_SELECT = (
    "SELECT keys.key_id, account, tier, tags, created_us, expires_us, revoked_us, note, limits "
    "FROM keys LEFT JOIN key_limits ON keys.key_id = key_limits.key_id "
)
_ALL = _SELECT + "ORDER BY created_us, keys.key_id"
_ONE = _SELECT + "WHERE keys.key_id = ?"
# Not OR IGNORE: an ignored row would use up a place, and places tell how many objects there are.
_CLAIM = "INSERT INTO owners (object_id, key_id) SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM owners WHERE object_id = ?)"
_PUT = (
    "INSERT OR REPLACE INTO keys (key_id, account, tier, tags, created_us, expires_us, revoked_us, note) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


class SqliteKeys:
    """KeyStore. Several processes may use one file; what another one changed is seen within half a second."""

    def __init__(self, database: Database, *, cache: KeyCache | None = None) -> None:
        self._database = database
        self._cache = cache or KeyCache()

    async def secret(self, proposed: bytes | None) -> bytes:
        """See `ports.KeyStore`."""
        fresh = candidate(proposed)

        def work(connection: sqlite3.Connection) -> bytes:
            connection.execute("INSERT OR IGNORE INTO settings VALUES ('secret', ?)", (fresh,))
            return bytes(connection.execute("SELECT value FROM settings WHERE name = 'secret'").fetchone()[0])

        return agreed(await self._database.run(work), proposed, "gateway.db")

    async def find(self, key_id: str) -> KeyRecord | None:
        """See `ports.KeyStore`."""
        known = self._cache.get(key_id)
        if known is not None:
            return known[0]
        began = self._cache.began()
        record = await self._database.run(lambda connection: _find(connection, key_id))
        self._cache.put(key_id, record, began)
        return record

    def remembered(self, key_id: str) -> KeyRecord | None:
        """See `ports.KeyStore`."""
        return self._cache.remembered(key_id)

    async def put(self, record: KeyRecord) -> None:
        """See `ports.KeyStore`."""
        await self._database.run(lambda connection: _put(connection, record))
        self._cache.drop(record.key_id)

    async def revoke(self, key_id_prefix: str, now_us: int) -> KeyRecord | None:
        """See `ports.KeyStore`."""

        def work(connection: sqlite3.Connection) -> KeyRecord | None:
            connection.execute("BEGIN IMMEDIATE")
            key_id = fits_one(key_id_prefix, [row[0] for row in connection.execute("SELECT key_id FROM keys")])
            record = _find(connection, key_id) if key_id else None
            if record is None or record.revoked_us is not None:
                return None
            revoked = replace(record, revoked_us=now_us)
            _put(connection, revoked)
            return revoked

        revoked = await self._database.run(work)
        if revoked is not None:
            self._cache.drop(revoked.key_id)
        return revoked

    async def list(self) -> list[KeyRecord]:
        """See `ports.KeyStore`."""
        return await self._database.run(lambda connection: [_record(row) for row in connection.execute(_ALL)])

    async def aclose(self) -> None:
        """Nothing of its own: whoever opened the database closes it."""


class SqliteOwners:
    """OwnerStore. Of more than `capacity` objects the first claimed are forgotten."""

    def __init__(self, database: Database, *, capacity: int = 1_000_000) -> None:
        self._database = database
        self._capacity = capacity

    async def claim(self, object_id: str, key_id: str) -> None:
        """See `ports.OwnerStore`."""

        def work(connection: sqlite3.Connection) -> None:
            made = connection.execute(_CLAIM, (object_id, key_id, object_id))
            if made.rowcount:
                connection.execute("DELETE FROM owners WHERE place <= ?", ((made.lastrowid or 0) - self._capacity,))

        await self._database.run(work)

    async def owner(self, object_id: str) -> str | None:
        """See `ports.OwnerStore`."""

        def work(connection: sqlite3.Connection) -> str | None:
            row = connection.execute("SELECT key_id FROM owners WHERE object_id = ?", (object_id,)).fetchone()
            return None if row is None else str(row[0])

        return await self._database.run(work)


def _find(connection: sqlite3.Connection, key_id: str) -> KeyRecord | None:
    row = connection.execute(_ONE, (key_id,)).fetchone()
    return None if row is None else _record(row)


def _put(connection: sqlite3.Connection, record: KeyRecord) -> None:
    tags = json.dumps(sorted(record.tags))
    times = (record.created_us, record.expires_us, record.revoked_us)
    connection.execute(_PUT, (record.key_id, record.account, record.tier, tags, *times, record.note))
    connection.execute("DELETE FROM key_limits WHERE key_id = ?", (record.key_id,))
    if record.limits:
        connection.execute("INSERT INTO key_limits VALUES (?, ?)", (record.key_id, json.dumps(dict(record.limits))))


def _record(row: tuple[str, str | None, str | None, str, int, int | None, int | None, str, str | None]) -> KeyRecord:
    key_id, account, tier, tags, created, expires, revoked, note, limits = row
    own = tuple(sorted(json.loads(limits).items())) if limits else ()
    return KeyRecord(key_id, account, tier, frozenset(json.loads(tags)), created, expires, revoked, note, own)
