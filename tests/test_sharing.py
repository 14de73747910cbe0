"""Callers spread over processes are seen whole: two processes on one real Redis, each with half of what a caller sends."""

from __future__ import annotations

import asyncio
import random
import time
from types import SimpleNamespace

import pytest

from gateway.errors import OutcomeUnknown, StoreError, StoreUnavailable
from gateway.linking import Linking, links_live
from gateway.metrics import Metrics
from gateway.model.evidence import Evidence
from gateway.model.policy import SignalRule
from gateway.model.value import replace
from gateway.risk.campaigns import Campaigns
from gateway.risk.scales import Scales
from gateway.sharing import Sharing
from gateway.stores.alone import AloneEvidence
from gateway.stores.database import Database
from gateway.stores.redis import line_to
from gateway.stores.redis_evidence import RedisEvidence, RedisRisk
from gateway.stores.verdicts import MemoryVerdicts
from gateway.weigher import Weigher
from tests.core.conftest import a_policy
from tests.risk.counting import Counting, Straight
from tests.risk.crowds import NOW, said
from tests.test_weigher import ended

MEMORY = 8_000_000
WRAPPER = "As the examiner of volume nine, restate what follows in plain terms and number each step: {} Close with the word done."
RULES = {
    "elicitation": SignalRule("elicitation", "wording", "enforce", 40.0),
    "linkage": SignalRule("linkage", "linkage", "enforce", 40.0),
}
POLICY = a_policy(signals=RULES)


class Twice(Counting):
    """Two decibans for each request that asks for it."""

    def weigh(self, state, now_us, baseline):
        return (
            Evidence(self.name, self.version, self.kind, 2.0 * state.asked, f"{state.asked} ask for it", "none")
            if state.asked
            else None
        )


class Process:
    """One process: a weigher with its own memory, on a store."""

    def __init__(self, store):
        self.history, self.metrics = MemoryVerdicts(), Metrics()
        scales = Scales({"elicitation": Twice()}, Straight(), memory=MEMORY)
        self.linking = Linking(Campaigns(scales, links_live(MEMORY), kept_us=86_400_000_000), cpu=lambda: 0.0)
        self.weigher = Weigher(scales, self.history, self.metrics, linking=self.linking)
        self.sharing = Sharing(store, self.weigher, self.linking, self.history, self.metrics, lambda: NOW)

    def serves(self, key_id, times=1, *, at_us=NOW, **other):
        for _ in range(times):
            self.weigher.see(ended(key_id, policy=POLICY, **other), at_us)
            self.weigher.weigh_some(60.0)

    def looks_through(self):
        """All that waits, to the end of a look-through."""
        while self.linking.busy and self.linking.found is None:
            self.linking.work(1.0)

    def score(self, key_id):
        return self.history.standing(key_id).score


@pytest.fixture
async def line(redis_url):
    line = line_to(redis_url + "?deadline_ms=5000")
    yield line
    await line.aclose()


@pytest.fixture
def two(line):
    return Process(RedisEvidence(line)), Process(RedisEvidence(line))


async def ticks(*processes, times=1):
    for _ in range(times):
        for process in processes:
            await process.sharing.tick()


async def test_a_caller_spread_over_two_is_seen_whole_by_both(two, line):
    one, other = two
    for _ in range(5):
        one.serves("spread", 2)
        other.serves("spread", 2)
        await ticks(one, other)
    assert one.weigher.scales.callers.find("spread").requests + 2 >= 20 > 10
    await ticks(one, other)
    assert one.score("spread") == other.score("spread") == 40.0  # half of it alone would be 20
    assert (await RedisRisk(line).verdict("spread")).score == 40.0
    assert one.history.standing("spread").reasons[0].seen == "20 ask for it"


async def test_a_process_hears_of_a_caller_that_it_never_served(two):
    one, other = two
    await ticks(other)
    one.serves("k", 10)
    await ticks(one, other)
    assert other.score("k") == 20.0
    other.serves("k", 1)  # and knows what it was based on as soon as it shares
    assert other.score("k") >= 20.0
    await ticks(other)
    assert other.score("k") == 22.0


async def test_a_process_that_is_restarted_goes_on_where_all_were(two, line):
    one, _ = two
    one.serves("k", 10)
    await ticks(one)
    again = Process(RedisEvidence(line))
    await ticks(again)
    assert again.score("k") == 20.0
    again.serves("k", 3)
    await ticks(again)
    assert again.score("k") == 26.0
    assert again.weigher.scales.callers.find("k").requests == 13


async def test_while_redis_stands_still_each_goes_on_alone_and_then_all_is_put_together(redis_server):
    lines = [line_to(redis_server.url + "?deadline_ms=10") for _ in range(2)]
    one, other = (Process(RedisEvidence(line)) for line in lines)
    one.serves("still", 2)
    other.serves("still", 2)
    await ticks(one, other, times=2)
    redis_server.pause()
    one.serves("still", 6)
    other.serves("still", 6)
    await ticks(one, other)
    assert one.score("still") >= 16.0
    assert "gateway_weigh_share_failures_total 1.0" in one.metrics.render().decode()
    redis_server.resume()
    for _ in range(200):
        if one.score("still") == other.score("still") == 32.0:
            break
        await ticks(one, other)
        await asyncio.sleep(0.02)
    assert one.score("still") == other.score("still") == 32.0
    for line in lines:
        await line.aclose()


class Flaky(RedisEvidence):
    """Half of the offers fail: of those that did, half were taken all the same."""

    chance, fails = random.Random(0), 0.5

    async def offer(self, offers, kept_us):
        drawn = self.chance.random()
        if drawn < self.fails / 2:
            raise StoreUnavailable("not sent")
        answers = await super().offer(offers, kept_us)
        if drawn < self.fails:
            raise OutcomeUnknown("no answer")
        return answers


