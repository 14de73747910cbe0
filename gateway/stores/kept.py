"""What an embedded deployment keeps of quota and verdicts, as rows of its SQLite file: written in a thread, read once at the start.

A counter's row is its key, the limit and the claim that last touched it, and its state as its window gives it (`WindowKind.dump`). A
limit is written once and named by number. A row that a process cannot read, because its window is not known any more or the file
was damaged, is left out and counted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gateway.errors import RegistryError
from gateway.model.evidence import Verdict
from gateway.model.limit import Claim, Limit
from gateway.model.value import replace
from gateway.registry import resolve

__all__ = ["Batch", "Found", "Rows"]

_MOST_LIMITS = 4_096
_OF_A_CLAIM = tuple(name for name in Claim.__struct_fields__ if name not in {"limit", "key", "want"})
_CLAIM = msgspec.json.Decoder(Claim)
_VERDICT = msgspec.json.Decoder(Verdict)


_COUNTERS = "SELECT key, claim, state, spec FROM counters LEFT JOIN limits USING (number)"
_PUT_COUNTER = "INSERT OR REPLACE INTO counters (key, number, claim, state) VALUES (?, ?, ?, ?)"
_PUT_VERDICT = "INSERT OR REPLACE INTO verdicts (key_id, place, spec) VALUES (?, ?, ?)"
_PUT_TIME = "INSERT OR REPLACE INTO settings VALUES ('quota_time', ?)"
_LIMITS_UNUSED = "DELETE FROM limits WHERE number NOT IN (SELECT number FROM counters)"


@dataclass(slots=True)
class Batch:
    """Changes to write in one transaction. None in the place of a counter or verdict: it is gone. `time` is the hold store's."""

    time: int
    counters: list[tuple[str, tuple[Claim, Any] | None]] = field(default_factory=list)
    verdicts: list[tuple[str, tuple[int, Verdict] | None]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.counters) + len(self.verdicts)


@dataclass(frozen=True, slots=True)
class Found:
    """What an earlier process left: counters by the claim that last touched each, verdicts in the order in which they were put, and
    the keys of what cannot be read any more."""

    time: int
    counters: list[tuple[Claim, Any]]
    verdicts: list[tuple[str, Verdict]]
    unreadable: tuple[str, ...]


class Rows:
    """Writes batches through one connection; remembers which number each limit has there."""

    def __init__(self) -> None:
        self._numbers: dict[Limit, int] = {}

    def write(self, connection: sqlite3.Connection, batch: Batch) -> None:
        """All of a batch; the caller commits, or rolls back and says `forget`."""
        counters = [(key, *kept) for key, kept in batch.counters if kept is not None]
        numbers = [self._number(connection, claim.limit) for _, claim, _ in counters]
        # Each row is made when SQLite asks for it: it lets the loop's thread run between two rows.
        put = ((key, number, *_plain(claim, state)) for number, (key, claim, state) in zip(numbers, counters, strict=True))
        connection.executemany(_PUT_COUNTER, put)
        verdicts = [(key, *kept) for key, kept in batch.verdicts if kept is not None]
        connection.executemany(_PUT_VERDICT, ((key, place, msgspec.json.encode(verdict)) for key, place, verdict in verdicts))
        connection.executemany("DELETE FROM counters WHERE key = ?", [(key,) for key, kept in batch.counters if kept is None])
        connection.executemany("DELETE FROM verdicts WHERE key_id = ?", [(key,) for key, kept in batch.verdicts if kept is None])
        connection.execute(_PUT_TIME, (str(batch.time).encode(),))

    def forget(self) -> None:
        """What was written last was rolled back, and with it perhaps a limit's number."""
        self._numbers.clear()

    def _number(self, connection: sqlite3.Connection, limit: Limit) -> int:
        number = self._numbers.get(limit)
        if number is None:
            spec = msgspec.json.encode(limit)
            connection.execute("INSERT OR IGNORE INTO limits (spec) VALUES (?)", (spec,))
            number = int(connection.execute("SELECT number FROM limits WHERE spec = ?", (spec,)).fetchone()[0])
            if len(self._numbers) >= _MOST_LIMITS:
                self._numbers.clear()
            self._numbers[limit] = number
        return number

    @staticmethod
    def read(connection: sqlite3.Connection, keys: Sequence[str] | None = None) -> Found:
        """All that is kept, or these counters alone."""
        row = connection.execute("SELECT value FROM settings WHERE name = 'quota_time'").fetchone()
        unreadable: list[str] = []
        counters = list(_counters(connection, keys, unreadable))
        verdicts = list(_verdicts(connection, unreadable)) if keys is None else []
        return Found(int(row[0]) if row else 0, counters, verdicts, tuple(unreadable))

    @staticmethod
    def tidy(connection: sqlite3.Connection) -> None:
        """Drop the limits that no counter has any more; before the first write only."""
        connection.execute(_LIMITS_UNUSED)


def _plain(claim: Claim, state: Any) -> tuple[bytes, bytes]:
    """A claim without its limit, its key and what it wanted, and the state."""
    kind = resolve("windows", claim.limit.window)
    return msgspec.json.encode({name: getattr(claim, name) for name in _OF_A_CLAIM}), msgspec.json.encode(kind.dump(state))


def _rows(connection: sqlite3.Connection, keys: Sequence[str] | None) -> Iterator[Any]:
    if keys is None:
        yield from connection.execute(_COUNTERS)
    for key in keys or ():
        yield from connection.execute(_COUNTERS + " WHERE key = ?", (key,))


def _counters(connection: sqlite3.Connection, keys: Sequence[str] | None, unreadable: list[str]) -> Iterator[tuple[Claim, Any]]:
    limits: dict[bytes, Limit] = {}
    for key, claim, state, spec in _rows(connection, keys):
        try:
            whole = b'{"limit":%b,"key":%b,"want":0,%b' % (spec, msgspec.json.encode(key), claim[1:])
            read = _CLAIM.decode(whole)
            read = replace(read, limit=limits.setdefault(spec, read.limit))  # one object for all of its counters
            yield read, resolve("windows", read.limit.window).load(msgspec.json.decode(state))
        except (ValueError, TypeError, RegistryError):
            unreadable.append(key)


def _verdicts(connection: sqlite3.Connection, unreadable: list[str]) -> Iterator[tuple[str, Verdict]]:
    for key_id, spec in connection.execute("SELECT key_id, spec FROM verdicts ORDER BY place"):
        try:
            yield key_id, _VERDICT.decode(spec)
        except ValueError:
            unreadable.append(key_id)
