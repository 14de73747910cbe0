"""Decisions of people in a replay: read from what the command prints, and each holds from its own time on."""

from __future__ import annotations

import json

import pytest

from gateway.errors import RiskError
from gateway.model.decision import Action
from gateway.model.ruling import Ruling
from gateway.replay import Reached, replay
from gateway.replayrulings import Decided, read_rulings
from gateway.replayweigh import Weighing
from gateway.riskstory import decisions
from gateway.stores.database import Database
from gateway.stores.sqlite_rulings import SqliteRulings
from tests.test_policyreplay import SECOND, START, policy, record
from tests.test_replay import LADDER
from tests.test_replayweigh import ENFORCED, harvest


def ruling(finding, at_s, key="k-1"):
    return Ruling(key, finding, START + int(at_s * SECOND), "maria", "one exercise")


def test_each_stands_from_its_own_time_on_whatever_the_order_of_the_file():
    decided = Decided([ruling("cleared", 9), ruling("confirmed", 5)])
    assert decided.until(START) == []
    assert decided.of("k-1") is None
    assert decided.until(START + 5 * SECOND) == [ruling("confirmed", 5)]
    assert decided.until(START + 60 * SECOND) == [ruling("cleared", 9)]
    assert decided.of("k-1").finding == "cleared"


async def test_what_the_command_prints_is_what_is_read(tmp_path):
    database = await Database.open(tmp_path / "gateway.db")
    store = SqliteRulings(database)
    for one in (ruling("confirmed", 1), ruling("cleared", 2)):
        await store.put(one)
    file = tmp_path / "decided.json"
    file.write_text(json.dumps(await decisions(store)))
    await database.aclose()
    assert read_rulings(file) == [ruling("confirmed", 1), ruling("cleared", 2)]


@pytest.mark.parametrize(
    ("text", "said"), [("no", "not what"), ('[{"key_id": "k"}]', "missing required field"), (None, "cannot be read")]
)
def test_a_file_of_something_else_is_refused_by_name(tmp_path, text, said):
    file = tmp_path / "decided.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(RiskError, match=rf"decided\.json: .*{said}"):
        read_rulings(file)


async def replayed(records, *rulings, rest=""):
    weighing = Weighing()
    return await replay(policy(rest=(LADDER % "") + rest), records, weighing, rulings=rulings, heard=weighing.heard)


async def test_a_confirmed_caller_is_flagged_from_then_on_and_until_it_is_cleared():
    records = [record(at) for at in range(6)]
    found = await replayed(records, ruling("confirmed", 2.5), ruling("confirmed", 60, "k-2"))
    assert found.callers["k-1"].first[Action.PERTURB] == Reached(3, START + int(2.5 * SECOND))
    assert found.final("k-1")[0] is Action.PERTURB
    found = await replayed(records, ruling("confirmed", -10), ruling("cleared", 4))
    assert found.callers["k-1"].flagged_at == Reached(1, START)
    assert found.final("k-1")[0] is Action.ALLOW


async def test_a_cleared_caller_begins_anew():
    enforced = ENFORCED % "enforce"
    plain = await replayed(harvest(60), rest=enforced)
    flagged = plain.callers["k-1"].flagged_at
    cleared = await replayed(harvest(60), ruling("cleared", 59 * 20 - 1), rest=enforced)
    assert cleared.callers["k-1"].flagged_at == flagged
    assert plain.final("k-1")[0] >= Action.PERTURB
    assert cleared.final("k-1")[0] is Action.ALLOW


async def test_a_decision_after_the_last_record_changes_nothing():
    found = await replayed([record(0)], ruling("confirmed", 5))
    assert found.callers["k-1"].first == {}
    assert found.final("k-1")[0] is Action.ALLOW
