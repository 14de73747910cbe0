"""Attackers of the laboratory speak HTTP to the application alone, or to it behind a gateway of their own."""

from __future__ import annotations

import pytest

from gateway.app import Gateway
from gateway.demo import demo_app
from gateway.errors import SettingsError
from gateway.lab.experiments import EXPERIMENTS, experiments_of
from gateway.lab.experiments.base import Setting, guarded, unguarded

ASK = {"model": "demo", "messages": [{"role": "user", "content": "Tell me about the river."}], "max_tokens": 4}
ONE_A_MINUTE = """
schema: gateway.policy/v1
name: laboratory
version: "1"
credentials: issued
callers: [{ id: everyone, match: {}, tier: all }]
tiers: { all: { models: ["*"], limits: [{ id: few, count: requests, rate: 1/minute, per: key }] } }
"""


async def test_the_application_itself_is_asked_without_a_key():
    async with unguarded(demo_app()) as client:
        answer = await client.ask("/v1/chat/completions", ASK)
    assert answer.ok
    assert answer.document["choices"]
    assert (client.asked, client.refused) == (1, 0)


async def test_behind_the_gateway_a_caller_has_a_key_that_the_gateway_issued():
    async with guarded(demo_app(), Gateway) as gateway:
        caller = await gateway.caller()
        assert (await caller.ask("/v1/chat/completions", ASK)).ok
        score, rung = await gateway.standing(caller)
    assert rung == "open"
    assert score < 10


async def test_what_the_policy_refuses_is_counted():
    async with guarded(demo_app(), Gateway) as gateway:
        caller = await gateway.caller()
        answer = await caller.ask("/v1/chat/completions", {**ASK, "logit_bias": {"5": 40}})
    assert answer.status == 400
    assert caller.refused == 1


async def test_one_who_is_told_to_wait_goes_on_with_another_key():
    async with guarded(demo_app(), Gateway, text=ONE_A_MINUTE) as gateway:
        caller = await gateway.caller()
        answers = [await caller.ask("/v1/chat/completions", ASK) for _ in range(3)]
    assert all(answer.ok for answer in answers)
    assert len(set(caller.key_ids)) == 3
    assert (caller.asked, caller.refused) == (5, 2)


def test_a_setting_has_a_size_and_a_least_size():
    assert Setting(Gateway).sized(100, 10) == 100
    assert Setting(Gateway, scale=0.01).sized(100, 10) == 10


def test_experiments_go_by_name_and_all_of_them_by_none():
    assert experiments_of(()) == tuple(EXPERIMENTS.values())
    assert [one.name for one in experiments_of(("last_layer", "last_layer"))] == ["last_layer"]
    with pytest.raises(SettingsError, match="last_layer"):
        experiments_of(("first_layer",))
