"""Two gateways on a real Redis Cluster: exact per account, never above what everybody shares, and through a failover under load."""

from __future__ import annotations

import asyncio
import threading

import pytest

from tests.e2e.test_outage import asked, fire

pytestmark = pytest.mark.xdist_group("cluster")


@pytest.fixture
def pair(start, policy_of, redis_cluster):
    policy = policy_of(
        "{ id: mine, count: requests, rate: 40/hour, per: key, when_state_is_lost: refuse }",
        "{ id: wide, count: requests, rate: 100/hour, per: [model], when_state_is_lost: refuse }",
    )
    state = redis_cluster.url + "?deadline_ms=1500"
    gateways = [start("--demo", "--state", state, policy=policy, name=name) for name in ("one", "two")]
    keys = [gateways[0].create_key("--state", state, "--account", f"account-{n}") for n in range(4)]
    return gateways, keys


def test_an_account_s_limit_is_exact_and_everybody_s_is_never_exceeded(pair):
    gateways, keys = pair
    assert asked(gateways, keys[0], 16, 4).count(200) == 40

    async def all_at_once():
        return await asyncio.gather(*(fire([gateway.url for gateway in gateways], key, 8, 8) for key in keys[1:]))

    statuses = [status for answered in asyncio.run(all_at_once()) for status in answered]
    assert set(statuses) <= {200, 429}
    assert 60 - 2 * 13 <= statuses.count(200) <= 60


def test_a_failover_under_load_refuses_for_moments_and_then_goes_on(pair, redis_cluster):
    gateways, keys = pair
    victim = redis_cluster.primary_of("{account-0}")
    killer = threading.Timer(0.5, victim.kill)
    killer.start()
    statuses = asked(gateways, keys[0], 4, 60, pause_s=0.1)
    killer.join()
    assert set(statuses) <= {200, 429, 503}
    assert 36 <= statuses.count(200) <= 44, "at most what was not replicated yet is given out twice"
    assert statuses[-8:] == [429] * 8
