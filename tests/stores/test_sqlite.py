"""Keys in SQLite between real processes, and the event loop kept free while another process holds the file."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.model.caller import KeyRecord
from gateway.model.value import replace
from gateway.stores.database import Database
from gateway.stores.sqlite import SqliteKeys, SqliteOwners

ROOT = Path(__file__).resolve().parents[2]
KEY = KeyRecord("ab" * 16, "acme", None, frozenset(), 1)

REVOKE = """
import asyncio, sys
from pathlib import Path
from gateway.stores.database import Database
from gateway.stores.sqlite import SqliteKeys

async def main():
    database = await Database.open(Path(sys.argv[1]))
    revoked = await SqliteKeys(database).revoke(sys.argv[2], 500)
    print(revoked is not None)
    await database.aclose()

asyncio.run(main())
"""


@pytest.fixture
async def file(tmp_path):
    return tmp_path / "gateway.db"


@pytest.fixture
async def database(file):
    database = await Database.open(file)
    yield database
    await database.aclose()


async def test_a_revocation_by_a_real_other_process_is_seen_within_a_second(database, file):
    keys = SqliteKeys(database)
    await keys.put(KEY)
    assert (await keys.find(KEY.key_id)).state(600) == "active"
    ended = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", REVOKE, str(file), KEY.key_id[:8]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.stdout == "True\n", ended.stderr
    loop = asyncio.get_running_loop()
    began = loop.time()
    while (await keys.find(KEY.key_id)).state(600) == "active":
        assert loop.time() - began < 1
        await asyncio.sleep(0.05)


async def test_the_loop_runs_on_while_another_process_writes(database, file):
    other = sqlite3.connect(file)
    other.execute("BEGIN IMMEDIATE")
    keys, ticks = SqliteKeys(database), 0
    writing = asyncio.ensure_future(keys.put(KEY))
    for _ in range(10):
        await asyncio.sleep(0.005)
        ticks += 1
    assert not writing.done()
    other.rollback()
    other.close()
    await writing
    assert ticks == 10
    assert await keys.find(KEY.key_id) == KEY


async def test_a_known_key_is_answered_without_the_file(database):
    keys = SqliteKeys(database)
    await keys.put(KEY)
    await keys.find(KEY.key_id)
    await database.aclose()
    assert await keys.find(KEY.key_id) == KEY


async def test_owners_stay_over_a_restart(database, file):
    await SqliteOwners(database).claim("file-1", "alice")
    again = await Database.open(file)
    assert await SqliteOwners(again).owner("file-1") == "alice"
    await again.aclose()


async def test_keys_of_a_file_that_was_made_before_keys_had_amounts_of_their_own_are_read(file):
    first = await Database.open(file)
    await SqliteKeys(first).put(KEY)
    await first.run(lambda connection: connection.execute("DROP TABLE key_limits"))
    await first.aclose()
    second = await Database.open(file)
    keys = SqliteKeys(second)
    assert await keys.find(KEY.key_id) == KEY
    await keys.put(replace(KEY, limits=(("rpm", 7),)))
    assert (await keys.find(KEY.key_id)).limits == (("rpm", 7),)
    await second.aclose()
