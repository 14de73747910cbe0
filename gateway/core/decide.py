"""Where a decision is formed, and nowhere else: what the tier allows, which rung of the ladder holds, and shadow last.

A signal gives evidence and `risk` sums it into a verdict; neither acts. This file turns policy, verdict and the facts of one
request into a `Decision`, and into a `Refusal` when the answer is no. Quota is judged later, by the store, on the claims that
`core/claims` builds from the same decision.
"""

from __future__ import annotations

from msgspec import Struct

from gateway.core.pricing import price_of
from gateway.model.caller import Caller
from gateway.model.decision import Action, Decision, Refusal
from gateway.model.evidence import Verdict
from gateway.model.limit import Count, Limit
from gateway.model.policy import FeatureCaps, Policy, Rung, Tier
from gateway.model.request import RequestFacts
from gateway.model.value import replace
from gateway.policy.match import allows_model, allows_route

__all__ = ["Judgement", "Ladder", "caps_in_force", "climb", "decide"]

NO_CAPS = FeatureCaps()
_BOTTOM = Rung("open", 0.0, Action.ALLOW)


class Judgement(Struct, frozen=True):
    """A decision and, where it is no, the refusal to answer with."""

    decision: Decision
    refusal: Refusal | None = None


class Ladder(Struct, frozen=True):
    """Where a verdict stands on the ladder: the rung that acts, the rung before shadow, what all evidence comes to."""

    acting: Rung
    intended: Rung
    observed: float


def climb(policy: Policy, verdict: Verdict) -> Ladder:
    """The highest rung at or below the score.

    1. The score is the larger of the standing one and the recent high less `step_down.by` (hysteresis).
    2. With fewer than `kinds_needed` kinds of evidence no rung from `perturb` on is reached.
    3. Whom a person has confirmed is on the mildest rung that alters answers at least, whatever the evidence.
    4. Shadow is applied last: a rung in shadow hands over to the highest below it that is not.
    """
    score = max(verdict.score, verdict.high - policy.step_down.by)
    enough = len(verdict.kinds) >= policy.kinds_needed
    if verdict.confirmed:
        score, enough = max(score, _flagging(policy)), True
    intended = acting = _BOTTOM
    for rung in policy.ladder:
        if rung.at > score or (rung.do >= Action.PERTURB and not enough):
            break
        intended = rung
        if not rung.shadow:
            acting = rung
    return Ladder(acting, intended, verdict.score if verdict.observed is None else verdict.observed)


def _flagging(policy: Policy) -> float:
    """Where answers begin to be altered; of a ladder that never does so, its highest rung."""
    flagging = [rung.at for rung in policy.ladder if rung.do >= Action.PERTURB]
    return min(flagging, default=policy.ladder[-1].at if policy.ladder else 0.0)


def caps_in_force(policy: Policy, tier: Tier) -> FeatureCaps:
    """A tier's feature caps where the policy acts; none in shadow or off."""
    return tier.features if policy.mode == "enforce" else NO_CAPS


def decide(policy: Policy, rule: str, tier: Tier, caller: Caller, facts: RequestFacts, verdict: Verdict, *, route: str) -> Judgement:
    """Judge one request of one caller. `route` is `METHOD /path` without /v1."""
    ladder = climb(policy, verdict)
    decision = Decision(
        outcome="forward",
        action=ladder.acting.do,
        intended=ladder.intended.do,
        rung=ladder.acting.id,
        reason=ladder.acting.id,
        policy=policy.label,
        rule=rule,
        tier=tier.id,
        share=ladder.acting.share,
        perturbations=ladder.acting.perturbations if not tier.always else (*tier.always, *ladder.acting.perturbations),
        shadowed=() if ladder.acting is ladder.intended else (f"rung.{ladder.intended.id}",),
        observed=ladder.observed,
    )
    if policy.mode == "off":
        return Judgement(replace(decision, action=Action.ALLOW, share=1.0, perturbations=()))
    refusal = _denied(policy, tier, caller, facts, route) or _unpriced(policy, tier, facts, verdict) or _closed(ladder.acting)
    if policy.mode == "shadow":
        return Judgement(_unacted(decision, refusal))
    if refusal is None:
        return Judgement(decision)
    return Judgement(replace(decision, outcome="refuse", reason=refusal.reason), refusal)


def _unacted(decision: Decision, refusal: Refusal | None) -> Decision:
    """The same decision in shadow: written down whole, acted on in nothing."""
    shadowed = decision.shadowed
    if decision.action is not Action.ALLOW:
        shadowed = (*shadowed, f"rung.{decision.rung}")
    if refusal is not None:
        shadowed = (*shadowed, refusal.reason)
    return replace(decision, action=Action.ALLOW, share=1.0, perturbations=(), shadowed=shadowed)


