"""One request after the other on a virtual clock, decided as live: who said no, and what a standing verdict changes."""

from __future__ import annotations

from gateway.model.evidence import Verdict
from gateway.traceroad import TraceRoad
from tests.test_policyreplay import RPM, START, policy, record

LADDER = """\
ladder:
  - { id: open, at: 0, do: allow }
  - { id: slowed, at: 20, do: throttle, share: 0.5 }
  - { id: closed, at: 60, do: refuse }
"""
TWO_KINDS = frozenset({"wording", "structure"})


async def test_each_no_says_what_said_it():
    road = TraceRoad(policy(RPM % 1, rest=LADDER))
    judged = [
        await road.judge(record(0), 1),
        await road.judge(record(1), 2),
        await road.judge(record(2, "k-2", model="large"), 3),
        await road.judge(record(3, "k-3"), 4, Verdict(70.0, TWO_KINDS)),
    ]
    assert [(one.refused, one.reason) for one in judged] == [
        ("", ""),
        ("limit", "limit.rpm"),
        ("policy", "model.denied"),
        ("ladder", "caller.blocked"),
    ]
    assert [one.rule for one in judged] == ["all"] * 4


async def test_a_throttled_caller_has_its_share_of_each_limit():
    road = TraceRoad(policy(RPM % 4, rest=LADDER))
    suspected = Verdict(25.0, TWO_KINDS)
    assert [(await road.judge(record(at), at, suspected)).refused for at in range(4)] == ["", "", "limit", "limit"]
    assert [(await road.judge(record(at, "k-2"), 9 + at)).refused for at in range(4)] == [""] * 4


async def test_the_clock_is_that_of_the_records_and_never_goes_back():
    road = TraceRoad(policy(RPM % 9))
    await road.judge(record(5), 1)
    await road.judge(record(3), 2)
    assert road.now_us == START + 5_000_000


async def test_who_is_asked_for_work_first_is_refused_by_the_ladder():
    ladder = LADDER.replace("{ id: closed, at: 60, do: refuse }", "{ id: proven, at: 60, do: challenge }")
    road = TraceRoad(policy(rest=ladder))
    judged = await road.judge(record(0), 1, Verdict(70.0, TWO_KINDS))
    assert (judged.refused, judged.reason) == ("ladder", "challenge.asked")
