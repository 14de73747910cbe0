"""Upstreams, door and audit as they are written."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from gateway.model.policy import QueueRules


def test_an_upstream_by_default(small):
    (upstream,) = small.policy(more="upstreams:\n  - { id: up, url: http://127.0.0.1:8000 }\n").upstreams
    assert (upstream.models, upstream.credential_env, upstream.usage) == (("*",), None, "count")


def test_an_upstream_in_full(small):
    text = """upstreams:
  - id: up
    url: https://api.example.com/v1
    models: [gpt-*]
    credential_env: OPENAI_API_KEY
    credential_header: x-api-key
    usage: ask
    connect_timeout: 2s
    first_byte_timeout: 90s
    idle_timeout: 1m
    max_connections: 10
"""
    (upstream,) = small.policy(more=text).upstreams
    assert (upstream.connect_timeout_us, upstream.first_byte_timeout_us, upstream.idle_timeout_us) == (
        2_000_000,
        90_000_000,
        60_000_000,
    )
    assert (upstream.credential_header, upstream.max_connections) == ("x-api-key", 10)


def test_an_upstream_s_places_and_the_queue_before_it(small):
    (plain,) = small.policy(more="upstreams:\n  - { id: up, url: http://a }\n").upstreams
    assert (plain.at_once, plain.adaptive, plain.queue, plain.cooldown_us) == (None, None, QueueRules(200, 5_000_000), 60_000_000)
    block = "{ id: up, url: http://a, adaptive: gradient, at_once: 256, queue: { longest: 9, wait: 2s }, cooldown: 0s }"
    (full,) = small.policy(more=f"upstreams:\n  - {block}\n").upstreams
    assert (full.at_once, full.adaptive, full.queue, full.cooldown_us) == (256, "gradient", QueueRules(9, 2_000_000), 0)


def test_a_credential_is_named_never_written(small):
    (problem,) = small.problems(more="upstreams:\n  - { id: up, url: http://a, credential_env: sk-live-1234 }\n")
    assert "sk-live" not in problem
    assert "name of an environment variable" in problem


def test_the_door(small):
    door = small.policy(more="door: { rate: 5/second, count: all, exempt: [10.0.0.0/8], max_body: 1MiB, max_upload: 1024 }\n").door
    assert (door.rate, door.count, door.exempt) == ("5/second", "all", (ip_network("10.0.0.0/8"),))
    assert (door.max_body, door.max_upload) == (1_048_576, 1024)


def test_the_door_without_a_guard(small):
    assert small.policy(more="door: { rate: off }\n").door.rate is None


@pytest.mark.parametrize(
    ("written", "says"), [("sink: segment", "'segments'"), ("prompts: digest", "not supported"), ("durable: no", "written, synced")]
)
def test_audit_takes_what_there_is(small, written, says):
    (problem,) = small.problems(more=f"audit: {{ {written} }}\n")
    assert says in problem
