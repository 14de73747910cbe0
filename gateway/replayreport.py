"""The report of a replay, as a JSON document: each caller with where it stood and why, campaigns, and how many were found.

The form is fixed (`docs/replay.md`): other people's tools read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.model.decision import Action
from gateway.model.evidence import Evidence
from gateway.model.policy import Level
from gateway.registry import names
from gateway.replay import CallerSeen, Reached, Replay
from gateway.risk.links import Campaign
from gateway.truth import Fate, Truth, summary

__all__ = ["campaign_told", "first_told", "report_of"]

_RUNGS = tuple(action for action in Action if action is not Action.ALLOW)


def report_of(found: Replay, truths: Mapping[str, Truth], campaigns: Mapping[str, Campaign], *, seconds: float) -> dict[str, Any]:
    """The document. `truths`: of callers by key id, for scoring; `campaigns`: those at the end, by id; `seconds`: how long the replay
    took. Times are Unix seconds."""
    return {
        "policy": found.policy.label,
        "records": found.records,
        "seconds": round(seconds, 3),
        "requests_of_callers_not_told": found.beyond,
        "signals": {name: rule.level for name, rule in found.policy.signals.items() if _weighs(name, rule.level)},
        "callers": {key: _caller(found, key, caller, truths.get(key)) for key, caller in found.callers.items()},
        "campaigns": {name: campaign_told(campaigns[name]) for name in sorted(campaigns)},
        "summary": summary({key: _fate(caller) for key, caller in found.callers.items()}, truths),
    }


def _weighs(signal: str, level: Level) -> bool:
    """Whether a signal of the policy has a word in this version."""
    return level != "off" and (signal == "linkage" or signal in names("signals"))


def _caller(found: Replay, key: str, caller: CallerSeen, truth: Truth | None) -> dict[str, Any]:
    action, verdict = found.final(key)
    told: dict[str, Any] = {
        "account": caller.account,
        "requests": caller.requests,
        "refused_by_limit": caller.refused_by_limit,
        "refused_by_policy": caller.refused_by_policy,
        "refused_by_ladder": caller.refused_by_ladder,
        "first": first_told(caller.first),
        "final": {"action": action.word, "score": round(verdict.score, 3), "kinds": sorted(verdict.kinds)},
        "reasons": [_reason(each) for each in verdict.reasons],
        "campaign": verdict.campaign,
    }
    if truth is not None:
        told["truth"] = {"persona": truth.persona, "hostile": truth.hostile, "campaign": truth.campaign}
    return told


def first_told(first: Mapping[Action, Reached]) -> dict[str, Any]:
    """Of each action of the ladder when it, or a stricter one, was first reached; null for never."""
    return {rung.word: _reached(first.get(rung)) for rung in _RUNGS}


def _reached(reached: Reached | None) -> dict[str, Any] | None:
    return None if reached is None else {"request": reached.request, "at": reached.at_us / 1_000_000}


def _reason(evidence: Evidence) -> dict[str, Any]:
    return {"signal": evidence.signal, "evidence": evidence.seen, "weight": round(evidence.weight, 3)}


def campaign_told(campaign: Campaign) -> dict[str, Any]:
    """A campaign. `links` are what speaks for it; what each says and weighs is under `evidence`, with what speaks against it."""
    return {
        "callers": list(campaign.callers),
        "links": [link.name for link in campaign.links if link.weight > 0],
        "first_linked_at": campaign.first_linked_at_us / 1_000_000,
        "weight": round(campaign.evidence, 3),
        "evidence": [{"link": link.name, "evidence": link.seen, "weight": round(link.weight, 3)} for link in campaign.links],
    }


def _fate(caller: CallerSeen) -> Fate:
    flagged = caller.flagged_at
    return Fate(watched=caller.watched, flagged_at=None if flagged is None else flagged.request)
