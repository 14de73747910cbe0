"""From what is written to what the engine runs on."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_network

import pytest

from gateway.model.decision import Action
from gateway.model.limit import Count
from gateway.model.policy import BiasCap, CallerMatch, FeatureCaps, Rung, StepDown

DAY = 86_400_000_000


def limit(small, written):
    return small.policy("rate: 20/minute", written).tiers["free"].limits[0]


def test_a_sliding_limit_is_the_default(small):
    found = limit(small, "rate: 600 per 5 minutes")
    assert (found.window, found.amount, found.window_us, found.burst, found.capacity) == ("sliding", 600, 300_000_000, 0, 600)


def test_a_bucket_is_as_deep_as_its_rate_unless_it_says(small):
    assert limit(small, "rate: 20/minute, window: bucket").burst == 20
    assert limit(small, "rate: 20/minute, window: bucket, burst: 5").capacity == 5


@pytest.mark.parametrize(
    ("written", "window", "period", "window_us", "amount"),
    [
        ("rate: 2000/month", "calendar", "month", 31 * DAY, 2000),
        ("rate: 2000 per week, zone: Asia/Tokyo", "calendar", "week", 7 * DAY, 2000),
        ("rate: 20/day", "sliding", None, DAY, 20),
        ("rate: 20 per 1 day, window: calendar", "calendar", "day", DAY, 20),
        ("rate: 20/lifetime", "lifetime", None, 0, 20),
        ("rate: 20/lifetime, window: lifetime", "lifetime", None, 0, 20),
        ("rate: 20/day, window: bucket", "bucket", None, DAY, 20),
    ],
)
def test_the_rate_says_the_window_where_the_window_is_not_written(small, written, window, period, window_us, amount):
    found = limit(small, written)
    assert (found.window, found.period, found.window_us, found.amount) == (window, period, window_us, amount)
    assert found.zone == ("Asia/Tokyo" if "Tokyo" in written else "UTC")


def test_money_is_in_micro_units_and_so_is_its_burst(small):
    money = "count: money, shadow: true, rate: 0.000001/day, window: bucket, burst: 3"
    found = small.policy("count: requests, rate: 20/minute", money).tiers["free"].limits[0]
    assert (found.amount, found.burst) == (1, 3_000_000)


def test_multipliers_are_thousandths_in_the_files_order(small):
    assert limit(small, "rate: 20/minute, multipliers: { big-*: 3, '*': 0.5, small: '0.001' }").weights == (
        ("big-*", 3_000), ("*", 500), ("small", 1),
    )  # fmt: skip


def test_slots_have_a_lease(small):
    found = small.policy().tiers["standard"].limits[1]
    assert (found.count, found.window, found.amount, found.window_us) == (Count.CONCURRENT, "slots", 8, 900_000_000)
    assert small.policy(", lease: 15m", "").tiers["standard"].limits[1].window_us == 900_000_000


def test_classes_and_adaptive_slots(small):
    slots = small.policy("at_once: 8", "at_once: 8, adaptive: gradient, priority: high").tiers["standard"].limits[1]
    assert (slots.adaptive, slots.priority) == ("gradient", "high")
    plain = small.policy().tiers["standard"]
    assert (plain.limits[1].adaptive, plain.limits[1].priority, plain.priority) == (None, None, "normal")
    assert small.policy("[small-*]\n", "[small-*]\n    priority: batch\n").tiers["free"].priority == "batch"


def test_a_limit_s_own_word_on_lost_state_stands_over_the_policy_s(small):
    more = "when_state_is_lost: degrade\nshare_when_lost: 0.25\n"
    free = small.policy("per: key", "per: key, when_state_is_lost: allow, share_when_lost: 0.1", more).tiers["free"].limits[0]
    other = small.policy(more=more).tiers["free"].limits[0]
    assert (free.when_state_is_lost, free.share_when_lost) == ("allow", 0.1)
    assert (other.when_state_is_lost, other.share_when_lost) == ("degrade", 0.25)
    assert small.policy().tiers["free"].limits[0].share_when_lost == 0.5


@pytest.mark.parametrize(
    ("written", "caps"),
    [
        ("{}", FeatureCaps()),
        ("{ logprobs: 0, choices: 1 }", FeatureCaps(logprobs=0, choices=1)),
        ("{ logprobs: none }", FeatureCaps(logprobs=-1)),
        ("{ logprobs: deny }", FeatureCaps(logprobs=-1, deny=frozenset({"logprobs"}))),
        ("{ logit_bias: deny }", FeatureCaps(logit_bias=BiasCap("deny"))),
        ("{ logit_bias: [1, -100] }", FeatureCaps(logit_bias=BiasCap("values", (-100.0, 1.0)))),
        ("{ max_output: 100, deny: [max_output] }", FeatureCaps(max_output=100, deny=frozenset({"max_output"}))),
    ],
)
def test_feature_caps(small, written, caps):
    assert small.policy("[small-*]\n", f"[small-*]\n    features: {written}\n").tiers["free"].features == caps


def test_matches(small):
    match = "{ key: fp:9f2c61d07ab4, account: a*, tier: t, peer: 10.0.0.0/8, source: issued, attributes: { z: '1', a: '2*' } }"
    assert small.policy("{ tag: paid }", match).callers[0].match == CallerMatch(
        key="9f2c61d07ab4", account="a*", tier="t", peer=ip_network("10.0.0.0/8"), source="issued", attributes=(("a", "2*"), ("z", "1"))
    )


def test_signals_and_exemptions(small):
    policy = small.policy(
        more="""signals:
  half_life: 12h
  kinds_needed: 3
  cadence: { level: enforce, cap: 15 }
  exemptions:
    - { id: e, caller: paying, signals: [cadence], until: 2027-02-01, why: TS-412 }
"""
    )
    assert (policy.half_life_us, policy.kinds_needed) == (43_200_000_000, 3)
    assert (policy.signals["cadence"].kind, policy.signals["cadence"].cap) == ("arrival", 15.0)
    assert policy.exemptions[0].until_us == int(datetime(2027, 2, 1, tzinfo=UTC).timestamp()) * 1_000_000


def test_the_ladder(small):
    policy = small.policy(
        more="""ladder:
  - { id: open, at: 0, do: allow }
  - { id: slowed, at: 20, do: throttle, share: 0.5 }
  - { id: blurred, at: 30, do: perturb, with: [logprobs, pace], shadow: true }
step_down: { by: 5, after: 2h }
"""
    )
    assert policy.ladder[1:] == (
        Rung("slowed", 20.0, Action.THROTTLE, share=0.5),
        Rung("blurred", 30.0, Action.PERTURB, perturbations=("logprobs", "pace"), shadow=True),
    )
    assert policy.step_down == StepDown(5.0, 7_200_000_000)
