"""Who meets a challenge, how much work it asks, and that a solution is spent once. The whole way: `tests/e2e/test_challenge.py`."""

from __future__ import annotations

import dataclasses

import pytest

from gateway.challenge.grace import granted
from gateway.challenge.puzzle import LEAST_WORK
from gateway.client import solve
from gateway.core.challenging import HASHES_PER_SECOND, bound, challenge, why_not_held
from gateway.core.trail import Trail
from gateway.dialects.openai_chat import OpenAIChat
from gateway.model.caller import Caller
from gateway.model.decision import Action, Decision, Refusal
from gateway.model.evidence import Verdict
from gateway.model.limit import Claim, LimitState
from gateway.model.policy import ChallengeRules, Policy, Rung, StepDown
from gateway.model.request import Arrival, RequestFacts
from gateway.model.value import replace
from gateway.perturb.base import derived

SEED = b"s" * 32
BODY = b'{"model":"m"}'
EASY = ChallengeRules(seconds=LEAST_WORK / HASHES_PER_SECOND, most=4)


def trail(rules=EASY, *, action=Action.CHALLENGE, score=40.0, mode="enforce", **arrival):
    policy = Policy(
        name="p",
        version="1",
        digest="0" * 64,
        mode=mode,
        callers=(),
        tiers={},
        ladder=(Rung("open", 0.0, Action.ALLOW), Rung("proven", 40.0, Action.CHALLENGE)),
        step_down=StepDown(),
        challenge=rules,
    )
    asked = {
        "id": "d1",
        "at_us": 1_000_000_000,
        "method": "POST",
        "path": "/v1/chat/completions",
        "peer": "::1",
        "key_id": "k",
        **arrival,
    }
    rung = "proven" if action is Action.CHALLENGE else "open"
    made = Trail(
        Arrival(**asked, source="issued"),
        policy,
        OpenAIChat(),
        "POST /chat/completions",
        caller=Caller("k", "acme"),
        verdict=Verdict(score, frozenset({"wording", "structure"}), high=score),
        decision=Decision("forward", action, action, rung, rung, policy.label),
        seed=SEED,
    )
    return bound(made, BODY)


def work(refusal):
    return int(refusal.puzzle.split(".")[2])


def test_on_its_rung_a_caller_gets_a_puzzle_and_a_solution_is_a_claim_of_one():
    asked = challenge(trail())
    assert isinstance(asked, Refusal)
    assert (asked.status, asked.code, asked.final) == (403, "challenge_required", True)
    spent = challenge(trail(id="d2", solution=solve(asked.puzzle)))
    assert isinstance(spent, Claim)
    assert (spent.amount, spent.want, spent.slot, spent.limit.untold) == (1, 1, "acme", True)


def test_the_same_solution_is_the_same_counter_whatever_request_brings_it():
    solution = solve(challenge(trail()).puzzle)
    assert challenge(trail(id="d2", solution=solution)).key == challenge(trail(id="d3", solution=solution)).key


def test_a_used_solution_is_answered_by_another_puzzle():
    first = challenge(trail())
    brought = trail(id="d2", solution=solve(first.puzzle))
    used = LimitState(challenge(brought), fitted=False, used=1, remaining=0, reset_us=1, retry_us=1)
    again = why_not_held(brought, (used,), RequestFacts("openai.chat", "chat"))
    assert again.puzzle != first.puzzle


def test_a_solution_for_another_body_is_none():
    solution = solve(challenge(trail()).puzzle)
    other = trail(solution=solution)
    assert isinstance(challenge(bound(other, b"{}")), Refusal)


@pytest.mark.parametrize(("score", "times"), [(40.0, 1), (44.9, 1), (45.0, 2), (51.0, 4), (200.0, 4)])
def test_the_more_evidence_the_more_work_up_to_the_bound(score, times):
    assert work(challenge(trail(score=score))) == times * LEAST_WORK


def test_below_the_rung_nobody_is_asked_but_for_a_share_of_all():
    assert challenge(trail(action=Action.ALLOW, score=0.0)) is None
    unbound = replace(trail(replace_share(0.05), action=Action.ALLOW), challenged=b"")
    met = [number for number in range(2_000) if bound(unbound, b"%d" % number).challenged]
    assert 60 < len(met) < 140  # 100 expected, deviation 10


def test_what_is_asked_of_a_share_of_all_looks_like_what_is_asked_on_the_rung():
    asked = set()
    for number in range(200):
        made = trail(replace_share(1.0), action=Action.ALLOW, score=0.0)
        refusal = challenge(bound(made, b"%d" % number))
        asked.add((work(refusal) // LEAST_WORK, refusal.code, refusal.status))
    assert asked == {(times, "challenge_required", 403) for times in (1, 2, 4)}


def replace_share(share):
    return ChallengeRules(EASY.kind, EASY.seconds, EASY.most, EASY.valid_us, share)


def test_the_same_request_meets_one_again_so_that_asking_twice_changes_nothing():
    rules = replace_share(0.5)
    first, second = (replace(trail(rules, action=Action.ALLOW, id=id_), challenged=b"") for id_ in ("d1", "d2"))
    met = [bool(bound(first, b"%d" % number).challenged) for number in range(50)]
    assert met == [bool(bound(second, b"%d" % number).challenged) for number in range(50)]
    assert len(set(met)) == 2


def test_in_shadow_and_off_nobody_is_asked():
    assert challenge(trail(mode="shadow")) is None
    assert challenge(trail(mode="off")) is None


def test_a_verified_caller_passes_until_its_grace_ends():
    token = granted(derived(SEED, "challenge"), "k", 2_000)
    assert challenge(trail(grace=token)) is None
    assert isinstance(challenge(trail(grace=token, at_us=2_000_000_000)), Refusal)


def test_verification_names_the_operators_link_and_no_puzzle():
    asked = challenge(trail(ChallengeRules("verify", link="https://example.com/verify")))
    assert (asked.code, asked.puzzle) == ("verification_required", "")
    assert "https://example.com/verify" in asked.message


def test_nothing_that_is_told_says_why():
    for score in (40.0, 60.0):
        assert not any(
            word in challenge(trail(score=score)).message.lower() for word in ("suspect", "score", "distil", "copy", "abuse")
        )


def test_a_policys_own_limit_of_that_name_is_a_limit():
    claim = challenge(trail(solution=solve(challenge(trail()).puzzle)))
    own = replace(claim, limit=dataclasses.replace(claim.limit, hidden=False))
    state = LimitState(own, fitted=False, used=1, remaining=0, reset_us=1, retry_us=1)
    assert why_not_held(trail(), (state,), RequestFacts("openai.chat", "chat")).kind == "limit_requests"


def test_where_the_time_is_edited_old_puzzles_are_nobodys():
    solution = solve(challenge(trail()).puzzle)
    longer = dataclasses.replace(EASY, valid_us=2 * EASY.valid_us)
    assert isinstance(challenge(trail(longer, solution=solution)), Refusal)
