"""Values the core's tests speak with: a policy, a key, an arrival, in as few words as a test needs."""

from __future__ import annotations

import pytest

from gateway.core.exchange import Identify
from gateway.core.trail import Trail
from gateway.model.caller import KeyRecord
from gateway.model.decision import Action
from gateway.model.limit import Count, Limit
from gateway.model.policy import AuditRules, CallerMatch, CallerRule, Policy, Rung, Tier, UpstreamRule
from gateway.model.request import Arrival
from gateway.model.value import replace
from gateway.registry import resolve

KEY_ID = "ab" * 16


def a_limit(limit_id="rpm", count=Count.REQUESTS, amount=10, **other):
    window = "slots" if count is Count.CONCURRENT else "sliding"
    return Limit(
        **{"id": limit_id, "count": count, "window": window, "amount": amount, "window_us": 60_000_000, "per": ("key",), **other}
    )


def a_policy(*limits, **other):
    tier = Tier("standard", models=("*",), limits=limits, routes=("*",))
    values = {
        "name": "test",
        "version": "1",
        "digest": "0" * 64,
        "callers": (CallerRule("all", CallerMatch(), "standard"),),
        "tiers": {"standard": tier},
        "upstreams": (UpstreamRule("up", "http://127.0.0.1:9"),),
        "ladder": (
            Rung("open", 0.0, Action.ALLOW),
            Rung("slowed", 20.0, Action.THROTTLE, share=0.5),
            Rung("blurred", 30.0, Action.PERTURB),
            Rung("closed", 60.0, Action.REFUSE),
        ),
    }
    return Policy(**{**values, **other})


def an_arrival(**other):
    values = {
        "id": "d1",
        "at_us": 1_000_000,
        "method": "POST",
        "path": "/v1/chat/completions",
        "peer": "192.0.2.1",
        "key_id": KEY_ID,
        "source": "issued",
    }
    return Arrival(**{**values, **other})


def a_key(**other):
    return KeyRecord(**{"key_id": KEY_ID, "account": "acme", "tier": None, "tags": frozenset(), "created_us": 0, **other})


def at_the_door(policy, *, operation="openai.chat", route="POST /chat/completions", **arrival):
    return Identify(Trail(an_arrival(**arrival), policy, resolve("dialects", operation)(), route))


@pytest.fixture
def make():
    """The makers above: `make.policy(...)`, `make.limit(...)`, `make.arrival(...)`, `make.key(...)`, `make.door(...)`."""

    class Make:
        policy = staticmethod(a_policy)
        limit = staticmethod(a_limit)
        arrival = staticmethod(an_arrival)
        key = staticmethod(a_key)
        door = staticmethod(at_the_door)
        audit = AuditRules
        replace = staticmethod(replace)
        key_id = KEY_ID

    return Make
