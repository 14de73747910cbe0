"""The driver, told as dialogues: a door that plays client and upstream, the real memory stores and the real log behind it.

Each await of a road is a gate that a test may hold shut, so that a cancellation can strike at exactly that place.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field

import pytest

from gateway import driver as module
from gateway.admission import Admission
from gateway.audit.segments import SegmentSink
from gateway.core.claims import claims_for
from gateway.core.replies import Answered, Broken, NotRead, Outrun, Payload, Relayed
from gateway.dialects.base import Seen
from gateway.driver import Driver, World
from gateway.errors import AuditError, OutcomeUnknown, ResponseTruncated, StoreUnavailable
from gateway.metrics import Metrics
from gateway.model.limit import Count
from gateway.model.policy import AuditRules, QueueRules, UpstreamRule
from gateway.model.request import Usage
from gateway.model.value import replace
from gateway.stores.memory import open_memory
from tests.core.conftest import a_key, a_limit, a_policy, at_the_door

BODY = b'{"model":"m","messages":[{"role":"user","content":"hello"}],"max_tokens":5}'
USAGE = Usage(input=3, output=5, source="upstream")
WHOLE = Relayed(Seen(USAGE, "stop", terminal=True), "complete", 40, True, 1000)
SECRET_TEXT = "the prompt of a client"


class Wall:
    """This machine's clock, which a test may set."""

    ahead_us = 0

    def now(self):
        return time.time_ns() // 1000 + self.ahead_us


class Gates:
    """Where a road may be stopped. `shut(name)` stops whoever comes there; `arrived(name)` waits until somebody has."""

    def __init__(self):
        self.passed = []
        self._shut = {}

    def shut(self, name):
        self._shut[name] = (asyncio.Event(), asyncio.Event())

    async def arrived(self, name):
        await asyncio.wait_for(self._shut[name][0].wait(), 5)

    def open(self, name):
        self._shut.pop(name)[1].set()

    async def at(self, name):
        self.passed.append(name)
        if name in self._shut:
            arrived, opened = self._shut[name]
            arrived.set()
            await opened.wait()


class RemoteHolds:
    """The memory store as if it were far away: every call waits at a gate before and after it is done. `faults` by the call's name."""

    local = False

    def __init__(self, inner, gates):
        self.lease_us = inner.lease_us
        self.inner = inner
        self.gates = gates
        self.faults = {}

    async def _call(self, name, call):
        await self.gates.at(name)
        if (fault := self.faults.get(name)) is not None and not isinstance(fault, OutcomeUnknown):
            raise fault
        done = await call()
        await self.gates.at(f"{name} done")
        if fault is not None:
            raise fault
        return done

    async def take(self, hold):
        return await self._call("take", lambda: self.inner.take(hold))

    async def extend(self, hold, number, wants):
        return await self._call("extend", lambda: self.inner.extend(hold, number, wants))

    async def settle(self, hold, amounts):
        return await self._call("settle", lambda: self.inner.settle(hold, amounts))

    async def renew(self, hold):
        return await self._call("renew", lambda: self.inner.renew(hold))

    async def look(self, claims):
        return await self.inner.look(claims)

    async def aclose(self):
        await self.inner.aclose()


class Gated:
    """A real store whose callers wait at a gate named like the method before it is called; `faults` by that name."""

    def __init__(self, inner, gates):
        self.inner = inner
        self.gates = gates
        self.faults = {}

    def __getattr__(self, name):
        call = getattr(self.inner, name)
        if name == "remembered":
            return call

        async def gated(*given):
            await self.gates.at(name)
            if name in self.faults:
                raise self.faults[name]
            return await call(*given)

        return gated


class GatedSink:
    """The real log; its caller waits at a gate after the line is queued and written."""

    healthy = True

    def __init__(self, inner, gates):
        self.inner = inner
        self.gates = gates
        self.faults = {}
        self.records = []

    async def opened(self, line):
        if fault := self.faults.get("opened"):
            raise fault
        await self.inner.opened(line)
        await self.gates.at("open")

    async def record(self, record):
        self.records.append(record)
        if fault := self.faults.get("record"):
            raise fault
        await self.inner.record(record)
        await self.gates.at("record")

    async def find(self, record_id):
        return await self.inner.find(record_id)

    async def aclose(self):
        await self.inner.aclose()