async def test_nothing_is_counted_twice_or_lost_whatever_fails(line, monkeypatch, caplog):
    processes = [Process(Flaky(line)) for _ in range(3)]
    for seed in range(6):
        chance = random.Random(seed)
        monkeypatch.setattr(Flaky, "chance", chance)
        monkeypatch.setattr(Flaky, "fails", 0.5)
        sent = 0
        for _ in range(12):
            times = chance.randrange(1, 3)
            chance.choice(processes).serves(f"k{seed}", times)
            sent += times
            await ticks(chance.choice(processes))
        monkeypatch.setattr(Flaky, "fails", 0.0)
        await ticks(*processes, times=2)
        kept = await RedisEvidence(line).fetch([f"k{seed}"])
        processes[0].weigher.scales.callers.put("whole", kept[f"k{seed}"].packed, "")
        assert processes[0].weigher.scales.callers.find("whole").requests == sent


def walks(processes, keys, rounds=24):
    """A campaign of keys that walk one corpus with one wrapper, each key's requests spread over all processes."""
    rnd = random.Random(7)
    for number in range(rounds):
        for at in range(keys):
            text = WRAPPER.format(said(rnd))
            step = ended(f"k{at}", text, policy=POLICY)
            caller = replace(step.trail.caller, account=f"a{at}", attributes={"payment": f"pm-{at // 4}", "asn": "AS7"})
            arrival = replace(step.trail.arrival, at_us=NOW + number * 60_000_000 + at)
            process = processes[(number + at) % len(processes)]
            process.weigher.see(replace(step, trail=replace(step.trail, caller=caller, arrival=arrival)), arrival.at_us)
            process.weigher.weigh_some(60.0)


def others(processes, count=60):
    """People with payments of their own, so that there is somebody to compare with."""
    rnd = random.Random(3)
    for at in range(count):
        step = ended(f"p{at}", said(rnd), policy=POLICY)
        caller = replace(step.trail.caller, account=f"b{at}", attributes={"payment": f"own-{at}", "asn": f"AS{at}"})
        arrival = replace(step.trail.arrival, at_us=NOW + at * 600_000_000)
        processes[at % len(processes)].weigher.see(
            replace(step, trail=replace(step.trail, caller=caller, arrival=arrival)), arrival.at_us
        )
        processes[at % len(processes)].weigher.weigh_some(60.0)


async def test_a_campaign_spread_over_two_is_found_by_the_one_that_links_and_known_to_both(two, line):
    one, other = two
    await ticks(one, other)
    assert (one.linking.leads, other.linking.leads) == (True, False)
    others(two)
    walks(two, 8)
    await ticks(other, one)
    one.looks_through()
    await ticks(one, other)
    campaigns = await RedisRisk(line).campaigns()
    assert [one.campaign.callers for one in campaigns] == [tuple(f"k{at}" for at in range(8))]
    for process in two:
        verdicts = [process.history.standing(f"k{at}") for at in range(8)]
        assert {verdict.campaign for verdict in verdicts} == {campaigns[0].campaign.id}
        assert min(verdict.score for verdict in verdicts) >= 15.0
    assert [key for key, _ in await RedisRisk(line).ranked(99, campaigns[0].campaign.id)] != []


async def test_a_process_alone_finds_a_campaign_and_knows_it_after_a_restart(tmp_path):
    database = await Database.open(tmp_path / "gateway.db")
    alone = Process(AloneEvidence(database))
    others([alone])
    walks([alone], 8)
    alone.looks_through()
    await ticks(alone)
    assert alone.history.standing("k0").campaign is not None
    again = Process(AloneEvidence(database))
    await ticks(again)
    assert again.weigher.campaigns.found.keys() == {f"k{at}" for at in range(8)}
    again.serves("k0", 1)
    assert again.history.standing("k0").campaign == alone.history.standing("k0").campaign
    await database.aclose()


async def test_what_is_learnt_while_nobody_answers_is_bounded_and_counted(line):
    class Lost(RedisEvidence):
        async def offer(self, offers, kept_us):
            raise StoreError("lost")

    process = Process(Lost(line))
    process.serves("k", 50)
    await ticks(process)
    assert len(process.sharing._pending["k"].looks) == 32
    assert 'gateway_weigh_shed_total{why="unshared"} 18.0' in process.metrics.render().decode()


async def test_what_is_shared_of_a_caller_is_small(two, line):
    one, _ = two
    one.serves("k", 50)
    await ticks(one)
    kept = await RedisEvidence(line).fetch(["k"])
    assert len(kept["k"].packed) < 1_024


async def test_the_loop_is_never_kept_for_longer_than_a_slice_whatever_others_say(two, monkeypatch):
    """Counted, not timed: of work at a tenth of a millisecond a step, a slice's steps at most are done in one turn of the loop."""
    one, other = two
    steps, between = iter(range(1, 1_000_000)), []
    clock = SimpleNamespace(thread_time=lambda: next(steps) / 10_000, monotonic=time.monotonic)
    for number in range(120):
        one.serves(f"k{number}", 6)
        other.serves(f"k{number}", 6)
    await ticks(one)
    monkeypatch.setattr("gateway.sharing.time", clock)
    put, done = other.history.put, []
    monkeypatch.setattr(other.history, "put", lambda key_id, verdict: (done.append(key_id), put(key_id, verdict)))

    async def others():
        while True:
            between.append(len(done))
            done.clear()
            await asyncio.sleep(0)

    beside = asyncio.ensure_future(others())
    other.weigher.rest = 0.01
    await ticks(other)
    beside.cancel()
    assert sum(between) >= 120  # of the 120 that one told
    assert max(between) <= 6
    assert other.score("k7") == 24.0
