"""What `ports.RiskStore` promises, over every adapter."""

from __future__ import annotations

import msgspec
import pytest

from gateway.model.evidence import NO_VERDICT, Evidence, Verdict
from gateway.risk.judged import Judged
from gateway.risk.links import Campaign
from gateway.risk.together import Link
from gateway.stores.alone import AloneEvidence, SqliteRisk
from gateway.stores.database import Database
from gateway.stores.kept import Batch, Rows
from gateway.stores.redis import line_to
from gateway.stores.redis_evidence import RedisEvidence, RedisRisk

HOUR_US = 3600 * 1_000_000


def verdict(score, campaign=None, at_us=1):
    told = (Evidence("elicitation", "1", "wording", score, "9 of 9 requests ask for it", "5%"),)
    return Verdict(score, frozenset({"wording"}), campaign, told, score, score, at_us, ((at_us, score),), b"\0" * 8)


LIGHT, HEAVY = (
    Judged(Campaign(name, callers, ("a", "b"), (Link("payment", 20.0, "shared"),), weight, 5), verdict(weight, name))
    for name, callers, weight in (("c-1", ("k1",), 16.0), ("c-2", ("k2", "k3"), 30.0))
)
PUT = [("k1", verdict(16.0, "c-1")), ("k2", verdict(30.0, "c-2")), ("k3", verdict(35.0, "c-2")), ("k4", verdict(2.0))]


@pytest.fixture(params=["sqlite", "redis"])
async def risk(request, tmp_path):
    """A store in which a gateway has left verdicts and campaigns."""
    if request.param == "sqlite":
        database = await Database.open(tmp_path / "gateway.db")
        batch = Batch(0, [], [(key, (place, one)) for place, (key, one) in enumerate(PUT)])
        await database.run(lambda connection: Rows().write(connection, batch))
        await AloneEvidence(database).publish([HEAVY, LIGHT], HOUR_US)
        yield SqliteRisk(database)
        await database.aclose()
        return
    line = line_to(request.getfixturevalue("redis_url") + "?deadline_ms=5000")
    told = RedisEvidence(line)
    await told.tell(PUT, HOUR_US)
    await told.publish([LIGHT, HEAVY], HOUR_US)
    yield RedisRisk(line)
    await line.aclose()


async def test_a_verdict_is_as_it_was_put_with_its_reasons_and_its_course(risk):
    assert await risk.verdict("k3") == PUT[2][1]
    assert await risk.verdict("nobody") == NO_VERDICT


async def test_callers_are_ranked_by_score_all_or_those_of_one_campaign(risk):
    assert [key for key, _ in await risk.ranked(3)] == ["k3", "k2", "k1"]
    assert await risk.ranked(10, "c-2") == [PUT[2], PUT[1]]
    assert [key for key, _ in await risk.ranked(1, "c-2")] == ["k3"]
    assert await risk.ranked(10, "c-9") == []
    assert await risk.ranked(0) == []


async def test_campaigns_are_told_whole_the_heaviest_first(risk):
    assert await risk.campaigns() == [HEAVY, LIGHT]
    assert await risk.campaign("c-1") == LIGHT
    assert await risk.campaign("c-9") is None


def test_what_is_kept_of_a_caller_is_small():
    assert len(msgspec.json.encode(PUT[2][1])) < 500