class ScriptedDoor:
    """A client and an upstream in one: says what it is told to, and remembers what it was asked to answer."""

    def __init__(self, gates, **script):
        self.gates = gates
        self.body = script.get("body", Payload(BODY, BODY))
        self.head = script.get("head", Answered(200, True))
        self.relayed = script.get("relayed", WHOLE)
        self.counted = script.get("counted", Relayed(Seen(Usage(3, 2, source="counted")), "client_gone", 17, True, 900))
        self.gone = False
        self.began = asyncio.get_running_loop().time()
        self.answers = []
        self.failed_with = []
        self._task = None
        self._interruptible = False
        self._own_cancel = False

    async def _say(self, name, reply):
        self._task = asyncio.current_task()
        await self.gates.at(name)
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def read_body(self, limit):
        return await self._say("read", self.body)

    def watch(self, trail):
        self._task = asyncio.current_task()

    async def forward(self, trail):
        return await self._say("forward", self.head)

    async def relay(self, trail):
        return await self._say("relay", self.relayed)

    async def answer(self, step):
        await self._say("answer", None)
        self.answers.append(step)
        if not self.gone and step.outcome.end != "complete" and step.refusal is None:
            raise ResponseTruncated("cut")

    def so_far(self):
        if isinstance(self.counted, Exception):
            raise self.counted
        return self.counted

    def fail(self, error):
        self.failed_with.append(error)

    def pardon(self, *, interruptible):
        self._interruptible = interruptible

    def absorbs_cancel(self):
        if not self._own_cancel:
            return False
        self._own_cancel = False
        self._task.uncancel()
        return True

    def leave(self):
        """The client hangs up."""
        self.gone = True
        if self._interruptible:
            self._own_cancel = True
            self._task.cancel()


@dataclass
class Stage:
    """A driver between its real adapters."""

    driver: Driver
    world: World
    holds: RemoteHolds
    sink: GatedSink
    metrics: Metrics
    gates: Gates
    clock: Wall
    tasks: list = field(default_factory=list)

    def door(self, **script):
        return ScriptedDoor(self.gates, **script)

    def start(self, door, *limits, where=None, **policy):
        limits = limits or (a_limit("slots", Count.CONCURRENT, 2), a_limit("tpm", Count.TOKENS, 100))
        task = asyncio.ensure_future(self.driver.drive(at_the_door(a_policy(*limits, **policy), **(where or {})), door))
        self.tasks.append(task)
        return task

    async def used(self):
        """What each limit has used of the last hold, by id."""
        return {state.claim.limit.id: state.used for state in await self.holds.look(self.last_claims)}

    @property
    def last_claims(self):
        record = self.sink.records[-1]
        policy = a_policy(a_limit("slots", Count.CONCURRENT, 2), a_limit("tpm", Count.TOKENS, 100))
        return claims_for(
            policy,
            policy.tiers["standard"],
            record.caller,
            record.facts,
            record.decision,
            at_the_door(policy).trail.verdict,
            at_us=record.at_us,
        )

    def metric(self, name, *labels):
        for line in self.metrics.render().decode().splitlines():
            if line.startswith(name) and all(f'"{label}"' in line for label in labels) and "_created" not in line:
                return float(line.rpartition(" ")[2])
        return 0.0

    async def ended(self, task):
        """Wait for a road and all that winds up apart; says what it raised."""
        (outcome,) = await asyncio.wait_for(asyncio.gather(task, return_exceptions=True), 5)
        await self.driver.drain(5)
        return outcome


@pytest.fixture
async def stage(tmp_path):
    clock, gates, metrics = Wall(), Gates(), Metrics()
    opened = await open_memory("memory", tmp_path, secret=None, clock=clock, exclusive=True)
    sink = SegmentSink(tmp_path, AuditRules(), clock=clock, meter=metrics)
    await sink.start()
    await opened.keys.put(a_key())
    holds, gated = RemoteHolds(opened.holds, gates), GatedSink(sink, gates)
    keys, owners = Gated(opened.keys, gates), Gated(opened.owners, gates)
    world = World(keys, holds, opened.degraded, Admission(metrics), opened.verdicts, owners, gated, metrics, clock)
    made = Stage(Driver(world), world, holds, gated, metrics, gates, clock)
    yield made
    await made.driver.drain(5)
    await sink.aclose()
    await opened.aclose()


PLACES = ["find", "read", "take", "take done", "forward", "open", "relay", "settle", "settle done", "record", "answer"]


