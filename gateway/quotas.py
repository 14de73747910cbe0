"""How the limits of one caller stand: what `gateway quota show` and `/api/quota/{key}` tell an operator.

The claims are those that the caller's next request would have (same rules, same tier, same share under throttle), and the store tells
how each stands without charging anything. So the operator reads the numbers that the caller was told, and those that a caller is never
told: limits in shadow, and those per campaign.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from gateway.core.claims import claims_for, subject_values
from gateway.core.decide import decide
from gateway.errors import QuotaError
from gateway.model.caller import Caller, KeyRecord, fingerprint
from gateway.model.decision import Decision
from gateway.model.evidence import NO_VERDICT, Verdict
from gateway.model.limit import Claim, Count, Limit, LimitState
from gateway.model.policy import Policy, Tier
from gateway.model.request import Estimate, RequestFacts
from gateway.model.value import replace
from gateway.policy.explain import limit_words
from gateway.policy.match import match_caller
from gateway.ports import HistoryStore, HoldStore, KeyStore
from gateway.risk.fading import as_of

__all__ = ["Asked", "Standing", "quota_of"]

_DIGITS = re.compile(r"[0-9a-f]{8,32}")
_ALL_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose quota is asked for: `key` a fingerprint, a key id or at least 8 digits of one, or `account` a name.

    `model` and `peer` choose among the counters of limits per model and per network; `tier` stands in for the one that the caller
    rules give.
    """

    key: str | None = None
    account: str | None = None
    model: str | None = None
    peer: str | None = None
    tier: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What to look at: the caller and what applies to him. `missing`: of limits that cannot be found, the subject that is not known."""

    caller: Caller
    record: KeyRecord | None
    rule: str
    tier: Tier
    decision: Decision
    claims: tuple[Claim, ...]
    missing: dict[str, str]


async def quota_of(
    asked: Asked, *, policy: Policy, keys: KeyStore, holds: HoldStore, history: HistoryStore | None, now_us: int
) -> dict[str, Any]:
    """All limits that apply to a caller and how each stands, as plain JSON values; times in microseconds.

    `history` None: nobody's verdict is known here. QuotaError where there is no such caller, tier or access; StoreError where the
    state does not answer.
    """
    caller, record = await _caller(asked, policy, keys)
    verdict = as_of(policy, history.standing(caller.key_id), now_us) if history is not None and caller.key_id else NO_VERDICT
    standing = _standing(asked, policy, caller, record, verdict, now_us)
    states = await holds.look(standing.claims)
    return _told(policy, standing, states, verdict, now_us)


# ── Who ─────────────────────────────────────────────────────────────────────────────────────────


async def _caller(asked: Asked, policy: Policy, keys: KeyStore) -> tuple[Caller, KeyRecord | None]:
    if asked.key is not None:
        return await _by_key(asked, asked.key, policy, keys)
    if not asked.account:
        raise QuotaError("name a key or an account")
    records = [record for record in await keys.list() if record.account == asked.account]
    if not records:
        return replace(_of(None, asked, policy), account=asked.account), None
    callers = [replace(_of(record, asked, policy), key_id="", account=asked.account) for record in records]
    ways = {matched.tier.id for one in callers if (matched := match_caller(policy, one)) is not None}
    if len(ways) > 1 and asked.tier is None:
        raise QuotaError(f"the keys of account {asked.account} have different tiers ({', '.join(sorted(ways))}): name one with --tier")
    return callers[-1], None


async def _by_key(asked: Asked, key: str, policy: Policy, keys: KeyStore) -> tuple[Caller, KeyRecord | None]:
    """The caller of a key. A client's own key is not in the store: only its whole id names its counters."""
    digits = key.removeprefix("fp:").lower()
    if not _DIGITS.fullmatch(digits):
        raise QuotaError("give a fingerprint (fp: and at least 8 hex digits) or a key id, never the key: `gateway keys list` has them")
    whole = len(digits) == _ALL_DIGITS
    found = await keys.find(digits) if whole else None
    records = [found] if found else [] if whole else [record for record in await keys.list() if record.key_id.startswith(digits)]
    if len(records) == 1:
        return _of(records[0], asked, policy), records[0]
    if records:
        raise QuotaError(f"{len(records)} keys begin with {digits}: give more digits")
    if whole and policy.credentials != "issued":
        return replace(_of(None, asked, policy), key_id=digits, account=digits, source="client"), None
    hint = "" if policy.credentials == "issued" else "; of a client's own key give all 32 digits of its id, which stand in its records"
    raise QuotaError(f"no issued key begins with {digits}: see `gateway keys list`{hint}")


def _of(record: KeyRecord | None, asked: Asked, policy: Policy) -> Caller:
    peer = asked.peer or ""
    if record is None:
        return Caller("", "", peer=peer, source="client" if policy.credentials == "client" else "issued")
    account = record.account or record.key_id
    return Caller(record.key_id, account, record.tier, record.tags, peer, limits=dict(record.limits))