def _closed(rung: Rung) -> Refusal | None:
    if rung.do is not Action.REFUSE:
        return None
    return Refusal("caller_blocked", 403, "This key may not make this request.", "caller.blocked", code="request_forbidden", final=True)


def _denied(policy: Policy, tier: Tier, caller: Caller, facts: RequestFacts, route: str) -> Refusal | None:
    return (
        _model_denied(tier, facts)
        or _entry_denied(tier, caller, facts, route)
        or _route_denied(policy, tier, caller, facts, route)
        or _feature_denied(tier, facts)
    )


def _unpriced(policy: Policy, tier: Tier, facts: RequestFacts, verdict: Verdict) -> Refusal | None:
    """Where money is limited a model without a price is refused: it would be free, and the limit none."""
    if facts.operation == "opaque" or not any(_bounds_cost(limit, verdict) for limit in tier.limits):
        return None
    if price_of(policy.prices, facts.model) is not None:
        return None
    named = f"The model `{facts.model[:100]}`" if facts.model else "A request without a model"
    message = f"{named} has no price here, and this key is limited by cost."
    return Refusal("model_denied", 403, message, "model.unpriced", code="model_not_priced", param="model", final=True)


def _bounds_cost(limit: Limit, verdict: Verdict) -> bool:
    applies = "campaign" not in limit.per or verdict.campaign is not None
    return limit.count is Count.MONEY and applies and not limit.shadow


def _model_denied(tier: Tier, facts: RequestFacts) -> Refusal | None:
    if facts.operation == "opaque" or allows_model(tier, facts.model):
        return None
    if not tier.models:
        return Refusal("caller_blocked", 403, "This key may not use any model.", "model.denied", code="request_forbidden", final=True)
    return _no_model(f"The model `{facts.model[:100]}`" if facts.model else "A request without a model")


def _entry_denied(tier: Tier, caller: Caller, facts: RequestFacts, route: str) -> Refusal | None:
    """What is not in a tier's list of models is not found on its own either."""
    name = route.removeprefix("GET /models/")
    if facts.operation != "opaque" or name == route or caller.source == "client" or allows_model(tier, name):
        return None
    return _no_model(f"The model `{name[:100]}`")


def _no_model(named: str) -> Refusal:
    return Refusal(
        "model_denied",
        404,
        f"{named} does not exist or this key has no access to it.",
        "model.denied",
        code="model_not_found",
        param="model",
        final=True,
    )


def _route_denied(policy: Policy, tier: Tier, caller: Caller, facts: RequestFacts, route: str) -> Refusal | None:
    """What no dialect parses is free with the client's own credentials; with injected ones the tier lists it."""
    if facts.operation != "opaque" or caller.source == "client" or route in {"GET /models"}:
        return None
    method, _, path = route.partition(" ")
    if allows_route(tier, method, path) or (method == "GET" and path.startswith("/models/")):
        return None
    message = f"{route[:200]} is not among the routes that this key may use."
    return Refusal("route_denied", 403, message, "route.denied", code="request_forbidden", final=True)


def _feature_denied(tier: Tier, facts: RequestFacts) -> Refusal | None:
    caps = tier.features
    over = {
        "logprobs": caps.logprobs is not None and facts.logprobs > caps.logprobs,
        "choices": caps.choices is not None and facts.choices > caps.choices,
        "max_output": caps.max_output is not None and (facts.max_output or 0) > caps.max_output,
    }
    denied = [name for name in over if over[name] and name in caps.deny]
    if facts.logit_bias is not None and _bias_denied(caps, facts.logit_bias, facts.logprobs):
        denied.append("logit_bias")
    if not denied:
        return None
    param = denied[0]
    message = f"`{param}` is beyond what this key may use{_allowance(caps, param)}."
    return Refusal("feature_denied", 400, message, f"feature.{param}", code="unsupported_parameter", param=param, final=True)


def _bias_denied(caps: FeatureCaps, told: tuple[float, float], logprobs: int) -> bool:
    """Of a list of values only the smallest and the largest asked for are known: of what lies between, the dialect removes the rest.
    Beside probabilities none is allowed: with all tokens banned but twenty, the last layer is read off these twenty by twenty."""
    cap = caps.logit_bias
    if cap.mode != "values" or "logit_bias" not in caps.deny:
        return cap.mode == "deny"
    reads = logprobs >= 0 and (caps.logprobs is None or caps.logprobs >= 0)
    return reads or not set(told) <= set(cap.values)


def _allowance(caps: FeatureCaps, param: str) -> str:
    if param == "logit_bias" and caps.logit_bias.mode == "values":
        return f" (only values of {', '.join(f'{value:g}' for value in caps.logit_bias.values)}, without log probabilities)"
    amount = {"logprobs": caps.logprobs, "choices": caps.choices, "max_output": caps.max_output}.get(param)
    return "" if amount is None or amount < 0 else f" (at most {amount})"