def proven_once(stage):
    """One record; a settle exactly where quota may have been taken; nothing left over."""
    assert len(stage.sink.records) == 1
    assert stage.gates.passed.count("settle") == stage.gates.passed.count("take") <= 1
    assert stage.metric("gateway_requests_total") == 1
    assert stage.driver.in_flight == 0
    assert not stage.driver._renewals
    assert not stage.driver._settling
    assert not stage.world.admission._open
    assert not stage.driver._apart
    return stage.sink.records[0]


async def test_an_ordinary_request_walks_the_whole_road(stage):
    door = stage.door()
    assert await stage.ended(stage.start(door)) is None
    assert stage.gates.passed == [
        "find",
        "read",
        "take",
        "take done",
        "forward",
        "open",
        "relay",
        "settle",
        "settle done",
        "record",
        "answer",
    ]
    record = proven_once(stage)
    assert (record.end, record.settle, record.bytes_out, record.usage) == ("complete", "settled", 40, USAGE)
    assert await stage.used() == {"slots": 0, "tpm": 8}
    stored = await stage.sink.find(record.id)
    assert stored["id"] == record.id
    assert door.answers[0].outcome.end == "complete"
    assert stage.metric("gateway_tokens_total", "output", "upstream") == 5
    assert stage.metric("gateway_holds_total", "taken") == stage.metric("gateway_settles_total", "settled") == 1


@pytest.mark.parametrize("closing", [False, True], ids=["while serving", "at shutdown"])
@pytest.mark.parametrize("place", PLACES)
async def test_a_task_cancelled_at_any_await_settles_once_and_records_once(stage, place, closing):
    door = stage.door()
    stage.gates.shut(place)
    task = stage.start(door)
    await stage.gates.arrived(place)
    stage.driver.closing = closing
    task.cancel()
    await asyncio.sleep(0)
    stage.gates.open(place)
    assert isinstance(await stage.ended(task), asyncio.CancelledError)
    record = proven_once(stage)
    late = place in {"settle", "settle done", "record", "answer"}
    assert record.end == ("complete" if late else "shutdown" if closing else "client_gone")
    if "take" in stage.gates.passed:
        assert record.settle in {"settled", "unknown_id"}
        assert (await stage.used())["slots"] == 0
    else:
        assert record.settle == "none"


@pytest.mark.parametrize("place", PLACES)
async def test_a_second_cancellation_while_finishing_apart_loses_nothing(stage, place):
    door = stage.door()
    stage.gates.shut(place)
    task = stage.start(door)
    await stage.gates.arrived(place)
    if place not in {"settle", "settle done", "record", "answer"}:
        stage.gates.shut("settle")
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    for gate in list(stage.gates._shut):
        stage.gates.open(gate)
    assert isinstance(await stage.ended(task), asyncio.CancelledError)
    assert proven_once(stage).settle in ({"settled", "unknown_id"} if "take" in stage.gates.passed else {"none"})


@pytest.mark.parametrize("place", ["settle", "record"])
async def test_even_a_loop_that_cancels_everything_leaves_a_record(stage, place):
    door = stage.door()
    stage.gates.shut("relay")
    stage.gates.shut(place)
    task = stage.start(door)
    await stage.gates.arrived("relay")
    task.cancel()
    await stage.gates.arrived(place)
    for apart in list(stage.driver._apart):
        apart.cancel()
    stage.gates.open(place)
    assert isinstance(await stage.ended(task), asyncio.CancelledError)
    assert len(stage.sink.records) == 1
    assert not stage.driver._settling


@pytest.mark.parametrize("place", ["take", "forward", "open", "relay"])
async def test_a_client_that_leaves_cuts_the_road_short_and_is_told_nothing(stage, place):
    door = stage.door()
    stage.gates.shut(place)
    task = stage.start(door)
    await stage.gates.arrived(place)
    door._task = task
    door.leave()
    assert await stage.ended(task) is None
    record = proven_once(stage)
    assert record.end == "client_gone"
    assert stage.metric("gateway_disconnects_total") == 1
    assert task.cancelling() == 0


ONE_PLACE = (UpstreamRule("up", "http://127.0.0.1:9", at_once=1),)


