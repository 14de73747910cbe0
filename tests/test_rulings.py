"""What people decided, in a running process: heard once, applied to every verdict, the evidence from before gone."""

from __future__ import annotations

import pytest

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
