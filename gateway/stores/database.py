"""The one SQLite file under `--data`: what an embedded deployment must still know after a restart.

In write-ahead mode, so that the command line reads and writes beside a running gateway. All work is done in threads, one statement
block at a time: the event loop never waits for a disk or for another process's lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gateway.errors import SettingsError, StoreUnavailable

__all__ = ["SCHEMA", "Database", "private_folder"]

T = TypeVar("T")

_BUSY_S = 5.0
_VERSION = 1
SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS keys (
    key_id TEXT PRIMARY KEY, account TEXT, tier TEXT, tags TEXT NOT NULL, created_us INTEGER NOT NULL,
    expires_us INTEGER, revoked_us INTEGER, note TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS key_limits (key_id TEXT PRIMARY KEY, limits TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS owners (place INTEGER PRIMARY KEY AUTOINCREMENT, object_id TEXT NOT NULL UNIQUE, key_id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS limits (number INTEGER PRIMARY KEY, spec BLOB NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS counters (
    key TEXT PRIMARY KEY, number INTEGER NOT NULL, claim BLOB NOT NULL, state BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS verdicts (key_id TEXT PRIMARY KEY, place INTEGER NOT NULL, spec BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rulings (place INTEGER PRIMARY KEY AUTOINCREMENT, key_id TEXT NOT NULL, spec BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS campaigns (id TEXT PRIMARY KEY, place INTEGER NOT NULL, spec BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS rulings_of ON rulings (key_id, place);
"""


def private_folder(folder: Path) -> None:
    """Make a folder that only this user may enter, where there is none yet. SettingsError when it cannot be."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"the data folder {folder} cannot be made ({error.strerror}): give another with --data") from error


class Database:
    """A connection to the file, made by `open`. `run(work)` calls `work(connection)` in a thread, in a transaction of its own."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection: sqlite3.Connection | None = connection
        self._lock = threading.Lock()

    @classmethod
    async def open(cls, file: Path) -> Database:
        """Open the file or make it, readable by this user alone. SettingsError when it is not ours or cannot be used."""
        return cls(await asyncio.to_thread(_connect, file))

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` gives; StoreUnavailable when the file does not answer, or is closed."""
        return await asyncio.to_thread(self._run, work)

    async def aclose(self) -> None:
        """Close the file. Work that is under way finishes first."""
        await asyncio.to_thread(self._close)

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._lock:
            if self._connection is None:
                raise StoreUnavailable("the database is closed")
            try:
                with self._connection:
                    return work(self._connection)
            except sqlite3.Error as error:
                raise StoreUnavailable(f"the database does not answer: {type(error).__name__}") from error

    def _close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None


def _connect(file: Path) -> sqlite3.Connection:
    try:
        _make(file)
        connection = sqlite3.connect(file, timeout=_BUSY_S, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise SettingsError(f"{file} cannot be opened ({error}): check its folder's permissions, or give another --data") from error
    try:
        _prepare(connection, file)
    except BaseException:
        connection.close()
        raise
    return connection


def _make(file: Path) -> None:
    """Make the file for this user alone, where there is none.

    One that is there must not be opened and closed beside SQLite: with any such close the kernel gives back all locks that this process
    has on the file, and the next command to end would take itself for the last one and remove the log under the gateway's writes.
    """
    if not file.exists():
        with contextlib.suppress(FileExistsError):
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _prepare(connection: sqlite3.Connection, file: Path) -> None:
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > _VERSION:
            raise SettingsError(f"{file} was written by a newer version (format {version}): run that one, or give another --data")
        connection.executescript(SCHEMA)
        connection.execute(f"PRAGMA user_version={_VERSION}")
    except sqlite3.Error as error:
        raise SettingsError(f"{file} is not a database of ours ({error}): move it away, or give another --data") from error