async def until(met):
    end = time.monotonic() + 5
    while not met():
        assert time.monotonic() < end
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("leaves", [True, False])
async def test_who_waits_in_the_queue_goes_when_a_place_is_free_or_leaves_and_takes_nothing(stage, leaves):
    first, second = stage.door(), stage.door()
    stage.gates.shut("forward")
    served = stage.start(first, upstreams=ONE_PLACE)
    await stage.gates.arrived("forward")
    waiting = stage.start(second, upstreams=ONE_PLACE, where={"id": "d2"})
    (upstream,) = stage.world.admission._upstreams.values()
    await until(lambda: len(upstream.queue) == 1)
    if leaves:
        second.leave()
        await stage.ended(waiting)
        assert stage.sink.records[-1].end == "client_gone"
        assert len(upstream.queue) == 0
    stage.gates.open("forward")
    await asyncio.wait_for(asyncio.gather(served, waiting), 5)
    assert [record.end for record in stage.sink.records].count("complete") == (1 if leaves else 2)
    assert await stage.used() == {"slots": 0, "tpm": 8 if leaves else 16}
    assert upstream.idle


async def test_without_a_place_the_request_costs_nothing(stage):
    rule = replace(ONE_PLACE[0], queue=QueueRules(longest=0))
    first, second = stage.door(), stage.door()
    stage.gates.shut("forward")
    served = stage.start(first, upstreams=(rule,))
    await stage.gates.arrived("forward")
    await stage.start(second, upstreams=(rule,), where={"id": "d2"})
    assert (second.answers[0].refusal.reason, second.answers[0].refusal.status) == ("saturated.full", 503)
    stage.gates.open("forward")
    await asyncio.wait_for(served, 5)
    assert await stage.used() == {"slots": 0, "tpm": 8}


async def test_what_a_departed_client_had_been_handed_is_recorded_and_charged(stage):
    door = stage.door()
    stage.gates.shut("relay")
    task = stage.start(door, a_limit("slots", Count.CONCURRENT, 2), a_limit("tpm", Count.TOKENS, 100))
    await stage.gates.arrived("relay")
    door.leave()
    await stage.ended(task)
    record = proven_once(stage)
    assert (record.status, record.bytes_out, record.first_byte_us) == (200, 17, 900)
    assert record.bytes_in == len(BODY)
    assert await stage.used() == {"slots": 0, "tpm": 5}


@pytest.mark.parametrize("place", ["settle", "record"])
async def test_while_it_winds_up_a_departing_client_interrupts_nothing(stage, place):
    door = stage.door()
    stage.gates.shut(place)
    task = stage.start(door)
    await stage.gates.arrived(place)
    door.leave()
    assert task.cancelling() == 0
    stage.gates.open(place)
    assert await stage.ended(task) is None
    assert proven_once(stage).end == "complete"


async def test_a_fault_says_its_type_and_its_place_and_never_its_text(stage, caplog):
    door = stage.door(relayed=ValueError(SECRET_TEXT))
    with caplog.at_level(logging.ERROR, logger="gateway"), pytest.raises(ResponseTruncated):
        await stage.start(door)
    assert "failed at Relay: ValueError in _say:" in caplog.text
    assert "d1" in caplog.text
    assert SECRET_TEXT not in caplog.text
    record = proven_once(stage)
    assert (record.end, record.fault, record.settle) == ("fault", "fault", "settled")
    assert door.failed_with


async def test_a_fault_before_the_first_byte_is_a_clean_500(stage):
    door = stage.door(relayed=ValueError(), counted=replace(WHOLE, started=False, end="client_gone"), head=Answered(200, False))
    await stage.start(door)
    assert door.answers[0].refusal.status == 500
    assert proven_once(stage).status == 500


async def test_a_relay_that_cannot_even_count_any_more_still_ends_in_a_record(stage):
    door = stage.door(relayed=ValueError(), counted=RuntimeError(SECRET_TEXT))
    await stage.start(door)
    record = proven_once(stage)
    assert (record.end, record.usage.source) == ("fault", "estimated")


@pytest.mark.parametrize("place", ["read", "take", "forward", "relay"])
async def test_something_cancelled_that_a_step_waited_for_is_a_fault_and_no_cancellation(stage, place, monkeypatch):
    door = stage.door(counted=None)
    real = stage.gates.at

    async def at(name):
        if name == place:
            waited = asyncio.get_running_loop().create_future()
            waited.cancel()
            stage.gates.passed.append(name)
            await waited
        await real(name)

    monkeypatch.setattr(stage.gates, "at", at)
    assert await stage.ended(stage.start(door)) is None
    assert proven_once(stage).end == "fault"
    assert door.answers[0].refusal.status == 500


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [(StoreUnavailable("gone"), "failed"), (OutcomeUnknown("late"), "unknown"), (RuntimeError(SECRET_TEXT), "unknown")],
)
async def test_a_settle_that_fails_is_recorded_and_costs_nobody_the_answer(stage, fault, outcome, caplog):
    stage.holds.faults["settle"] = fault
    door = stage.door()
    await stage.start(door)
    assert proven_once(stage).settle == outcome
    assert stage.metric("gateway_settles_total", outcome) == 1
    assert door.answers[0].outcome.end == "complete"
    assert not door.failed_with
    assert SECRET_TEXT not in caplog.text


