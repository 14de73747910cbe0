"""Runs the tests that a policy file carries: each is one request, judged by the engine's own core on a store of its own.

    given   who asks for what, what is known of him and what he has used
    expect  the rung, the action, the reason, what else is written

Recorded traces (`replay:`) are not judged here; they are reported as not run.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass

from gateway.core.claims import claims_for, refusal_for
from gateway.core.decide import caps_in_force, decide
from gateway.model.caller import Caller
from gateway.model.decision import Decision
from gateway.model.evidence import Kind, Verdict
from gateway.model.limit import MAX_AMOUNT, Claim, Count, Hold, LimitState
from gateway.model.policy import Policy, Tier
from gateway.model.request import Estimate, RequestFacts
from gateway.model.value import replace
from gateway.policy.load import Loaded
from gateway.policy.match import Matched, match_caller
from gateway.policy.schema_examples import ExampleBlock, ExpectBlock, GivenBlock
from gateway.stores.memory_holds import MemoryHolds

__all__ = ["Judged", "Result", "caller_of", "judge", "run_tests", "sample_model"]

_NOBODY = hashlib.sha256(b"a key that no rule names").hexdigest()[:32]
_MOST_SLOTS = 100_000


@dataclass(frozen=True, slots=True)
class Result:
    """One test: `passed`, `failures` (what was expected and what came), or `not_run` with the reason."""

    name: str
    line: int
    failures: tuple[str, ...] = ()
    not_run: str = ""

    @property
    def passed(self) -> bool:
        return not self.failures and not self.not_run


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a test's request."""

    rule: str
    tier: str
    action: str
    reason: str
    observed: float = 0.0
    decision: Decision | None = None
    shadowed: tuple[str, ...] = ()
    changed: frozenset[str] = frozenset()
    """Limits of which something was used by this request."""
    claimed: frozenset[str] = frozenset()
    """Limits that apply to it."""


def run_tests(loaded: Loaded, *, now_us: int) -> list[Result]:
    """All tests of a policy file, in its order. `now_us` says which exemptions still hold, Unix microseconds."""
    return asyncio.run(_run_all(loaded, now_us))


async def _run_all(loaded: Loaded, now_us: int) -> list[Result]:
    results = []
    for index, example in enumerate(loaded.document.tests):
        line = loaded.tree.places[("tests", index)][0]
        results.append(await _run(loaded.policy, example, line, now_us))
    return results


async def _run(policy: Policy, example: ExampleBlock, line: int, now_us: int) -> Result:
    if example.given is None:
        return Result(example.name, line, not_run="needs `gateway replay`, which this version does not have")
    judged = await judge(policy, example.given, now_us)
    absent = sorted(set(example.given.used) - judged.claimed)
    if absent:
        return Result(
            example.name, line, (f"used: {', '.join(absent)} does not apply here: tier {judged.tier!r} by rule {judged.rule!r}",)
        )
    return Result(example.name, line, tuple(_failures(example.expect, judged)))


def _failures(expect: ExpectBlock, judged: Judged) -> list[str]:
    decision = judged.decision
    came: dict[str, object] = {
        "rule": judged.rule,
        "tier": judged.tier,
        "action": judged.action,
        "reason": judged.reason,
        "observed": judged.observed,
        "rung": decision.rung if decision else None,
        "intended": decision.intended.word if decision else None,
        "with": list(decision.perturbations) if decision else [],
        "shadowed": list(judged.shadowed),
    }
    failures = []
    for name, value in came.items():
        wanted = getattr(expect, "with_" if name == "with" else name)
        if wanted is not None and wanted != value:
            failures.append(f"{name}: expected {_told(wanted)}, came {_told(value)}")
    changed = judged.changed.intersection(expect.unchanged or ())
    if changed:
        failures.append(f"unchanged: {', '.join(sorted(changed))} was charged")
    for name in ("hostile", "honest"):
        if getattr(expect, name) is not None:
            failures.append(f"{name}: only a replay knows that")
    return failures


def _told(value: object) -> str:
    return (
        "[" + ", ".join(str(entry) for entry in value) + "]" if isinstance(value, list) else "nothing" if value is None else str(value)
    )


# ── One request ─────────────────────────────────────────────────────────────────────────────────


def caller_of(given: GivenBlock) -> Caller:
    """The caller that a test describes."""
    key_id = given.key.removeprefix("fp:").ljust(32, "0") if given.key else _NOBODY
    return Caller(
        key_id=key_id,
        account=given.account or key_id,
        tier=given.tier,
        tags=frozenset(given.tag),
        peer=given.peer,
        attributes=dict(given.attributes),
        source=given.source,
        limits=dict(given.limits),
    )


