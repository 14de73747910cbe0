"""What people decided about callers, in `gateway.db`: written by a command or the admin plane, read by the process that serves."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import msgspec

from gateway.model.ruling import Ruling
from gateway.stores.database import Database

__all__ = ["SqliteRulings"]

_DECODE = msgspec.json.Decoder(Ruling).decode
_ONE_TOO_MANY = """
DELETE FROM rulings WHERE place IN (
    SELECT place FROM rulings AS old
    ORDER BY NOT EXISTS (SELECT 1 FROM rulings AS new WHERE new.key_id = old.key_id AND new.place > old.place), place
    LIMIT max(0, (SELECT count(*) FROM rulings) - ?)
)
"""
"""Those that a later one has replaced go first, of equals the oldest."""


class SqliteRulings:
    """RulingStore. Of more than `capacity` rulings those that were replaced are forgotten first, then the oldest."""

    def __init__(self, database: Database, *, capacity: int = 10_000) -> None:
        self._database = database
        self._capacity = capacity

    async def put(self, ruling: Ruling) -> None:
        """See `ports.RulingStore`."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT INTO rulings (key_id, spec) VALUES (?, ?)", (ruling.key_id, msgspec.json.encode(ruling)))
            connection.execute(_ONE_TOO_MANY, (self._capacity,))

        await self._database.run(work)

    async def since(self, place: int) -> tuple[int, list[Ruling]]:
        """See `ports.RulingStore`."""

        def work(connection: sqlite3.Connection) -> tuple[int, list[Ruling]]:
            last = connection.execute("SELECT coalesce(max(place), 0) FROM rulings").fetchone()[0]
            if last == place:
                return place, []
            return last, list(_read(connection, place if place < last else 0))

        return await self._database.run(work)


def _read(connection: sqlite3.Connection, place: int) -> Iterator[Ruling]:
    for (spec,) in connection.execute("SELECT spec FROM rulings WHERE place > ? ORDER BY place", (place,)):
        yield _DECODE(spec)