async def test_a_store_that_never_ends_its_settle_meets_the_driver_s_own_deadline(stage, monkeypatch):
    monkeypatch.setattr(module, "_SETTLE_DEADLINE_S", 0.02)
    stage.gates.shut("settle")
    door = stage.door()
    assert await stage.ended(stage.start(door)) is None
    assert proven_once(stage).settle == "unknown"
    assert door.answers[0].outcome.end == "complete"


@pytest.mark.parametrize("fault", [AuditError("disk"), OSError(28, SECRET_TEXT)], ids=["refuses", "breaks"])
@pytest.mark.parametrize("when_lost", ["allow", "refuse"])
async def test_a_record_that_cannot_be_written_is_counted_and_the_policy_says_what_then(stage, when_lost, fault, caplog):
    stage.sink.faults["record"] = fault
    door = stage.door()
    with caplog.at_level(logging.ERROR, logger="gateway"):
        await stage.start(door, audit=AuditRules(when_lost=when_lost))
    assert door.answers[0].withhold is (when_lost == "refuse")
    assert not door.failed_with
    assert stage.metric("gateway_audit_lost_total") == 1
    assert "the record of d1 could not be written" in caplog.text
    assert SECRET_TEXT not in caplog.text


async def test_an_answer_waits_for_its_record_only_so_long(stage, monkeypatch):
    monkeypatch.setattr(module, "_RECORD_DEADLINE_S", 0.02)
    stage.gates.shut("record")
    door = stage.door()
    assert await stage.ended(stage.start(door, audit=AuditRules(when_lost="refuse"))) is None
    assert door.answers[0].withhold
    assert stage.metric("gateway_audit_lost_total") == 1


@pytest.mark.parametrize("when_lost", ["allow", "refuse"])
async def test_a_stream_without_its_opened_line_begins_only_where_the_policy_lets_it(stage, when_lost):
    stage.sink.faults["opened"] = AuditError("disk")
    door = stage.door()
    await stage.start(door, audit=AuditRules(when_lost=when_lost))
    assert ("relay" in stage.gates.passed) is (when_lost == "allow")
    proven_once(stage)


async def test_without_the_store_a_limit_that_degrades_is_taken_from_this_process_s_share(stage):
    stage.holds.faults["take"] = StoreUnavailable("down")
    await stage.start(stage.door(), a_limit("rpm", amount=10, when_state_is_lost="degrade"))
    record = stage.sink.records[0]
    assert (record.end, record.settle) == ("complete", "settled")
    assert "state.lost" in record.decision.shadowed
    assert "settle" not in stage.gates.passed
    assert stage.metric("gateway_state_lost_total", "degrade") == 1
    assert stage.metric("gateway_state_up") == 0


async def test_a_take_of_unknown_outcome_is_settled_in_the_shared_store_as_well_as_in_the_share(stage):
    stage.holds.faults["take"] = OutcomeUnknown("late")
    limit = a_limit("slots", Count.CONCURRENT, 2, when_state_is_lost="degrade")
    assert await stage.ended(stage.start(stage.door(), limit)) is None
    assert stage.gates.passed.count("settle") == 1
    assert stage.sink.records[0].settle == "settled"
    claims = [replace(claim, limit=limit) for claim in stage.last_claims if claim.limit.id == "slots"]
    for store in (stage.world.holds, stage.world.degraded):
        assert [state.used for state in await store.look(claims)] == [0]


async def test_without_the_store_a_limit_that_refuses_refuses(stage):
    stage.holds.faults["take"] = StoreUnavailable("down")
    door = stage.door()
    await stage.start(door, a_limit("rpm", when_state_is_lost="refuse"))
    assert door.answers[0].refusal.status == 503
    assert stage.sink.records[0].settle == "none"
    assert "forward" not in stage.gates.passed
    assert stage.metric("gateway_refusals_total", "state.quota") == 1


