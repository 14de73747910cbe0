"""Who is which caller of the policy, what a tier allows, and which upstream serves a model: pure look-ups on the road of each request.

Globs know `*` (anything, slashes too) and `?` (one character), and are mind case. They are compiled once each.
"""

from __future__ import annotations

import fnmatch
import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from msgspec import Struct

from gateway.model.caller import Caller
from gateway.model.policy import CallerMatch, CallerRule, Policy, Tier, UpstreamRule

__all__ = ["Matched", "allows_model", "allows_route", "choose_upstream", "fits", "match_caller", "mismatch", "tier_of"]

_LONGEST = 512
"""Longer names match `*` only: no model, tag or account has them, and no cache should hold them."""

_DOTS = re.compile(r"(^|/)(\.|%2e){1,2}(/|$)|//|\\|%2f|%5c", re.IGNORECASE)
"""Paths that an upstream may read as another path than the one written."""


class Matched(Struct, frozen=True):
    """The tier a caller gets, and the id of the rule that says so."""

    tier: Tier
    rule: str


def match_caller(policy: Policy, caller: Caller) -> Matched | None:
    """The first caller rule that matches and gives a tier; None when none does, and then the caller has no access.

    A rule that gives the caller's own tier passes over callers whose tier the policy does not have.
    """
    for rule in policy.callers:
        tier = tier_of(policy, rule, caller)
        if tier is not None and not mismatch(rule.match, caller):
            return Matched(tier, rule.id)
    return None


def mismatch(match: CallerMatch, caller: Caller) -> str:
    """The first field that keeps a rule from matching a caller, "" when it matches."""
    if match.matches_everyone:
        return ""
    if match.key is not None and not caller.key_id.startswith(match.key):
        return "key"
    if match.account is not None and not fits(match.account, caller.account):
        return "account"
    if match.tag is not None and not any(fits(match.tag, tag) for tag in caller.tags):
        return "tag"
    if match.tier is not None and (caller.tier is None or not fits(match.tier, caller.tier)):
        return "tier"
    if match.source is not None and match.source != caller.source:
        return "source"
    if match.peer is not None and not _peer_in(match, caller.peer):
        return "peer"
    for name, glob in match.attributes:
        if name not in caller.attributes or not fits(glob, caller.attributes[name]):
            return f"attributes.{name}"
    return ""


def tier_of(policy: Policy, rule: CallerRule, caller: Caller) -> Tier | None:
    """The tier that a rule gives a caller, None where it gives the caller's own and the policy has no such tier."""
    name = caller.tier if rule.tier is None else rule.tier
    return policy.tiers.get(name) if name is not None else None


def allows_model(tier: Tier, model: str) -> bool:
    """Whether a tier may use a model; a request that names none needs a tier open to all."""
    return tier.open_to_all_models or any(fits(glob, model) for glob in tier.models)


def allows_route(tier: Tier, method: str, path: str) -> bool:
    """Whether a tier lists `METHOD /path` (path without /v1). A path that could be read as another one needs the route `*`."""
    if "*" in tier.routes:
        return True
    if not tier.routes or _DOTS.search(path):
        return False
    route = f"{method} {path.partition('?')[0]}"
    return any(fits(glob, route) for glob in tier.routes)


def choose_upstream(policy: Policy, model: str) -> UpstreamRule | None:
    """The first upstream that lists the model; the first of all for a request that names none; None when no one lists it."""
    if not model:
        return policy.upstreams[0] if policy.upstreams else None
    for upstream in policy.upstreams:
        if any(fits(glob, model) for glob in upstream.models):
            return upstream
    return None


def fits(glob: str, text: str) -> bool:
    """Whether a glob of `*` and `?` covers a whole text."""
    if glob in ("*", text):
        return True
    return len(text) <= _LONGEST and _compiled(glob).match(text) is not None


@lru_cache(maxsize=4096)
def _compiled(glob: str) -> re.Pattern[str]:
    # The standard translation has atomic groups: matching takes linear time whatever the caller sends.
    return re.compile(fnmatch.translate(glob.replace("[", "[[]")))


def _peer_in(match: CallerMatch, peer: str) -> bool:
    address = _address(peer)
    return address is not None and match.peer is not None and address in match.peer


@lru_cache(maxsize=4096)
def _address(peer: str) -> IPv4Address | IPv6Address | None:
    """A peer's address; of IPv6 peers, which are grouped by /64, the group's first."""
    try:
        return ip_address(peer.partition("/")[0].partition("%")[0])
    except ValueError:
        return None
