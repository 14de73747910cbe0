"""Waiting for a place, on a real loop: nobody waits where there is room, turns are kept, and nothing is left behind."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.admission import Admission
from gateway.metrics import Metrics
from gateway.model.admission import Ask, Ended, Saturated
from gateway.model.policy import QueueRules, UpstreamRule

RULE = UpstreamRule("up", "http://up", at_once=2, queue=QueueRules(longest=10, wait_us=5_000_000))
OK = Ended("success")
OVERLOADED = Ended("dropped", status=529, cooldown_us=100_000)


def ask(name, rule=RULE, **other):
    return Ask(**{"id": name, "upstream": rule, "model": "m", "caller": name[0], "priority": "normal", **other})


class Room:
    """An admission and the requests that are at it."""

    def __init__(self):
        self.metrics = Metrics()
        self.admission = Admission(self.metrics)
        self.order = []
        self.tasks = {}

    async def arrive(self, *names, **other):
        for name in names:
            self.tasks[name] = asyncio.ensure_future(self._one(ask(name, **other)))
            await asyncio.sleep(0)

    async def _one(self, request):
        answer = await self.admission.admit(request, 0)
        if answer is None:
            self.order.append(request.id)
        return answer

    async def leave(self, name, end=OK):
        self.admission.leave(name, end)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def empty(self):
        """Everybody leaves in the order in which they came in; then nothing may be left."""
        for name in self.order:
            await self.leave(name)
        assert not self.admission._open
        for upstream in self.admission._upstreams.values():
            assert upstream.idle

    def metric(self, name):
        return [line for line in self.metrics.render()[0:].decode().splitlines() if line.startswith(name)]


@pytest.fixture
async def room():
    made = Room()
    yield made
    for task in made.tasks.values():
        task.cancel()
    await asyncio.gather(*made.tasks.values(), return_exceptions=True)


async def test_where_there_is_room_nothing_waits(room):
    coroutine = room.admission.admit(ask("a1"), 0)
    with pytest.raises(StopIteration) as done:
        coroutine.send(None)
    assert done.value.value is None
    room.admission.leave("a1", OK)
    assert not room.admission._open


async def test_a_quiet_caller_waits_for_one_place_and_not_for_the_noisy_one_s_line(room):
    await room.arrive("n1", "n2", "n3", "n4", "n5", "q1")
    assert room.order == ["n1", "n2"]
    await room.leave("n1")
    await room.leave("n2")
    assert room.order == ["n1", "n2", "n3", "q1"]
    await room.empty()


async def test_a_batch_gives_way_to_people(room):
    await room.arrive("x1", "x2")
    await room.arrive("b1", "b2", "b3", priority="batch")
    await room.arrive("p1", "p2", "p3")
    for name in ("x1", "x2", "p1"):
        await room.leave(name)
    assert [name[0] for name in room.order[2:]].count("p") >= 2
    await room.empty()
    assert sorted(room.order[2:]) == ["b1", "b2", "b3", "p1", "p2", "p3"]


async def test_a_full_queue_turns_away_the_newest_of_whoever_has_most_in_it(room):
    await room.arrive(*(f"n{number}" for number in range(12)), "q1")
    assert await room.tasks["n11"] == Saturated("full", 5_500_000)
    assert not room.tasks["q1"].done()
    assert 'gateway_saturated_total{priority="normal",upstream="up",why="full"} 1.0' in room.metric("gateway_saturated_total")
    await room.empty()


async def test_who_waits_too_long_is_told_when_to_come_again(room):
    rule = replace(RULE, queue=QueueRules(10, 20_000))
    await room.arrive("a1", "a2", "a3", rule=rule)
    answer = await asyncio.wait_for(room.tasks["a3"], 5)
    assert answer.why == "late"
    assert answer.retry_us >= 1_000_000
    await room.empty()


async def test_who_leaves_the_queue_frees_his_place_in_it(room):
    await room.arrive("a1", "a2", "b1", "c1")
    room.tasks["b1"].cancel()
    await asyncio.gather(room.tasks["b1"], return_exceptions=True)
    await room.leave("a1")
    assert room.order == ["a1", "a2", "c1"]
    await room.empty()


async def test_who_leaves_in_the_very_moment_that_his_place_is_given_gives_it_back(room):
    await room.arrive("a1", "a2", "b1", "c1")
    room.admission.leave("a1", OK)
    room.tasks["b1"].cancel()
    await asyncio.gather(room.tasks["b1"], return_exceptions=True)
    await asyncio.sleep(0)
    assert room.order == ["a1", "a2", "c1"]
    await room.empty()


async def test_a_place_that_comes_free_in_the_moment_that_the_next_one_leaves_goes_to_the_one_after(room):
    await room.arrive("a1", "a2", "c1", "c2")
    room.tasks["c1"].cancel()
    room.admission.leave("a1", OK)
    await asyncio.gather(room.tasks["c1"], return_exceptions=True)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert room.order == ["a1", "a2", "c2"]
    await room.empty()


async def test_a_model_that_cools_down_does_not_hold_up_the_same_caller_s_other_models(room):
    await room.arrive("a1")
    await room.leave("a1", Ended("dropped", status=429, cooldown_us=4_000_000))
    await room.arrive("c1")
    await room.arrive("c2", model="other")
    assert room.order == ["a1", "c2"]
    assert not room.tasks["c1"].done()


async def test_a_place_is_given_back_once_only(room):
    await room.arrive("a1", "a2", "a3", "a4")
    await room.leave("a1")
    await room.leave("a1")
    assert room.order == ["a1", "a2", "a3"]
    await room.leave("nobody")
    await room.empty()


async def test_a_cooldown_makes_everybody_wait_and_then_go(room):
    await room.arrive("a1")
    await room.leave("a1", OVERLOADED)
    await room.arrive("b1", "c1")
    assert room.order == ["a1"]
    await asyncio.wait_for(asyncio.gather(room.tasks["b1"], room.tasks["c1"]), 5)
    assert room.order == ["a1", "b1", "c1"]
    await room.empty()


async def test_a_cooldown_longer_than_anyone_may_wait_is_told_at_once_and_truly(room):
    await room.arrive("a1")
    await room.leave("a1", OVERLOADED._replace(cooldown_us=30_000_000))
    await room.arrive("b1")
    answer = await room.tasks["b1"]
    assert answer.why == "cooling"
    assert 29_000_000 < answer.retry_us <= 30_000_000


async def test_a_policy_that_only_watches_makes_nobody_wait(room):
    await room.arrive("a1", "a2", "a3", "a4", acts=False)
    assert len(room.order) == 4
    await room.empty()


async def test_each_upstream_has_places_of_its_own(room):
    await room.arrive("a1", "a2")
    await room.arrive("b1", rule=replace(RULE, id="other"))
    assert room.order == ["a1", "a2", "b1"]
    await room.empty()


async def test_an_edited_bound_holds_for_those_who_wait(room):
    await room.arrive("a1", "a2", "a3", "a4")
    wider = replace(RULE, at_once=5)
    await room.arrive("b1", rule=wider)
    await asyncio.sleep(0)
    assert sorted(room.order) == ["a1", "a2", "a3", "a4", "b1"]
    assert 'gateway_concurrency_limit{upstream="up"} 5.0' in room.metric("gateway_concurrency_limit")
    await room.empty()


async def test_upstreams_of_policies_that_are_gone_are_forgotten(room):
    await room.arrive("a1", rule=replace(RULE, id="kept"))
    for number in range(200):
        await room.arrive(f"b{number}", rule=replace(RULE, id=f"up{number}"))
        await room.leave(f"b{number}")
    assert len(room.admission._upstreams) <= 65
    assert ("kept", "http://up") in room.admission._upstreams


async def test_who_waited_is_measured(room):
    await room.arrive("a1", "a2", "a3")
    await room.leave("a1")
    assert 'gateway_queue_wait_seconds_count{priority="normal",upstream="up"} 1.0' in room.metric("gateway_queue_wait_seconds_count")
    assert 'gateway_queue_length{upstream="up"} 0.0' in room.metric("gateway_queue_length")
    await room.empty()
