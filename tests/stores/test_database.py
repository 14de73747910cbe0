"""The SQLite file: a wrong one is refused with its name, and a fault is a StoreUnavailable that leaves nothing half done."""

from __future__ import annotations

import sqlite3
import subprocess
import sys

import pytest

from gateway.errors import SettingsError, StoreUnavailable
from gateway.stores.database import Database, private_folder


async def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "gateway.db").write_bytes(b"not a database" * 100)
    with pytest.raises(SettingsError, match=r"gateway\.db is not a database of ours"):
        await Database.open(tmp_path / "gateway.db")


async def test_a_file_of_a_newer_version_is_refused(tmp_path):
    connection = sqlite3.connect(tmp_path / "gateway.db")
    connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(SettingsError, match="newer version"):
        await Database.open(tmp_path / "gateway.db")


async def test_a_command_that_ends_beside_two_connections_does_not_remove_the_log_under_them(tmp_path):
    file = tmp_path / "gateway.db"
    first, second = await Database.open(file), await Database.open(file)
    await first.run(lambda connection: connection.execute("INSERT INTO settings VALUES ('a', x'00')"))
    count = "SELECT count(*) FROM settings"
    look = f"import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); print(*c.execute({count!r}).fetchone()); c.close()"
    command = [sys.executable, "-c", look, str(file)]
    assert subprocess.run(command, capture_output=True, check=True, text=True).stdout == "1\n"
    await second.run(lambda connection: connection.execute("INSERT INTO settings VALUES ('b', x'00')"))
    assert subprocess.run(command, capture_output=True, check=True, text=True).stdout == "2\n"
    await first.aclose()
    await second.aclose()


async def test_a_file_that_cannot_be_opened_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="cannot be opened"):
        await Database.open(tmp_path)


async def test_work_that_fails_is_undone(tmp_path):
    database = await Database.open(tmp_path / "gateway.db")

    def work(connection):
        connection.execute("INSERT INTO settings VALUES ('a', x'00')")
        connection.execute("INSERT INTO nosuch VALUES (1)")

    with pytest.raises(StoreUnavailable, match="OperationalError"):
        await database.run(work)
    assert await database.run(lambda connection: connection.execute("SELECT count(*) FROM settings").fetchone()) == (0,)
    await database.aclose()
    await database.aclose()
    with pytest.raises(StoreUnavailable, match="closed"):
        await database.run(lambda connection: None)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="give another with --data"):
        private_folder(tmp_path / "file" / "data")


def test_a_folder_that_exists_is_left_as_it_is(tmp_path):
    tmp_path.chmod(0o755)
    private_folder(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o755
