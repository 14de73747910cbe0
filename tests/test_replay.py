"""Recorded traffic through the live engine: when a caller reaches a rung, what does not count as one, and that live decides alike."""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest

from gateway import Gateway, app
from gateway import replay as module
from gateway.model.decision import Action
from gateway.model.evidence import Verdict
from gateway.model.request import Usage
from gateway.policy.load import load
from gateway.replay import Reached, merged, replay
from tests.support.asgi_call import call
from tests.test_policyreplay import RPM, SECOND, START, policy, record

LADDER = """\
ladder:
  - { id: open, at: 0, do: allow }
  - { id: watched, at: 10, do: watch }
  - { id: blurred, at: 29, do: perturb, with: [logprobs] }
  - { id: closed, at: 60, do: refuse%s }
"""
TWO = frozenset({"wording", "structure"})


def scored(scores, kinds=TWO, campaign=None):
    """Weighs by a table: the score of a caller after its n-th request, and that of others in the same breath."""
    seen = Counter()

    def weigh(record, judged, history):
        seen[record.key] += 1
        for key, score in scores.get((record.key, seen[record.key]), {}).items():
            history.put(key, Verdict(score, kinds, campaign=campaign, high=score))

    return weigh


async def run(weigh, *records, rest=LADDER % "", limits=()):
    return await replay(policy(*limits, rest=rest), records, weigh)


async def test_a_rung_is_reached_after_the_request_that_tipped_it():
    found = await run(scored({("k-1", 2): {"k-1": 12.0}, ("k-1", 3): {"k-1": 31.0}, ("k-1", 4): {"k-1": 11.0}}), *map(record, range(4)))
    caller = found.callers["k-1"]
    assert caller.first == {
        Action.WATCH: Reached(2, START + SECOND),
        Action.PERTURB: Reached(3, START + 2 * SECOND),
    }
    assert (caller.flagged_at, caller.watched) == (Reached(3, START + 2 * SECOND), True)
    action, verdict = found.final("k-1")
    assert (action, verdict.score) == (Action.WATCH, 11.0)


async def test_whoever_climbs_two_rungs_at_once_has_reached_both():
    found = await run(scored({("k-1", 1): {"k-1": 40.0}}), record(0), record(1))
    assert set(found.callers["k-1"].first) == {Action.WATCH, Action.PERTURB}


async def test_a_key_that_has_gone_is_flagged_with_its_campaign():
    weigh = scored({("k-2", 1): {"k-1": 35.0, "k-2": 35.0}}, campaign="c-1")
    found = await run(weigh, record(0), record(1), record(9, "k-2"))
    assert found.callers["k-1"].flagged_at == Reached(2, START + 9 * SECOND)
    assert found.callers["k-2"].flagged_at == Reached(1, START + 9 * SECOND)


async def test_one_kind_of_evidence_flags_nobody():
    found = await run(scored({("k-1", 1): {"k-1": 99.0}}, kinds=frozenset({"wording"})), record(0), record(1))
    assert set(found.callers["k-1"].first) == {Action.WATCH}


async def test_a_rung_in_shadow_stays_in_shadow_and_a_mode_does_not():
    weigh = {("k-1", 1): {"k-1": 99.0}}
    found = await run(scored(weigh), record(0), record(1), rest="mode: shadow\n" + LADDER % ", shadow: true")
    assert set(found.callers["k-1"].first) == {Action.WATCH, Action.PERTURB}
    assert found.callers["k-1"].refused_by_ladder == 0
    found = await run(scored(weigh), record(0), record(1), rest="mode: shadow\n" + LADDER % "")
    assert (found.final("k-1")[0], found.callers["k-1"].refused_by_ladder) == (Action.REFUSE, 1)


async def test_refusals_are_counted_and_weighed_and_are_no_rung():
    weighed = []
    records = [record(0), record(1), record(2, model="large")]
    found = await run(lambda one, judged, history: weighed.append(judged.refused), *records, limits=[RPM % 1])
    caller = found.callers["k-1"]
    assert (caller.requests, caller.refused_by_limit, caller.refused_by_policy, caller.first) == (3, 1, 1, {})
    assert weighed == ["", "limit", "policy"]


async def test_callers_beyond_the_bound_are_counted_together(monkeypatch):
    monkeypatch.setattr(module, "MAX_CALLERS", 2)
    found = await run(scored({}), *(record(n, f"k-{n}") for n in range(5)))
    assert (len(found.callers), found.records, found.beyond) == (2, 5, 3)


def test_traces_are_merged_by_time_and_each_keeps_its_own_order():
    first = [record(0, "a"), record(5, "b"), record(4, "c")]
    second = [record(0, "d"), record(4.5, "e")]
    assert [one.key for one in merged([first, second])] == ["a", "d", "e", "b", "c"]


# ── Live and replayed ───────────────────────────────────────────────────────────────────────────

LIVE = """\
schema: gateway.policy/v1
name: live
version: "1"
credentials: client
callers: [{ id: all, match: {}, tier: free }]
tiers:
  free:
    models: [small-*]
    features: { choices: 2, logit_bias: deny, deny: [choices] }
    limits:
      - { id: rpm, count: requests, rate: 2/minute, per: key }
      - { id: hour, count: requests, rate: 40/hour, per: key, window: bucket, burst: 6 }
      - { id: tpm, count: tokens, rate: 400/minute, per: account }
"""
USAGE = {"prompt_tokens": 9, "completion_tokens": 31, "total_tokens": 40}
SPENT = Usage(9, 31, source="upstream")
ANSWER = {
    "id": "x", "object": "chat.completion", "created": 1, "model": "m", "usage": USAGE,
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}],
}  # fmt: skip


class Hand:
    """A clock that stands where it is set."""

    now_us = START

    def now(self):
        return self.now_us


async def model(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    body = json.dumps(ANSWER).encode()
    fields = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": body})


def traffic(seed, count=120):
    """Records of three callers in bursts and lulls: some over a limit, some for a model or a parameter that they may not use."""
    dice, at, records = random.Random(seed), 0.0, []
    for _ in range(count):
        at += dice.choice([0.1, 1.0, 5.0, 20.0, 90.0])
        request = {
            "model": dice.choice(["small-1", "small-2", "small-1", "large"]),
            "messages": [{"role": "user", "content": "hello " * dice.choice([1, 10, 60])}],
            **dice.choice([{}, {}, {}, {"n": 3}, {"n": 2}, {"logit_bias": {"5": 3}}, {"max_tokens": 50}]),
        }
        body = json.dumps(request).encode()
        records.append(record(at, dice.choice(["k-1", "k-2", "k-3"]), body=body, account=None, duration_s=0, usage=SPENT))
    return records


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_live_gateway_decides_the_same_sequence_alike(seed, tmp_path, monkeypatch):
    clock = Hand()
    monkeypatch.setattr(app, "_WallClock", lambda: clock)
    file = tmp_path / "live.yaml"
    file.write_text(LIVE)
    records = traffic(seed)
    gateway, live = Gateway(model, policy=file, state="memory", data=tmp_path / "data"), []
    try:
        for one in records:
            clock.now_us = one.at_us
            headers = {"authorization": f"Bearer {one.key}", "content-type": "application/json"}
            said = await call(gateway, body=one.body, headers=headers)
            live.append(said.status)
    finally:
        await gateway.aclose()
    replayed = []
    await replay(load(file), records, lambda one, judged, history: replayed.append(status_of(judged)))
    assert replayed == live
    assert len(set(live)) >= 4


def status_of(judged):
    return judged.refusal.status if judged.refusal else 200