# ── What applies ────────────────────────────────────────────────────────────────────────────────


def _standing(asked: Asked, policy: Policy, caller: Caller, record: KeyRecord | None, verdict: Verdict, now_us: int) -> Standing:
    if policy.mode == "off":
        raise QuotaError("the policy's mode is off: nothing is counted")
    rule, tier = _tier(asked, policy, caller)
    facts = RequestFacts("openai", "openai.chat", model=asked.model or "", estimate=Estimate(1, 1, True), body_size=1)
    decision = decide(policy, rule, tier, caller, facts, verdict, route="POST /chat/completions").decision
    missing, known = {}, []
    for limit in tier.limits:
        lacks = _lacks(limit, asked, caller)
        if lacks:
            missing[limit.id] = lacks
        elif subject_values(limit.per, caller, facts, tier, verdict) is not None:
            known.append(limit)
    claims = claims_for(policy, replace(tier, limits=tuple(known)), caller, facts, decision, verdict, at_us=now_us)
    return Standing(caller, record, rule, tier, decision, tuple(replace(one, want=max(1, one.want)) for one in claims), missing)


def _tier(asked: Asked, policy: Policy, caller: Caller) -> tuple[str, Tier]:
    if asked.tier is not None:
        if asked.tier not in policy.tiers:
            raise QuotaError(f"policy {policy.label} has no tier {asked.tier!r}: it has {', '.join(policy.tiers)}")
        return "", policy.tiers[asked.tier]
    matched = match_caller(policy, caller)
    if matched is None:
        raise QuotaError(f"no caller rule of policy {policy.label} matches: such a caller has no access (--tier shows a tier's limits)")
    return matched.rule, matched.tier


def _lacks(limit: Limit, asked: Asked, caller: Caller) -> str:
    """The subject of a limit that the question does not name, "" where all are known."""
    known = {"model": asked.model, "peer": asked.peer, "key": caller.key_id, "account": caller.account}
    return next((subject for subject in limit.per if subject in known and not known[subject]), "")


# ── What is told ────────────────────────────────────────────────────────────────────────────────


def _told(policy: Policy, standing: Standing, states: tuple[LimitState, ...], verdict: Verdict, now_us: int) -> dict[str, Any]:
    caller, record = standing.caller, standing.record
    by_id = {state.claim.limit.id: state for state in states}
    limits = []
    for limit in standing.tier.limits:
        state = by_id.get(limit.id)
        if state is not None:
            limits.append(_limit(policy, limit, state))
        elif limit.id in standing.missing:
            limits.append(_unknown(policy, limit, standing.missing[limit.id]))
    return {
        "policy": policy.label,
        "mode": policy.mode,
        "at_us": now_us,
        "fingerprint": fingerprint(caller.key_id) if caller.key_id else None,
        "key_id": caller.key_id or None,
        "key_state": record.state(now_us) if record else None,
        "account": caller.account,
        "rule": standing.rule,
        "tier": standing.tier.id,
        "share": standing.decision.share,
        "campaign": verdict.campaign,
        "limits": limits,
    }


def _limit(policy: Policy, limit: Limit, state: LimitState) -> dict[str, Any]:
    claim = state.claim
    given = replace(limit, amount=claim.amount, burst=claim.burst)  # the caller's own, by the ladder's share
    return {
        **_about(policy, given),
        "shadow": claim.limit.shadow,
        "amount": claim.amount,
        "burst": claim.burst if limit.window == "bucket" else None,
        "used": state.used,
        "remaining": state.remaining,
        "open_slots": state.used if limit.count is Count.CONCURRENT else None,
        "reset_us": None if state.reset_us < 0 else state.reset_us,
        "fits": state.fitted,
        "retry_us": None if state.retry_us < 0 else state.retry_us,
        "needs": "",
    }


def _unknown(policy: Policy, limit: Limit, lacks: str) -> dict[str, Any]:
    """A limit of which the question does not say enough to find its counter: `needs` names what it lacks."""
    absent = dict.fromkeys(("burst", "used", "remaining", "open_slots", "reset_us", "fits", "retry_us"))
    return {**_about(policy, limit), "shadow": limit.shadow, "amount": limit.amount, **absent, "needs": lacks}


def _about(policy: Policy, limit: Limit) -> dict[str, Any]:
    """What a limit is. Money is in millionths of the policy's currency."""
    unit = f"micro-{policy.currency}" if limit.count is Count.MONEY else str(limit.count)
    return {
        "id": limit.id,
        "count": str(limit.count),
        "unit": unit,
        "window": limit.window,
        "per": list(limit.per),
        "allows": limit_words(limit, policy.currency),
    }
