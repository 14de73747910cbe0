"""Says for one caller which rule, tier, limits and ladder apply, and why: each earlier rule with what kept it from matching."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.caller import Caller
from gateway.model.decision import Action
from gateway.model.limit import WEIGHT_ONE, Count, Limit
from gateway.model.policy import CallerRule, FeatureCaps, Policy, Rung, Tier, UpstreamRule
from gateway.policy.match import allows_model, choose_upstream, fits, match_caller, mismatch, tier_of

__all__ = ["Explanation", "LimitWords", "RuleWords", "RungWords", "explain", "limit_words", "period"]


@dataclass(frozen=True, slots=True)
class RuleWords:
    """One caller rule looked at, in the file's order: whether it matched, and why or why not."""

    id: str
    matched: bool
    why: str


@dataclass(frozen=True, slots=True)
class LimitWords:
    """One limit that applies: what it allows, who shares it, and what becomes of it when the state is lost."""

    id: str
    allows: str
    counted_for: str
    mode: str
    when_state_is_lost: str


@dataclass(frozen=True, slots=True)
class RungWords:
    """One rung of the ladder: from which score on, what is done."""

    id: str
    at: float
    does: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a policy does for one caller. `rule` and `tier` are "" where no rule matches: such a caller is refused (403)."""

    policy: str
    mode: str
    rules: tuple[RuleWords, ...]
    rule: str
    tier: str
    models: tuple[str, ...] = ()
    model: str = ""
    upstream: str = ""
    features: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    limits: tuple[LimitWords, ...] = ()
    ladder: tuple[RungWords, ...] = ()


def explain(policy: Policy, caller: Caller, model: str | None = None) -> Explanation:
    """What applies to a caller, and to one model of his where it is named. `key_id` and `account` "": any that no rule names."""
    matched = match_caller(policy, caller)
    rules = _rules(policy, caller, matched.rule if matched else "")
    if matched is None:
        return Explanation(policy.label, policy.mode, rules, "", "")
    tier = matched.tier
    return Explanation(
        policy=policy.label,
        mode=policy.mode,
        rules=rules,
        rule=matched.rule,
        tier=tier.id,
        models=tier.models,
        model="" if model is None else _model(tier, model),
        upstream=_upstream(policy, model),
        features=_features(tier.features) + _always(tier),
        routes=tier.routes,
        limits=tuple(_limit(policy, tier, limit, caller, model) for limit in tier.limits),
        ladder=tuple(RungWords(rung.id, rung.at, _rung(rung)) for rung in policy.ladder),
    )


def _rules(policy: Policy, caller: Caller, matched: str) -> tuple[RuleWords, ...]:
    words = []
    for rule in policy.callers:
        if rule.id == matched:
            words.append(RuleWords(rule.id, True, _why(rule, caller)))
            break
        words.append(RuleWords(rule.id, False, _why_not(policy, rule, caller)))
    return tuple(words)


def _why(rule: CallerRule, caller: Caller) -> str:
    match = rule.match
    if match.matches_everyone:
        return "it matches everyone"
    given = {"key": match.key and f"fp:{match.key}", "account": match.account, "tag": match.tag, "tier": match.tier}
    given |= {"source": match.source, "peer": str(match.peer) if match.peer else None}
    given |= {f"attributes.{name}": glob for name, glob in match.attributes}
    return "; ".join(f"{name} {_has(name, caller)} fits {glob}" for name, glob in given.items() if glob is not None)


def _why_not(policy: Policy, rule: CallerRule, caller: Caller) -> str:
    field = mismatch(rule.match, caller)
    if not field:
        assert tier_of(policy, rule, caller) is None  # else it would have matched
        return "it gives the caller's own tier, and " + (
            f"this policy has no tier {caller.tier!r}" if caller.tier else "the caller's key names none"
        )
    match = rule.match
    wanted = dict(match.attributes).get(field.partition(".")[2]) if field.startswith("attributes.") else getattr(match, field)
    return f"{field} {_has(field, caller)} does not fit {'fp:' if field == 'key' else ''}{wanted}"


def _has(field: str, caller: Caller) -> str:
    """What the caller has in a field, in words."""
    if field.startswith("attributes."):
        value: object = caller.attributes.get(field.partition(".")[2])
    elif field == "key":
        value = f"fp:{caller.key_id[:12]}" if caller.key_id else None
    elif field == "tag":
        value = ", ".join(sorted(caller.tags))
    else:
        value = getattr(caller, field)
    return repr(str(value)) if value else "(none)"


def _model(tier: Tier, model: str) -> str:
    if not allows_model(tier, model):
        return f"{model} is refused: " + (f"it fits none of {', '.join(tier.models)}" if tier.models else "the tier allows no model")
    return f"{model} is allowed by {next((glob for glob in tier.models if fits(glob, model)), '*')}"


def _upstream(policy: Policy, model: str | None) -> str:
    if not policy.upstreams:
        return "as given by --upstream"
    chosen = choose_upstream(policy, model or "")
    return f"{chosen.id} ({chosen.url}){_places(chosen)}" if chosen else "none lists this model: it is refused"


def _places(upstream: UpstreamRule) -> str:
    """How many requests at once one process sends there."""
    if upstream.adaptive:
        return f", as many at once as it serves ({upstream.adaptive}, at most {upstream.at_once or upstream.max_connections})"
    return f", at most {upstream.at_once} at once" if upstream.at_once else ""


def _features(caps: FeatureCaps) -> tuple[str, ...]:
    words = []
    for name in ("logprobs", "choices", "max_output"):
        cap = getattr(caps, name)
        if cap is not None:
            words.append(f"{name}: {'none' if cap < 0 else f'at most {cap}'}, {'refused' if name in caps.deny else 'clipped'} beyond")
    bias = caps.logit_bias
    if bias.mode == "values":
        others = ", others refused" if "logit_bias" in caps.deny else ""
        words.append(f"logit_bias: only {', '.join(f'{value:g}' for value in bias.values)}{others}")
    elif bias.mode != "allow":
        words.append(f"logit_bias: {'refused' if bias.mode == 'deny' else 'removed'}")
    return tuple(words)


def _always(tier: Tier) -> tuple[str, ...]:
    return (f"every answer altered by: {', '.join(tier.always)}",) if tier.always else ()


def _limit(policy: Policy, tier: Tier, limit: Limit, caller: Caller, model: str | None) -> LimitWords:
    subjects = {
        "key": f"fp:{caller.key_id[:12]}" if caller.key_id else "each key",
        "account": caller.account or "each account",
        "model": model or "each model",
        "tier": tier.id,
        "peer": caller.peer or "each address",
        "campaign": "only where the caller belongs to a campaign",
        "everyone": "all callers together",
    }
    counted = " and ".join(f"{subject} ({subjects[subject]})" for subject in limit.per)
    shadow = limit.shadow or policy.mode == "shadow"
    mode = "off" if policy.mode == "off" else "shadow: counted, never refused by" if shadow else "enforced"
    lost = (
        f"degrade: {limit.share_when_lost:g} of it in each process"
        if limit.when_state_is_lost == "degrade"
        else limit.when_state_is_lost
    )
    return LimitWords(limit.id, limit_words(limit, policy.currency), counted, mode, lost)


def limit_words(limit: Limit, currency: str = "") -> str:
    """A limit in words: `600 requests in any minute`, `2000 USD in each calendar month (UTC)`."""
    counts = "".join(f", each {glob} one counts {weight / WEIGHT_ONE:g}" for glob, weight in limit.weights)
    ends = "; a stream ends there" if limit.when_spent == "finish" else ""
    return _allowance(limit, currency) + counts + ends


def _allowance(limit: Limit, currency: str) -> str:
    what, amount = limit.count.value.replace("_", " "), str(limit.amount)
    burst = str(limit.burst)
    if limit.count is Count.MONEY:
        what, amount, burst = currency or "money", _units(limit.amount), _units(limit.burst)
    if limit.count is Count.CONCURRENT:
        fewer = f", as many of them as the upstream serves ({limit.adaptive})" if limit.adaptive else ""
        return f"{limit.amount} requests at once{fewer} (a slot frees itself after {period(limit.window_us)})"
    if limit.window == "bucket":
        return f"{amount} {what} per {period(limit.window_us)}, evenly, up to {burst} at once"
    if limit.window == "calendar":
        return f"{amount} {what} in each calendar {limit.period} ({limit.zone})"
    if limit.window == "lifetime":
        return f"{amount} {what} in all, for ever"
    return f"{amount} {what} in any {period(limit.window_us)}"


def _units(micro: int) -> str:
    """Micro-units of money in units: `2000`, `0.5`."""
    whole, rest = divmod(micro, 1_000_000)
    return f"{whole}.{rest:06d}".rstrip("0") if rest else str(whole)


def period(microseconds: int) -> str:
    """A duration in the largest unit that fits it whole: `minute`, `5 minutes`, `15 minutes`."""
    for unit, size in (("day", 86_400_000_000), ("hour", 3_600_000_000), ("minute", 60_000_000), ("second", 1_000_000)):
        if microseconds and microseconds % size == 0:
            count = microseconds // size
            return unit if count == 1 else f"{count} {unit}s"
    return f"{microseconds / 1000:g} ms"


def _rung(rung: Rung) -> str:
    words = rung.do.word
    if rung.share < 1.0:
        words += f" to {rung.share:g} of each limit, of turns and of the answers' pace"
    if rung.do >= Action.PERTURB and rung.perturbations:
        words += f" with {', '.join(rung.perturbations)}"
    return words + (" (in shadow: the rung below acts)" if rung.shadow else "")
