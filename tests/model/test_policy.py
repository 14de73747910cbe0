"""Policies as values: their label, who is matched, and what a tier leaves open."""

from __future__ import annotations

import ipaddress

import pytest

from gateway.model.policy import BiasCap, CallerMatch, DoorRules, FeatureCaps, Policy, Tier


def test_a_label_names_exactly_these_rules():
    assert Policy("production", "2026.11.3", "ab" * 32, (), {}).label == "production@2026.11.3#abababababab"


@pytest.mark.parametrize("given", [{"key": "9f2c"}, {"account": "acme"}, {"tag": "paid"}, {"attributes": (("asn", "1"),)}])
def test_only_an_empty_match_matches_everyone(given):
    assert CallerMatch().matches_everyone
    assert not CallerMatch(**given).matches_everyone


@pytest.mark.parametrize("given", [{"logprobs": -1}, {"choices": 1}, {"max_output": 1}, {"logit_bias": BiasCap("strip")}])
def test_any_single_cap_is_a_cap(given):
    assert not FeatureCaps().any
    assert FeatureCaps(**given).any


def test_a_tier_is_open_to_all_models_only_where_a_glob_says_so():
    assert Tier("t", ("small-*", "*"), ()).open_to_all_models
    assert not Tier("t", ("small-*",), ()).open_to_all_models
    assert not Tier("t", (), ()).open_to_all_models


def test_the_door_never_refuses_this_machine():
    for address in ("127.0.0.1", "127.9.9.9", "::1"):
        assert any(ipaddress.ip_address(address) in network for network in DoorRules().exempt)


def test_a_policy_that_says_nothing_of_lost_state_refuses():
    assert Policy("p", "1", "0" * 64, (), {}).when_state_is_lost == "refuse"
