"""What is told of a suspected caller, over the embedded state beside the process that serves."""

from __future__ import annotations

import pytest

from gateway.cli.beside import WallClock
from gateway.errors import RiskError
from gateway.model.caller import KeyRecord
from gateway.model.evidence import Evidence, Verdict
from gateway.policy.load import find, load
from gateway.risk.course import went
from gateway.riskstory import Room, decisions, ranking, rule_on, story_of
from gateway.stores.memory import open_memory

ALICE, BOB, TWIN = "a1" * 16, "b2" * 16, "a1" * 15 + "ff"
REASONS = (
    Evidence("elicitation", "1", "wording", 24.0, "41 of 52 prompts ask for the full hidden reasoning", "8 of 52"),
    Evidence("coverage", "1", "structure", 9.0, "300 topics, none twice", "dwells"),
)


def suspected(score, now_us):
    kinds = frozenset({"wording", "structure"})
    return Verdict(score, kinds, None, REASONS, score, score, at_us=now_us, course=went(b"", now_us - 3_600_000_000, 12.0))


@pytest.fixture
async def room(tmp_path):
    """A room as a command has it, beside a process that has written two verdicts down and ended."""
    clock = WallClock()
    opened = await open_memory("memory", tmp_path, secret=None, clock=clock, exclusive=True)
    await opened.keys.put(KeyRecord(ALICE, "acme", None, frozenset(), 1))
    opened.verdicts.put(ALICE, suspected(33.0, clock.now()))
    opened.verdicts.put(BOB, suspected(14.0, clock.now()))
    await opened.aclose()
    beside = await open_memory("memory", tmp_path, secret=None, clock=clock, exclusive=False)
    yield Room(load(find("default")), beside.keys, beside.risk, beside.rulings, clock.now())
    await beside.aclose()


async def test_a_story_has_the_score_its_parts_and_how_it_went(room):
    story = await story_of(room, "fp:" + ALICE[:12])
    assert (story["account"], story["score"], story["kinds"]) == ("acme", 33.0, ["structure", "wording"])
    assert next((part["signal"], part["weight"], part["seen"]) for part in story["signals"]) == (
        "elicitation", 24.0, "41 of 52 prompts ask for the full hidden reasoning",
    )  # fmt: skip
    assert [point["score"] for point in story["course"]] == [12.0]
    assert story["ruling"] is None


async def test_callers_are_ranked_by_evidence_clients_own_keys_among_them(room):
    assert [row["key_id"] for row in await ranking(room, 10)] == [ALICE, BOB]
    assert [row["key_id"] for row in await ranking(room, 10, at_least=20.0)] == [ALICE]
    assert [row["key_id"] for row in await ranking(room, 1)] == [ALICE]
    assert (await story_of(room, BOB[:8]))["key_id"] == BOB


async def test_a_false_alarm_is_cleared_and_remembered_with_who_and_why(room):
    await rule_on(room, ALICE[:8], "cleared", by="maria", why="one exercise")
    story = await story_of(room, ALICE)
    assert (story["score"], story["action"], story["ruling"]["by"], story["ruling"]["why"]) == (0.0, "allow", "maria", "one exercise")
    assert (await ranking(room, 10))[0]["key_id"] == BOB
    assert [(one["key_id"], one["finding"], one["stands"]) for one in await decisions(room.rulings)] == [(ALICE, "cleared", True)]


async def test_a_later_decision_replaces_the_one_before(room):
    await rule_on(room, ALICE, "cleared", by="maria", why="one exercise")
    await rule_on(room, ALICE, "confirmed", by="jo", why="sells it")
    story = await story_of(room, ALICE)
    assert (story["confirmed"], [one["finding"] for one in story["rulings"]]) == (True, ["cleared", "confirmed"])
    assert [one["stands"] for one in await decisions(room.rulings)] == [False, True]


@pytest.mark.parametrize("key", ["", "a1a1", "azg_secret", "fp:xyzxyzxyz", "c3" * 16])
async def test_nobody_is_meant(room, key):
    with pytest.raises(RiskError):
        await story_of(room, key)


async def test_several_are_meant(room):
    await room.keys.put(KeyRecord(TWIN, None, None, frozenset(), 2))
    with pytest.raises(RiskError, match="2 keys begin with"):
        await story_of(room, ALICE[:8])


@pytest.mark.parametrize(("by", "why"), [("", "x"), ("x", "  "), ("x", "y" * 1001), ("x" * 101, "y")])
async def test_a_decision_without_a_person_or_a_reason_is_none(room, by, why):
    with pytest.raises(RiskError):
        await rule_on(room, ALICE, "cleared", by=by, why=why)
    assert await decisions(room.rulings) == []