async def test_a_body_that_is_refused_never_asks_for_quota(stage):
    door = stage.door(body=NotRead(None))
    door.gone = True
    await stage.start(door)
    assert stage.gates.passed == ["find", "read", "record", "answer"]
    assert proven_once(stage).end == "client_gone"


async def test_an_upstream_that_cannot_be_reached_is_named_in_metrics_and_record(stage):
    await stage.start(stage.door(head=Broken("connect", False)))
    assert proven_once(stage).fault == "connect"
    assert stage.metric("gateway_upstream_errors_total", "up", "connect") == 1
    assert await stage.used() == {"slots": 0, "tpm": 0}


# ── Stored objects ────────────────────────────────────────────────────────────────────────────────

COPY = {"where": {"operation": "opaque", "route": "POST /files/file-1/copies"}}
MADE = replace(WHOLE, seen=Seen(Usage(), object_id="file-2"))


@pytest.fixture
async def owning(stage):
    """The stage with a file that is the caller's."""
    await stage.world.owners.inner.claim("file-1", a_key().key_id)
    return stage


async def test_what_a_caller_makes_is_its_own(owning):
    await owning.start(owning.door(relayed=MADE), **COPY)
    assert owning.gates.passed[1:] == [
        "owner",
        "take",
        "take done",
        "forward",
        "open",
        "relay",
        "claim",
        "settle",
        "settle done",
        "record",
        "answer",
    ]
    assert await owning.world.owners.inner.owner("file-2") == a_key().key_id


@pytest.mark.parametrize("place", ["owner", "claim"])
async def test_a_task_cancelled_while_it_asks_for_owners_settles_and_records_all_the_same(owning, place):
    owning.gates.shut(place)
    task = owning.start(owning.door(relayed=MADE), **COPY)
    await owning.gates.arrived(place)
    task.cancel()
    await asyncio.sleep(0)
    owning.gates.open(place)
    assert isinstance(await owning.ended(task), asyncio.CancelledError)
    assert proven_once(owning).settle == ("settled" if place == "claim" else "none")


@pytest.mark.parametrize("fault", [StoreUnavailable("down"), RuntimeError(SECRET_TEXT)])
async def test_an_owner_that_cannot_be_written_down_costs_nobody_the_answer(owning, fault, caplog):
    owning.world.owners.faults["claim"] = fault
    door = owning.door(relayed=MADE)
    await owning.start(door, **COPY)
    assert proven_once(owning).fault == "owner.unknown"
    assert door.answers[0].outcome.end == "complete"
    assert not door.failed_with
    assert SECRET_TEXT not in caplog.text


async def test_without_the_owners_nobody_s_object_is_shown(owning):
    owning.world.owners.faults["owner"] = StoreUnavailable("down")
    door = owning.door()
    await owning.start(door, **COPY)
    assert door.answers[0].refusal.reason == "state.owners"
    assert "forward" not in owning.gates.passed


async def test_without_the_keys_nobody_comes_in(stage):
    stage.world.keys.faults["find"] = StoreUnavailable("down")
    door = stage.door()
    await stage.start(door)
    assert (door.answers[0].refusal.status, stage.sink.records[0].decision.reason) == (503, "state.keys")


@pytest.mark.parametrize(("mode", "answered"), [("degrade", "complete"), ("allow", "complete"), ("refuse", "refused")])
async def test_without_the_keys_those_that_were_seen_come_in_where_a_limit_goes_on_without_the_state(stage, mode, answered):
    limit = a_limit("rpm", amount=10, when_state_is_lost=mode)
    await stage.start(stage.door(), limit)
    stage.world.keys.faults["find"] = StoreUnavailable("down")
    await stage.start(stage.door(), limit, where={"id": "another"})
    assert stage.sink.records[1].end == answered


# ── Leases ────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def renewing(stage, monkeypatch):
    """The background task that renews, at a pace for tests; leases of 30 ms."""
    monkeypatch.setattr(module, "_RENEW_EVERY_S", 0.005)
    stage.holds.lease_us = 30_000
    task = asyncio.ensure_future(stage.driver.renew_holds())
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def renewed(stage, times):
    async with asyncio.timeout(5):
        while stage.gates.passed.count("renew done") < times:
            await asyncio.sleep(0.005)


