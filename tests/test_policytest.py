"""Tests that policies carry: judged by the engine's own core, on a store of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.policy.load import SHIPPED, find, read, read_text
from gateway.policytest import run_tests

BASE = """\
schema: gateway.policy/v1
name: small
version: "1"
callers:
  - { id: nightly, match: { account: night }, tier: free }
  - { id: paying, match: { tag: paid }, tier: standard }
  - { id: rest, match: { source: issued }, tier: free }
tiers:
  free:
    models: [small-*]
    features: { logprobs: deny, choices: 2 }
    limits:
      - { id: rpm, count: requests, rate: 20/minute, per: key }
      - { id: tpm, count: tokens, rate: 1000/minute, per: account }
      - { id: watched, count: requests, rate: 5/minute, per: key, shadow: true }
      - { id: atonce, count: concurrent, at_once: 2, per: key }
      - { id: drip, count: requests, rate: 10/minute, window: bucket, burst: 3, per: everyone }
      - { id: life, count: output_tokens, rate: 5000/lifetime, per: account }
      - { id: usd, count: money, rate: 0.5/month, per: account }
      - { id: daily, count: requests, rate: 30/day, window: calendar, zone: Asia/Tokyo, per: key, multipliers: { small-x3: 3 } }
  standard: { models: ["*"], limits: [{ id: std, count: requests, rate: 100/minute, per: key }] }
prices:
  small-x*: { input: 2.5, output: 10 }
signals:
  elicitation: { level: enforce, cap: 25 }
  sampling: { level: enforce, cap: 40 }
  linkage: { level: watch, cap: 40 }
  ramp: { level: off }
  exemptions:
    - { id: e, caller: nightly, signals: [elicitation], until: 2027-01-01, why: T-1 }
ladder:
  - { id: open, at: 0, do: allow }
  - { id: slowed, at: 20, do: throttle, share: 0.1 }
  - { id: blurred, at: 30, do: perturb, with: [logprobs] }
  - { id: closed, at: 60, do: refuse }