async def judge(policy: Policy, given: GivenBlock, now_us: int) -> Judged:
    """Judge one request as the gateway would: match, weigh, decide, take."""
    caller = caller_of(given)
    matched = match_caller(policy, caller)
    if matched is None:
        return Judged("", "", "refuse", "caller.unmatched")
    facts = _facts(policy, given, matched.tier)
    verdict, observed = _weighed(policy, matched, given, now_us)
    judgement = decide(policy, matched.rule, matched.tier, caller, facts, verdict, route=given.route or "POST /chat/completions")
    decision = judgement.decision
    judged = Judged(matched.rule, matched.tier.id, decision.action.word, decision.reason, observed, decision, decision.shadowed)
    claims = claims_for(policy, matched.tier, caller, facts, decision, verdict, at_us=_STILL_US)
    judged = replace(judged, claimed=frozenset(claim.limit.id for claim in claims))
    if judgement.refusal is not None:
        return replace(judged, action="refuse")
    return await _taken(judged, claims, facts, given.used)


def _facts(policy: Policy, given: GivenBlock, tier: Tier) -> RequestFacts:
    """The request's facts; what is expected of it is expected of the form that the tier's caps leave."""
    caps = caps_in_force(policy, tier)
    bound = min(given.max_output or 0, caps.max_output or MAX_AMOUNT) * min(given.choices, caps.choices or given.choices)
    estimate = Estimate(given.input_tokens, bound, given.max_output is not None)
    if given.route:
        return RequestFacts("opaque", "opaque", model=given.model or "", estimate=estimate)
    return RequestFacts(
        "openai",
        "openai.chat",
        model=sample_model(tier) if given.model is None else given.model,
        choices=given.choices,
        logprobs=given.logprobs,
        logit_bias=(min(given.logit_bias), max(given.logit_bias)) if given.logit_bias else None,
        max_output=given.max_output,
        estimate=estimate,
    )


def sample_model(tier: Tier) -> str:
    """A model's name that the tier allows, "model" where it allows none."""
    return tier.models[0].replace("*", "x").replace("?", "x") if tier.models else "model"


def _weighed(policy: Policy, matched: Matched, given: GivenBlock, now_us: int) -> tuple[Verdict, float]:
    """The verdict on the evidence given, and the sum that is observed: watched signals count there and nowhere else."""
    exempt: set[str] = set()
    for exemption in policy.exemptions:
        if exemption.caller == matched.rule and now_us < exemption.until_us:
            exempt |= exemption.signals
    score, observed, kinds = 0.0, 0.0, set[Kind]()
    for name, weight in given.evidence.items():
        rule = policy.signals.get(name)
        if rule is None or rule.level == "off":
            continue
        part = min(float(weight), rule.cap)
        observed += part
        if rule.level == "enforce" and name not in exempt and part > 0:
            score += part
            kinds.add(rule.kind)
    return Verdict(score, frozenset(kinds), high=score), observed


_STILL_US = 1_000_000_000_000_000


class _StoodStill:
    """A clock that stands: a test's windows never slide."""

    def now(self) -> int:
        """See `ports.Clock`."""
        return _STILL_US


async def _taken(judged: Judged, claims: tuple[Claim, ...], facts: RequestFacts, used: dict[str, int]) -> Judged:
    """Take the claims, on a store in which `used` is used already."""
    store = MemoryHolds(_StoodStill())
    try:
        for claim in claims:
            unit = 1_000_000 if claim.limit.count is Count.MONEY else 1
            await _use(store, claim, unit * used.get(claim.limit.id, 0))
        before = await store.look(claims)
        taken = await store.take(Hold("judged", claims, 0))
        after = await store.look(claims)
    finally:
        await store.aclose()
    judged = replace(judged, changed=frozenset(_id(then) for then, now in zip(before, after, strict=True) if then.used != now.used))
    if not taken.held:
        return replace(judged, action="refuse", reason=refusal_for(taken.states, facts).reason)
    over = tuple(f"limit.{_id(state)}" for state in taken.states if not state.fitted and state.claim.limit.shadow)
    return replace(judged, shadowed=judged.shadowed + over)


async def _use(store: MemoryHolds, claim: Claim, amount: int) -> None:
    """Charge a limit beforehand. In shadow a claim is always charged, whatever the limit says."""
    forced = replace(claim, limit=replace(claim.limit, shadow=True))
    if claim.limit.count is Count.CONCURRENT:
        for number in range(min(amount, claim.amount, _MOST_SLOTS)):
            await store.take(Hold(f"used-{claim.limit.id}-{number}", (replace(forced, want=1),), 0))
    elif amount:
        await store.take(Hold(f"used-{claim.limit.id}", (replace(forced, want=amount),), 0))


def _id(state: LimitState) -> str:
    return state.claim.limit.id
