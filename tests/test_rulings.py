"""What people decided, in a running process: heard once, applied to every verdict, the evidence from before gone."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import AuditError
from gateway.model.evidence import NO_VERDICT, Verdict
from gateway.model.ruling import Ruling
from gateway.rulings import RuledVerdicts, Rulings
from gateway.stores.database import Database
from gateway.stores.sqlite_rulings import SqliteRulings
from gateway.stores.verdicts import MemoryVerdicts

KEY = "a" * 32


@pytest.fixture
async def store(tmp_path):
    database = await Database.open(tmp_path / "gateway.db")
    yield SqliteRulings(database)
    await database.aclose()


async def test_what_another_process_decides_holds_here_from_the_next_reading_on(store):
    inner, rulings = MemoryVerdicts(), Rulings(store)
    verdicts = RuledVerdicts(inner, rulings)
    verdicts.put(KEY, Verdict(42.0, at_us=100))
    await rulings.read()
    assert verdicts.standing(KEY).score == 42.0
    await store.put(Ruling(KEY, "cleared", 200, "maria", "one exercise"))
    await rulings.read()
    assert verdicts.standing(KEY) == NO_VERDICT
    verdicts.put(KEY, Verdict(11.0, at_us=300))
    assert verdicts.standing(KEY).score == 11.0


async def test_confirmed_holds_until_it_is_cleared_and_is_never_kept_in_the_verdict_itself(store):
    inner, rulings = MemoryVerdicts(), Rulings(store)
    verdicts = RuledVerdicts(inner, rulings)
    await store.put(Ruling(KEY, "confirmed", 200, "maria", "sells it"))
    await rulings.read()
    assert verdicts.standing(KEY).confirmed
    verdicts.put(KEY, verdicts.standing(KEY))
    assert not inner.standing(KEY).confirmed
    await store.put(Ruling(KEY, "cleared", 300, "maria", "it was somebody else"))
    await rulings.read()
    assert not verdicts.standing(KEY).confirmed


async def test_each_ruling_is_heard_once(store):
    heard, rulings = [], Rulings(store)
    rulings.heard = heard.append
    first = Ruling(KEY, "cleared", 200, "maria", "one exercise")
    await store.put(first)
    await rulings.read()
    await rulings.read()
    assert heard == [first]


# ── The log ─────────────────────────────────────────────────────────────────────────────────────

OTHER = "b" * 32


def ruling(finding, at_us, key=KEY):
    return Ruling(key, finding, at_us, "maria", "one exercise")


class Disk:
    """A log that takes lines or does not."""

    def __init__(self):
        self.lines, self.full = [], False

    async def write(self, ruling):
        if self.full:
            raise AuditError("no space")
        self.lines.append(ruling)


async def test_the_log_begins_with_what_stands_and_goes_on_with_what_is_heard(store):
    for one in (ruling("cleared", 1), ruling("confirmed", 2, OTHER), ruling("confirmed", 3)):
        await store.put(one)
    disk = Disk()
    rulings = Rulings(store, disk.write)
    await rulings.read()
    assert disk.lines == [ruling("confirmed", 2, OTHER), ruling("confirmed", 3)]
    for one in (ruling("cleared", 4), ruling("confirmed", 5)):
        await store.put(one)
    await rulings.read()
    await rulings.read()
    assert disk.lines[2:] == [ruling("cleared", 4), ruling("confirmed", 5)]


async def test_a_first_decision_that_is_taken_while_it_serves_is_written_though_another_follows_at_once(store):
    disk = Disk()
    rulings = Rulings(store, disk.write)
    await rulings.read()
    for one in (ruling("confirmed", 1), ruling("cleared", 2)):
        await store.put(one)
    await rulings.read()
    assert disk.lines == [ruling("confirmed", 1), ruling("cleared", 2)]


async def test_what_cannot_be_written_holds_all_the_same_and_is_written_as_soon_as_it_can_be(store):
    disk = Disk()
    rulings = Rulings(store, disk.write)
    disk.full = True
    for one in (ruling("confirmed", 1), ruling("confirmed", 2, OTHER)):
        await store.put(one)
    await rulings.read()
    assert rulings.of(KEY).finding == "confirmed"
    disk.full = False
    await rulings.read()
    assert disk.lines == [ruling("confirmed", 1), ruling("confirmed", 2, OTHER)]


async def test_two_readings_at_once_write_it_once(store):
    disk = Disk()
    rulings = Rulings(store, disk.write)
    await store.put(ruling("confirmed", 1))
    await asyncio.gather(rulings.read(), rulings.read())
    assert disk.lines == [ruling("confirmed", 1)]