async def test_a_live_stream_renews_its_lease_and_an_ended_one_does_not(stage, renewing):
    stage.gates.shut("relay")
    task = stage.start(stage.door())
    await stage.gates.arrived("relay")
    await renewed(stage, 2)
    stage.gates.open("relay")
    await stage.ended(task)
    passed = len(stage.gates.passed)
    await asyncio.sleep(0.05)
    assert len(stage.gates.passed) == passed
    proven_once(stage)


async def test_renewals_do_not_depend_on_the_wall_clock(stage, renewing):
    stage.gates.shut("relay")
    task = stage.start(stage.door())
    await stage.gates.arrived("relay")
    stage.clock.ahead_us = -3600 * 1_000_000
    await renewed(stage, 1)
    stage.gates.open("relay")
    await stage.ended(task)


@pytest.mark.parametrize("fault", [StoreUnavailable("down"), RuntimeError(SECRET_TEXT)])
async def test_a_renewal_that_fails_is_tried_again_and_ends_nothing(stage, renewing, fault):
    stage.gates.shut("relay")
    stage.holds.faults["renew"] = fault
    task = stage.start(stage.door())
    await stage.gates.arrived("relay")
    async with asyncio.timeout(5):
        while stage.gates.passed.count("renew") < 2:
            await asyncio.sleep(0.005)
    stage.holds.faults.clear()
    await renewed(stage, 1)
    assert not renewing.done()
    stage.gates.open("relay")
    await stage.ended(task)


async def test_a_renewal_that_races_with_a_settle_revives_nothing(stage, renewing):
    stage.gates.shut("relay")
    stage.gates.shut("renew")
    task = stage.start(stage.door())
    await stage.gates.arrived("relay")
    await stage.gates.arrived("renew")
    stage.gates.open("relay")
    await asyncio.wait_for(task, 5)
    stage.gates.open("renew")
    await renewed(stage, 1)
    proven_once(stage)
    assert await stage.used() == {"slots": 0, "tpm": 8}


async def test_a_hold_from_this_process_s_own_share_is_renewed_there(stage, renewing):
    stage.holds.faults["take"] = StoreUnavailable("down")
    stage.world.degraded.lease_us = 30_000
    stage.gates.shut("relay")
    task = stage.start(stage.door(), a_limit("slots", Count.CONCURRENT, 2, when_state_is_lost="degrade"))
    await stage.gates.arrived("relay")
    ((_, before),) = stage.driver._renewals.values()
    async with asyncio.timeout(5):
        while next(iter(stage.driver._renewals.values()))[1] == before:
            await asyncio.sleep(0.005)
    assert "renew" not in stage.gates.passed
    stage.gates.open("relay")
    await stage.ended(task)


async def test_a_state_that_was_lost_is_told_to_be_up_again_without_a_request(stage, renewing):
    stage.holds.faults["take"] = StoreUnavailable("down")
    await stage.ended(stage.start(stage.door(), a_limit("slots", Count.CONCURRENT, 2)))
    assert stage.metric("gateway_state_up") == 0
    async with asyncio.timeout(5):
        while stage.metric("gateway_state_up") != 1:
            await asyncio.sleep(0.005)


# ── Shutting down ─────────────────────────────────────────────────────────────────────────────────


async def test_draining_waits_for_what_is_under_way_and_for_what_winds_up_apart(stage):
    stage.gates.shut("relay")
    stage.gates.shut("settle")
    task = stage.start(stage.door())
    await stage.gates.arrived("relay")
    drained = asyncio.ensure_future(stage.driver.drain(5))
    task.cancel()
    await stage.gates.arrived("settle")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert stage.driver.in_flight == 0
    await asyncio.sleep(0.05)
    assert not drained.done()
    stage.gates.open("settle")
    await asyncio.wait_for(drained, 5)
    assert proven_once(stage).end == "shutdown"


async def test_draining_gives_up_at_its_deadline(stage):
    stage.gates.shut("relay")
    task = stage.start(stage.door())
    await stage.gates.arrived("relay")
    await stage.driver.drain(0.03)
    assert stage.driver.in_flight == 1
    stage.gates.open("relay")
    await stage.ended(task)


async def test_at_shutdown_a_request_without_an_answer_yet_is_told_to_try_again(stage):
    stage.gates.shut("forward")
    door = stage.door()
    task = stage.start(door)
    await stage.gates.arrived("forward")
    stage.driver.closing = True
    task.cancel()
    await stage.ended(task)
    assert not door.gone
    assert (door.answers[0].refusal.status, door.answers[0].refusal.reason) == (503, "shutdown")


