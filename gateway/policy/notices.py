"""What is right in a policy and still worth saying: parts that this version does not act on, and doors left open on purpose or not.

A notice never stops anything. It exists so that nobody believes in a guard that isn't there.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.errors import PolicyProblem
from gateway.model.limit import Count, Limit
from gateway.model.policy import Tier
from gateway.policy.load import Loaded
from gateway.policy.match import fits
from gateway.policy.tree import Path
from gateway.registry import names

__all__ = ["notices_of"]

Found = Iterator[PolicyProblem]

_NOT_YET = "not acted on by this version"


def notices_of(loaded: Loaded) -> list[PolicyProblem]:
    """All notices on a policy, in the order of the file."""
    found: list[PolicyProblem] = []
    for notice in (_callers, _tiers, _limits, _ladder, _sections, _upstreams, _examples):
        found.extend(notice(loaded))
    return sorted(found, key=lambda problem: (problem.line, problem.column))


def _callers(loaded: Loaded) -> Found:
    policy, tree = loaded.policy, loaded.tree
    if policy.mode == "off":
        yield tree.problem(("mode",), "everything passes: nothing is decided or limited", "`shadow` would at least record it")
    if not any(rule.match.matches_everyone and rule.tier for rule in policy.callers):
        yield tree.problem(("callers",), "callers that match no rule are refused", "a last rule with `match: {}` gives them a tier")
    for index, network in enumerate(policy.trusted_proxies):
        if network.prefixlen == 0:
            yield tree.problem(("trusted_proxies", index), "everybody's identity headers are believed", "list your own proxies only")


def _tiers(loaded: Loaded) -> Found:
    policy, tree = loaded.policy, loaded.tree
    reached = {rule.tier for rule in policy.callers}
    for name, tier in policy.tiers.items():
        if name not in reached and None not in reached:
            yield tree.problem(("tiers", name), "no caller rule gives this tier", key=True)
        if tier.models and not tier.limits:
            yield tree.problem(("tiers", name), "this tier has no limits", "write `limits: []` and mean it, or add some", key=True)


def _limits(loaded: Loaded) -> Found:
    policy = loaded.policy
    for name, tier in policy.tiers.items():
        for index, limit in enumerate(tier.limits):
            place = ("tiers", name, "limits", index)
            if limit.count is Count.MONEY:
                yield from _money(loaded, place, tier, limit)
            if limit.window in ("calendar", "lifetime") and limit.when_state_is_lost == "degrade":
                message = f"when the state is lost each process gives out {limit.share_when_lost:g} of it anew, whatever is used"
                yield loaded.tree.problem(place, message, "`when_state_is_lost: refuse` would not", key=True)


def _money(loaded: Loaded, place: Path, tier: Tier, limit: Limit) -> Found:
    """Models that have no price: refused where money is limited, free where that is only watched."""
    prices = loaded.policy.prices
    unpriced = [model for model in tier.models if not any(fits(price.models, model) for price in prices)]
    if unpriced:
        named = ", ".join(unpriced[:5]) + (", ..." if len(unpriced) > 5 else "")
        what = "cost nothing here" if limit.shadow else "are refused here"
        yield loaded.tree.problem((*place, "count"), f"models that have no price {what} ({named})", 'a price for "*" would cover all')


def _ladder(loaded: Loaded) -> Found:
    rungs = loaded.policy.ladder
    registered = names("signals")
    if len(rungs) > 1 and not any(rule.level == "enforce" and name in registered for name, rule in loaded.policy.signals.items()):
        yield loaded.tree.problem(("ladder",), "no signal is at `enforce`: no caller climbs above the first rung", key=True)


def _sections(loaded: Loaded) -> Found:
    response = loaded.document.response
    for name in sorted((response.model_fields_set if response else set()) - set(names("perturbations")) - {"epoch", "challenge"}):
        yield loaded.tree.problem(("response", name), _NOT_YET, key=True)
    if loaded.policy.audit.keep_us is not None:
        yield loaded.tree.problem(("audit", "keep"), f"{_NOT_YET}: records are kept until you remove them", key=True)


def _upstreams(loaded: Loaded) -> Found:
    policy = loaded.policy
    for index, upstream in enumerate(policy.upstreams):
        if upstream.credential_env and policy.credentials != "issued":
            whose = (
                "issued keys and callers that a trusted proxy names"
                if policy.credentials == "both"
                else "callers that a trusted proxy names"
            )
            message = f"used for {whose} only: what other clients bring goes upstream in its place"
            yield loaded.tree.problem(("upstreams", index, "credential_env"), message, "use `credentials: issued`", key=True)


def _examples(loaded: Loaded) -> Found:
    for index, example in enumerate(loaded.document.tests):
        if example.replay is not None:
            yield loaded.tree.problem(("tests", index, "replay"), "needs `gateway replay`, which this version does not have", key=True)
