"""Who has to show work before a request goes on, how much, and what a solution is worth.

A challenge is put to callers on a rung that says so, and to a small share of everybody: so that meeting one proves nothing. How much
work is asked grows with the evidence above the rung; among everybody it is drawn as unevenly, so that the amount proves nothing either.
A solution is spent by a claim in the very hold that takes the request's quota: once, whatever process it comes to, and in the same
round trip.
"""

from __future__ import annotations

import hashlib

from gateway.challenge.grace import holds
from gateway.challenge.puzzle import checked, posed, shown
from gateway.core.claims import refusal_for
from gateway.core.trail import Trail
from gateway.model.decision import Action, Refusal
from gateway.model.limit import WEIGHT_ONE, Claim, Count, Limit, LimitState
from gateway.model.policy import ChallengeRules
from gateway.model.request import RequestFacts
from gateway.model.value import replace
from gateway.perturb.base import derived, unit

__all__ = ["HASHES_PER_SECOND", "bound", "challenge", "why_not_held"]

HASHES_PER_SECOND = 2_000_000
"""What an ordinary machine does in one thread of the client that comes with the gateway. Special hardware does far more."""

_STEP = 5.0
"""Decibans above the rung for which the work doubles."""

_ID = "challenge"
_FIRST = ChallengeRules()


def bound(trail: Trail, plain: bytes) -> Trail:
    """The trail with what a challenge to this request is bound to: its method, its path and its body as the client sent it. Itself
    where none is put. The body is hashed, once, only where a rung asks or the policy has a share of all meet one."""
    decision, policy = trail.decision, trail.policy
    if decision is None or policy.mode != "enforce":
        return trail
    share = 1.0 if decision.action is Action.CHALLENGE else policy.challenge.share if policy.challenge else 0.0
    if share <= 0.0:
        return trail
    digest = hashlib.sha256(b"\0".join((trail.route.encode(), plain))).digest()
    met = share >= 1.0 or _draw(trail, "met", digest) < share
    return replace(trail, challenged=digest) if met else trail


def challenge(trail: Trail) -> Refusal | Claim | None:
    """None where nothing is asked; else the claim that spends the solution that came with the request, or the refusal with a puzzle."""
    if not trail.challenged:
        return None
    arrival, rules = trail.arrival, _rules(trail)
    caller = trail.caller
    assert caller is not None  # Assess comes first
    now_s = arrival.at_us // 1_000_000
    if arrival.grace and holds(derived(trail.seed, _ID), caller.key_id, arrival.grace, now_s):
        return None
    if rules.kind == "verify":
        message = f"This key has to be verified before it may go on: {rules.link}"
        return Refusal("challenge", 403, message, "challenge.verify", code="verification_required", final=True)
    if arrival.solution:
        seen = checked(_secret(trail, rules), caller.key_id, trail.challenged, arrival.solution, now_s)
        if not seen.fault:
            return _spent_by(seen.nonce, caller.account, rules)
    return _asked(trail, rules)


def why_not_held(trail: Trail, states: tuple[LimitState, ...], facts: RequestFacts) -> Refusal:
    """Why a hold was not taken: a limit; or the solution had been used, which is answered by another puzzle."""
    used = any(state.claim.limit.hidden and not state.fitted for state in states)
    return _asked(trail, _rules(trail)) if used else refusal_for(states, facts)


def _rules(trail: Trail) -> ChallengeRules:
    return trail.policy.challenge or _FIRST


def _secret(trail: Trail, rules: ChallengeRules) -> bytes:
    """What puzzles are made with. Where `valid` is edited the counters of spent solutions begin anew, and so do puzzles."""
    return derived(trail.seed, _ID, rules.valid_us)


def _draw(trail: Trail, what: str, digest: bytes) -> float:
    """The same for the same request of the same caller, so that to ask again changes nothing."""
    caller = trail.caller
    return unit(derived(trail.seed, _ID), what, caller.key_id if caller else "", digest)


def _asked(trail: Trail, rules: ChallengeRules) -> Refusal:
    assert trail.caller is not None  # as above
    secret = _secret(trail, rules)
    seconds = rules.seconds * _times(trail, rules)
    puzzle = posed(
        secret,
        trail.caller.key_id,
        trail.challenged,
        nonce=hashlib.blake2b(trail.arrival.id.encode(), digest_size=16, key=secret).digest(),
        until_s=(trail.arrival.at_us + rules.valid_us) // 1_000_000,
        work=round(seconds * HASHES_PER_SECOND),
    )
    message = shown(puzzle, seconds)
    return Refusal("challenge", 403, message, "challenge.asked", code="challenge_required", final=True, puzzle=puzzle.text)


def _times(trail: Trail, rules: ChallengeRules) -> int:
    """By how much the work is multiplied, a power of two: doubled for each five decibans above the rung; drawn, each half as often as
    the one before, where the rung does not ask."""
    decision, most = trail.decision, rules.most
    assert decision is not None
    if decision.action is Action.CHALLENGE:
        at = next((rung.at for rung in trail.policy.ladder if rung.id == decision.rung), 0.0)
        above = max(trail.verdict.score, trail.verdict.high - trail.policy.step_down.by) - at
        times = 2 ** min(20, max(0, int(above // _STEP)))
    else:
        drawn, times = _draw(trail, "times", trail.challenged), 1
        while drawn < 0.5 and times < most:
            drawn, times = drawn * 2, times * 2
    return int(min(most, times))


def _spent_by(nonce: str, account: str, rules: ChallengeRules) -> Claim:
    """One of one: whoever comes second finds nothing left. It lives with the caller's other counters, and as long as the puzzle."""
    limit = Limit(_ID, Count.REQUESTS, "sliding", 1, 2 * rules.valid_us, ("key",), hidden=True)
    return Claim(limit, f"{_ID}:{limit.span}:{nonce}", account, 1, 0, 1, (), WEIGHT_ONE)