# ── Streams that outrun what is held ────────────────────────────────────────────────────────────

STREAM = b'{"model":"m","messages":[{"role":"user","content":"hello"}],"stream":true}'


class StreamDoor(ScriptedDoor):
    """An upstream whose answer is `length` tokens long, relayed as far as its cover reaches."""

    def __init__(self, gates, length):
        super().__init__(gates, body=Payload(STREAM, STREAM))
        self.length = length
        self.passed = 0

    async def relay(self, trail):
        await self._say("relay", None)
        if trail.spent:
            return Relayed(self._seen("length"), "complete", 40, True, 1000, cut=True)
        self.passed = self.length if trail.cover is None else min(self.length, trail.cover.tokens + 1)
        return Outrun(self.passed) if self.passed < self.length else Relayed(self._seen("stop"), "complete", 40, True, 1000)

    def so_far(self):
        return Relayed(self._seen(""), "client_gone", 17, True, 900)

    def _seen(self, finish):
        return Seen(Usage(3, self.passed, source="counted"), finish, terminal=bool(finish))


def budget(**more):
    return a_limit("slots", Count.CONCURRENT, 2), a_limit("tpm", Count.TOKENS, 100, **{"when_spent": "finish", **more})


async def test_a_stream_that_fits_is_extended_to_its_end_and_settled_by_the_truth(stage):
    door = StreamDoor(stage.gates, 80)
    assert await stage.ended(stage.start(door, *budget())) is None
    record = proven_once(stage)
    assert (record.finish, record.fault, record.changed) == ("stop", "", ())
    assert stage.gates.passed.count("extend") >= 1
    assert await stage.used() == {"slots": 0, "tpm": 83}


async def test_a_stream_that_does_not_fit_ends_at_its_budget(stage):
    door = StreamDoor(stage.gates, 500)
    assert await stage.ended(stage.start(door, *budget())) is None
    record = proven_once(stage)
    assert (record.end, record.finish, record.fault, record.changed) == ("complete", "length", "limit.tpm", ("cut",))
    used = await stage.used()
    assert (used["slots"], used["tpm"]) == (0, 3 + door.passed)
    assert 90 <= used["tpm"] <= 101
    assert stage.metric("gateway_streams_cut_total", "limit.tpm") == 1
    assert stage.metric("gateway_slices_total", "refused") >= 1


async def test_a_limit_that_lets_streams_go_on_is_charged_its_debt_as_they_go(stage):
    door = StreamDoor(stage.gates, 2000)
    stage.gates.shut("settle")
    task = stage.start(door, *budget(when_spent="continue"))
    await stage.gates.arrived("settle")
    assert stage.metric("gateway_slices_total", "taken") >= 1
    stage.gates.open("settle")
    assert await stage.ended(task) is None
    assert proven_once(stage).changed == ()
    assert (await stage.used())["tpm"] == 2003


@pytest.mark.parametrize("place", ["extend", "extend done"])
async def test_a_stream_cancelled_while_it_is_extended_is_settled_by_what_had_passed(stage, place):
    door = StreamDoor(stage.gates, 500)
    stage.gates.shut(place)
    task = stage.start(door, *budget())
    await stage.gates.arrived(place)
    task.cancel()
    await asyncio.sleep(0)
    stage.gates.open(place)
    assert isinstance(await stage.ended(task), asyncio.CancelledError)
    assert proven_once(stage).end == "client_gone"
    assert await stage.used() == {"slots": 0, "tpm": 3 + door.passed}


@pytest.mark.parametrize("fault", [StoreUnavailable("gone"), OutcomeUnknown("late")], ids=["unavailable", "unknown"])
@pytest.mark.parametrize(("mode", "said"), [("refuse", "state.quota"), ("allow", ""), ("degrade", "")])
async def test_while_the_store_is_lost_a_stream_ends_only_where_the_policy_refuses(stage, mode, said, fault):
    door = StreamDoor(stage.gates, 300)
    stage.holds.faults["extend"] = fault
    assert await stage.ended(stage.start(door, *budget(when_state_is_lost=mode))) is None
    record = proven_once(stage)
    assert (record.fault, "cut" in record.changed) == (said, bool(said))
    assert "state.lost" in record.decision.shadowed
    assert (await stage.used())["tpm"] == 3 + door.passed
    assert stage.metric("gateway_slices_total", "lost") >= 1