"""
BEFORE, AFTER = 1_790_000_000_000_000, 1_800_000_000_000_000  # either side of 2027-01-01


def results(tests, *, base=BASE, now_us=BEFORE):
    return run_tests(read_text(f"{base}tests:\n{tests}".encode(), "f"), now_us=now_us)


def one(given, expect, **options):
    (result,) = results(f"  - {{ name: t, given: {given}, expect: {expect} }}\n", **options)
    return result


@pytest.mark.parametrize(
    ("given", "expect"),
    [
        ("{}", "{ rule: rest, tier: free, action: allow, rung: open, reason: open, shadowed: [] }"),
        ("{ tag: [x, paid] }", "{ rule: paying, tier: standard }"),
        ("{ source: client }", "{ action: refuse, reason: caller.unmatched, tier: '' }"),
        ("{ model: big-1 }", "{ action: refuse, reason: model.denied }"),
        ("{ logprobs: 0 }", "{ action: refuse, reason: feature.logprobs }"),
        ("{ choices: 5 }", "{ action: allow }"),
        ("{ route: POST /files }", "{ action: refuse, reason: route.denied }"),
        ("{ used: { rpm: 19 } }", "{ action: allow }"),
        ("{ used: { rpm: 20 } }", "{ action: refuse, reason: limit.rpm, unchanged: [rpm, tpm, watched, atonce, drip] }"),
        ("{ used: { life: 5000 }, max_output: 1 }", "{ action: refuse, reason: limit.life, unchanged: [rpm, tpm, usd, daily] }"),
        ("{ used: { life: 4999 }, max_output: 1 }", "{ action: allow }"),
        ("{ used: { usd: 1 } }", "{ action: refuse, reason: limit.usd }"),
        ("{ max_output: 900 }", "{ action: allow }"),
        ("{ max_output: 900, choices: 9, limits: { tpm: 1800 } }", "{ action: refuse, reason: limit.tpm }"),
        ("{ max_output: 900, choices: 9, limits: { tpm: 1801 } }", "{ action: allow }"),
        ("{ used: { daily: 28 } }", "{ action: allow }"),
        ("{ used: { daily: 28 }, model: small-x3 }", "{ action: refuse, reason: limit.daily }"),
        ("{ used: { rpm: 20 }, limits: { rpm: 21 } }", "{ action: allow }"),
        ("{ limits: { rpm: 0 } }", "{ action: refuse, reason: limit.rpm }"),
        ("{ model: small-unpriced }", "{ action: refuse, reason: model.unpriced }"),
        ("{ used: { atonce: 2 } }", "{ action: refuse, reason: limit.atonce, unchanged: [rpm, tpm] }"),
        ("{ used: { atonce: 9000000000000000 } }", "{ action: refuse, reason: limit.atonce }"),
        ("{ used: { drip: 3 } }", "{ action: refuse, reason: limit.drip }"),
        ("{ used: { drip: 2 } }", "{ action: allow }"),
        ("{ used: { watched: 5 } }", "{ action: allow, shadowed: [limit.watched] }"),
        ("{ input_tokens: 900, max_output: 200 }", "{ action: refuse, reason: limit.tpm }"),
        ("{ input_tokens: 900, max_output: 100 }", "{ action: allow }"),
        ("{ evidence: { elicitation: 25 } }", "{ rung: slowed, action: throttle, observed: 25 }"),
        ("{ evidence: { elicitation: 30 } }", "{ rung: slowed, observed: 25 }"),
        ("{ evidence: { elicitation: 6, sampling: 25 } }", "{ rung: blurred, action: perturb, with: [logprobs], intended: perturb }"),
        ("{ evidence: { elicitation: 25, sampling: 40 } }", "{ rung: closed, action: refuse, reason: caller.blocked }"),
        ("{ evidence: { linkage: 40 } }", "{ rung: open, observed: 40 }"),
        ("{ evidence: { ramp: 40 } }", "{ rung: open, observed: 0 }"),
        ("{ evidence: { elicitation: 25 }, used: { rpm: 2 } }", "{ action: refuse, reason: limit.rpm }"),
    ],
)
def test_what_a_test_can_say(given, expect):
    result = one(given, expect)
    assert result.failures == ()
    assert result.passed


@pytest.mark.parametrize(
    ("given", "expect", "says"),
    [
        ("{}", "{ tier: standard }", "tier: expected standard, came free"),
        ("{}", "{ rung: slowed }", "rung: expected slowed, came open"),
        ("{}", "{ action: refuse }", "action: expected refuse, came allow"),
        ("{}", "{ reason: limit.rpm }", "reason: expected limit.rpm, came open"),
        ("{}", "{ with: [logprobs] }", "with: expected [logprobs], came []"),
        ("{}", "{ observed: 3 }", "observed: expected 3.0, came 0.0"),
        ("{}", "{ unchanged: [rpm, atonce] }", "unchanged: atonce, rpm was charged"),
        ("{}", "{ shadowed: [limit.rpm] }", "shadowed: expected [limit.rpm], came []"),
        ("{ source: client }", "{ rung: open }", "rung: expected open, came nothing"),
        ("{ tag: paid, used: { rpm: 20 } }", "{}", "used: rpm does not apply here: tier 'standard' by rule 'paying'"),
        ("{}", "{ honest: { flagged: 0.1 } }", "honest: only a replay knows that"),
    ],
)
def test_what_does_not_hold_is_said(given, expect, says):
    result = one(given, expect)
    assert result.failures == (says,)
    assert not result.passed


def test_an_exemption_holds_until_its_day():
    given = "{ account: night, evidence: { elicitation: 25 } }"
    assert one(given, "{ rung: open, observed: 25 }").passed
    assert one(given, "{ rung: slowed }", now_us=AFTER).passed


def test_a_replay_is_reported_as_not_run():
    (result,) = results("  - { name: t, replay: a.jsonl, expect: {} }\n")
    assert not result.passed
    assert "gateway replay" in result.not_run


def test_tests_share_no_quota():
    found = results("".join(f"  - {{ name: t{number}, given: {{}}, expect: {{ action: allow }} }}\n" for number in range(25)))
    assert all(result.passed for result in found)
    assert [result.line for result in found] == list(range(found[0].line, found[0].line + 25))


def test_in_shadow_everything_is_written_down_and_nothing_done():
    base = BASE.replace("version:", "mode: shadow\nversion:", 1)
    given, shadowed = "{ used: { rpm: 20 }, evidence: { elicitation: 25 } }", "[rung.slowed, limit.rpm]"
    assert one(given, f"{{ action: allow, intended: throttle, shadowed: {shadowed} }}", base=base).failures == ()


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_policies_hold_their_own_tests(name):
    assert [result for result in run_tests(read(find(name)), now_us=BEFORE) if not result.passed] == []


def test_the_example_of_the_plan_holds_its_tests(shared):
    text = Path(shared / "examples" / "policy.yaml").read_text()
    left_out = ("/lifetime", "money", "baseline:")
    kept = "\n".join(line for line in text.splitlines() if not any(word in line for word in left_out))
    found = run_tests(read_text(kept.encode(), "policy.yaml"), now_us=BEFORE)
    assert [result.passed for result in found] == [True] * 5 + [False] * 2
    assert all(result.not_run for result in found[5:])
