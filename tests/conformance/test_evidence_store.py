"""What `ports.EvidenceStore` promises, between two processes on one state and for a process alone."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import StoreError
from gateway.model.evidence import Evidence, Verdict
from gateway.ports import Kept, Offer
from gateway.risk.judged import Judged
from gateway.risk.links import Campaign
from gateway.risk.together import Link
from gateway.stores.alone import AloneEvidence
from gateway.stores.database import Database
from gateway.stores.redis import line_to
from gateway.stores.redis_cluster import nodes_to
from gateway.stores.redis_evidence import RedisEvidence
from gateway.stores.redis_line import Script
from gateway.stores.redis_sentinel import primary_of
from tests.support.redis_cluster import Sentinel
from tests.support.redis_server import RedisServer

HOUR_US = 3600 * 1_000_000
TOLD = Verdict(31.5, frozenset({"wording"}), "c-1", (Evidence("elicitation", "1", "wording", 20.0, "seen", "5%"),), 33.0, 31.5, 7)
FOUND = Judged(Campaign("c-1", ("k1", "k2"), ("a", "b"), (Link("payment", 20.0, "shared"),), 20.0, 5), TOLD)


@pytest.fixture(scope="module")
def watched():
    """A primary and the Sentinel that names it."""
    primary = RedisServer().start()
    sentinel = Sentinel(primary)
    yield primary, sentinel
    sentinel.stop()
    primary.stop()


def lines_to(kind, request):
    """Two connections to one Redis, cluster, or primary that a Sentinel names."""
    if kind == "cluster":
        return [nodes_to(request.getfixturevalue("redis_cluster").url + "?deadline_ms=5000") for _ in range(2)]
    if kind == "sentinel":
        primary, sentinel = request.getfixturevalue("watched")
        primary.command("FLUSHALL")
        return [primary_of(sentinel.url + "?deadline_ms=5000") for _ in range(2)]
    return [line_to(request.getfixturevalue("redis_url") + "?deadline_ms=5000") for _ in range(2)]


@pytest.fixture(params=["redis", *[pytest.param(kind, marks=pytest.mark.xdist_group("cluster")) for kind in ("cluster", "sentinel")]])
async def two(request):
    """Two processes on one state."""
    lines = lines_to(request.param, request)
    yield tuple(RedisEvidence(line, most_kept=3) for line in lines)
    for line in lines:
        await line.aclose()


def offer(before, token, packed=b"[1]", key="k1"):
    return Offer(key, before, token, packed)


async def test_an_offer_is_taken_where_nobody_wrote_meanwhile_and_else_what_stands_is_given(two):
    one, other = two
    assert await one.offer([offer("", "t1", b"first")], HOUR_US) == [None]
    assert await other.offer([offer("", "t2", b"second")], HOUR_US) == [Kept("t1", b"first")]
    assert await other.offer([offer("t1", "t3", b"both")], HOUR_US) == [None]
    assert await one.offer([offer("t1", "t4"), offer("", "t5", key="k9")], HOUR_US) == [Kept("t3", b"both", ("t1",)), None]
    assert await one.fetch(["k1", "nobody"]) == {"k1": Kept("t3", b"both", ("t1",))}


async def test_an_offer_of_unknown_outcome_may_be_made_again(two):
    one, other = two
    await one.offer([offer("", "t1")], HOUR_US)
    await other.offer([offer("t1", "t2", b"later")], HOUR_US)
    assert await one.offer([offer("", "t1")], HOUR_US) == [None]
    assert (await one.fetch(["k1"]))["k1"] == Kept("t2", b"later", ("t1",))


async def test_what_one_tells_the_others_hear_once_and_who_comes_later_hears_what_stands(two):
    one, other = two
    assert await one.news() == await other.news()
    await one.tell([("k1", TOLD)], HOUR_US)
    await one.publish([FOUND], HOUR_US)
    news = await other.news()
    assert (news.verdicts, news.campaigns, news.whole) == ([("k1", TOLD)], [FOUND], False)
    assert (await other.news()).verdicts == []
    assert (await other.news()).campaigns is None
    assert (await one.news()).verdicts == []  # its own it knows
    late = await RedisEvidence(one._line).news()
    assert (late.verdicts, late.campaigns, late.whole) == ([("k1", TOLD)], [FOUND], True)


async def test_the_lowest_scores_are_forgotten_first(two):
    one, _ = two
    for number in range(5):
        await one.tell([(f"k{number}", Verdict(float(number)))], HOUR_US)
    assert [key for key, _ in await one._risk.ranked(10)] == ["k4", "k3", "k2"]
    assert (await one._risk.verdict("k0")).score == 0.0


async def test_one_links_at_a_time(two):
    one, other = two
    assert await one.lead()
    assert not await other.lead()
    assert await one.lead()


async def test_looks_go_to_whoever_links_each_once(two):
    one, other = two
    looks = [b"look %d" % number for number in range(300)]
    await other.give(looks)
    assert await one.given() == looks
    assert await one.given() == []


async def test_all_of_it_expires(two):
    one, _ = two
    await one.offer([offer("", "t1")], HOUR_US)
    await one.tell([("k1", TOLD)], HOUR_US)
    await one.publish([FOUND], HOUR_US)
    await one.lead()
    await one.give([b"look"])
    for key in ("azg:r:{k1}", *[f"azg:{{risk}}:{name}" for name in ("log", "ranked", "verdicts", "campaigns", "leader", "looks")]):
        left = await one._line.run(Script("return redis.call('PTTL', KEYS[1])"), [key], [])
        assert 0 < left <= HOUR_US // 1000, key


async def test_a_redis_that_stands_still_is_an_error_within_the_deadline_and_afterwards_all_is_heard(redis_server):
    one, other = (line_to(redis_server.url + "?deadline_ms=20") for _ in range(2))
    speaks, hears = RedisEvidence(one), RedisEvidence(other)
    await hears.news()
    redis_server.pause()
    try:
        with pytest.raises(StoreError):
            await hears.news()
        with pytest.raises(StoreError):
            await speaks.offer([offer("", "t1")], HOUR_US)
    finally:
        redis_server.resume()
    while True:
        try:
            await speaks.tell([("k1", TOLD)], HOUR_US)
            break
        except StoreError:
            await asyncio.sleep(0.02)
    while True:
        try:
            news = await hears.news()
            break
        except StoreError:
            await asyncio.sleep(0.02)
    assert news.whole
    assert news.verdicts == [("k1", TOLD)]
    await one.aclose()
    await other.aclose()


async def test_a_process_alone_leads_takes_all_and_finds_its_campaigns_again(tmp_path):
    database = await Database.open(tmp_path / "gateway.db")
    alone = AloneEvidence(database)
    assert alone.local
    assert await alone.lead()
    assert await alone.offer([offer("", "t1")], HOUR_US) == [None]
    await alone.tell([("k1", TOLD)], HOUR_US)
    await alone.give([b"look"])
    assert await alone.given() == []
    assert await alone.fetch(["k1"]) == {}
    await alone.publish([FOUND], HOUR_US)
    assert (await AloneEvidence(database).news()).campaigns == [FOUND]
    await alone.publish([], HOUR_US)
    assert (await alone.news()).campaigns == []
    await database.aclose()
