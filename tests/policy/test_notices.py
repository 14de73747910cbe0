"""What is right and still worth saying."""

from __future__ import annotations

import pytest

from gateway.policy.notices import notices_of

LADDER = """ladder:
  - { id: open, at: 0, do: allow }
  - { id: x, at: 30, do: perturb, with: [pace] }
  - { id: y, at: 40, do: challenge }
"""


def told(loaded):
    return [str(notice).partition(" ")[2] for notice in notices_of(loaded)]


def test_the_small_policy_has_nothing_to_be_said(small):
    assert told(small.read()) == []


@pytest.mark.parametrize(
    ("old", "new", "more", "notice"),
    [
        ("", "", "mode: off\n", "mode: everything passes"),
        ("match: {}", "match: { tag: x }", "", "callers: callers that match no rule are refused"),
        ("", "", "trusted_proxies: [0.0.0.0/0]\n", "trusted_proxies[0]: everybody's identity headers are believed"),
        ("tier: standard", "tier: free", "", "tiers.standard: no caller rule gives this tier"),
        ("", "", "  open: { models: [x] }\n", "tiers.open: this tier has no limits"),
        (
            "count: requests",
            "count: money, shadow: true",
            "",
            "tiers.free.limits[0].count: models that have no price cost nothing here (small-*)",
        ),
        (
            "count: requests",
            "count: money",
            "prices:\n  small-x: { input: 1, output: 1 }\n",
            "tiers.free.limits[0].count: models that have no price are refused here (small-*)",
        ),
        (
            "rate: 20/minute",
            "rate: 20/lifetime, when_state_is_lost: degrade",
            "",
            "tiers.free.limits[0]: when the state is lost each process gives out 0.5 of it anew",
        ),
        ("", "", LADDER, "ladder: no signal is at `enforce`"),
        ("", "", "audit: { keep: 400d }\n", "audit.keep: not acted on"),
        ("", "", "tests:\n  - { name: t, replay: a.jsonl, expect: {} }\n", "tests[0].replay: needs `gateway replay`"),
        (
            "version",
            "credentials: both\nversion",
            "upstreams:\n  - { id: up, url: http://a, credential_env: KEY }\n",
            "upstreams[0].credential_env: used for issued keys and callers that a trusted proxy names only",
        ),
    ],
)
def test_each_notice(small, old, new, more, notice):
    assert any(line.startswith(notice) for line in told(small.read(old, new, more)))


def test_money_whose_models_all_have_prices_needs_no_notice(small):
    for glob in ("small-*", "s*", "*"):
        assert told(small.read("count: requests", "count: money", f"prices:\n  '{glob}': {{ input: 1, output: 1 }}\n")) == []


def test_a_signal_that_is_off_needs_no_notice(small):
    assert told(small.read(more="signals:\n  cadence: { level: off }\n")) == []
