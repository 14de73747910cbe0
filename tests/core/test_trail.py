"""What a trail says of the answer to come: whether it will be changed as it passes."""

from __future__ import annotations

import pytest

from gateway.core.trail import Trail
from gateway.dialects.opaque import Opaque
from gateway.model.caller import Caller


def trail(make, *, route="GET /models", source="issued", models=("small-*",), mode="enforce"):
    policy = make.policy(mode=mode)
    tier = make.replace(policy.tiers["standard"], models=models)
    return Trail(make.arrival(method="GET"), policy, Opaque(), route, caller=Caller(make.key_id, "acme", source=source), tier=tier)


def test_the_list_of_models_is_cut_for_a_tier_that_allows_some_of_them(make):
    assert trail(make).filters_models
    assert trail(make).alters_answer
    assert trail(make, models=()).filters_models


@pytest.mark.parametrize(
    "other",
    [
        {"route": "GET /models/small-1"},
        {"route": "POST /models"},
        {"source": "client"},
        {"models": ("a", "*")},
        {"mode": "shadow"},
        {"mode": "off"},
    ],
)
def test_it_passes_untouched_otherwise(make, other):
    assert not trail(make, **other).filters_models
    assert not trail(make, **other).alters_answer


def test_usage_that_was_asked_for_on_the_clients_behalf_is_taken_out_again(make):
    asked = make.replace(trail(make, models=("*",)), changed=("clipped.choices", "usage_asked"))
    assert asked.hides_usage
    assert asked.alters_answer
