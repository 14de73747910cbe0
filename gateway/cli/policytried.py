"""What two policies did to the same recorded requests, as `gateway policy diff --replay` tells it: as JSON and for people."""

from __future__ import annotations

from typing import Any

import click

from gateway.model.decision import Action
from gateway.policyreplay import CallerReplay, Replayed, Stand, Tally
from gateway.replayreport import campaign_told, first_told

__all__ = ["print_tried", "tried_plain"]

_TOLD_CALLERS = 20
_SIDES = ("old", "new")


# ── As JSON ─────────────────────────────────────────────────────────────────────────────────────


def tried_plain(tried: Replayed, judged: str) -> dict[str, Any]:
    """Counts under `old` and `new`, `campaigns` of each, and the `affected` callers. `judged` says by what."""
    campaigns = zip(_SIDES, tried.campaigns, strict=True)
    return {
        "records": tried.records,
        "different": tried.different,
        "callers": len(tried.callers),
        "requests_of_callers_not_told": tried.beyond,
        "judged": judged,
        **_both(tried.tallies),
        "reached": {side: _reached(tried, number) for number, side in enumerate(_SIDES)},
        "campaigns": {side: {name: campaign_told(found[name]) for name in sorted(found)} for side, found in campaigns},
        "affected": [_caller(caller) for caller in tried.affected],
    }


def _caller(caller: CallerReplay) -> dict[str, Any]:
    told: dict[str, Any] = {
        "key": caller.key,
        "account": caller.account,
        "requests": caller.requests,
        "different": caller.different,
        "rule": dict(zip(_SIDES, caller.rules, strict=True)),
        "tier": dict(zip(_SIDES, caller.tiers, strict=True)),
        "limits": list(caller.limits),
    }
    for side, tally, stand in zip(_SIDES, caller.tallies, caller.stands, strict=True):
        told[side] = {**_tally(tally), **_stand(stand)}
    return told


def _stand(stand: Stand) -> dict[str, Any]:
    """As in the report of `gateway replay`."""
    return {
        "first": first_told(stand.first),
        "final": {"action": stand.final.word, "score": round(stand.score, 3)},
        "campaign": stand.campaign,
    }


def _both(tallies: tuple[Tally, Tally]) -> dict[str, Any]:
    return {side: _tally(tally) for side, tally in zip(_SIDES, tallies, strict=True)}


def _tally(tally: Tally) -> dict[str, Any]:
    return {
        "refused_by_limit": tally.refused_by_limit,
        "refused_by_policy": tally.refused_by_policy,
        "refused_by_ladder": tally.refused_by_ladder,
        "would_be_refused_but_for_shadow": tally.shadowed,
        "reasons": dict(sorted(tally.reasons.items())),
    }


def _reached(tried: Replayed, side: int) -> dict[str, int]:
    """How many callers ever reached each action, or a stricter one."""
    strictest = [caller.stands[side].strictest for caller in tried.callers.values()]
    return {action.word: sum(one >= action for one in strictest) for action in Action if action is not Action.ALLOW}


# ── For people ──────────────────────────────────────────────────────────────────────────────────


def print_tried(tried: Replayed, judged: str) -> None:
    """Counts, a line a policy, then the callers who are treated otherwise."""
    affected = tried.affected
    click.echo(f"replay of {tried.records} requests by {len(tried.callers)} callers, {judged}")
    for number, side in enumerate(_SIDES):
        tally, found = tried.tallies[number], tried.campaigns[number]
        reasons = ", ".join(f"{reason} {count}" for reason, count in tally.reasons.most_common(8))
        shadow = f"; {tally.shadowed} more but for shadow" if tally.shadowed else ""
        click.echo(f"  {side}  refused {tally.refused}{f' ({reasons})' if reasons else ''}{shadow}")
        reached = ", ".join(f"{action} {count}" for action, count in _reached(tried, number).items() if count)
        click.echo(f"       callers who reached {reached or 'a rung: none'}; campaigns {len(found)}")
    click.echo(f"  {tried.different} requests decided otherwise; {len(affected)} callers affected")
    for caller in affected[:_TOLD_CALLERS]:
        click.echo(f"  {_words(caller)}")
    if len(affected) > _TOLD_CALLERS:
        click.echo(f"  and {len(affected) - _TOLD_CALLERS} more: --json has them all")
    if tried.beyond:
        click.echo(f"  {tried.beyond} requests came from further callers, who are counted but not told one by one")


def _words(caller: CallerReplay) -> str:
    parts = [f"{caller.key}" + (f" ({caller.account})" if caller.account else "")]
    for name, (was, becomes) in (("rule", caller.rules), ("tier", caller.tiers)):
        if was != becomes:
            parts.append(f"{name} {was or 'none'} -> {becomes or 'none'}")
    if caller.limits and caller.tiers[0] == caller.tiers[1]:
        parts.append(f"limits {', '.join(caller.limits)}")
    if caller.climbs_otherwise:
        parts += _climb_words(*caller.stands)
    old, new = caller.tallies
    parts.append(f"refused {old.refused} -> {new.refused} of {caller.requests}")
    return "; ".join(parts)


def _climb_words(old: Stand, new: Stand) -> list[str]:
    parts = [f"reached {_highest(old)} -> {_highest(new)}"] if old.first != new.first else []
    if old.final != new.final:
        parts.append(f"at the end {old.final.word} -> {new.final.word}")
    if (old.campaign is None) != (new.campaign is None):
        parts.append(f"campaign {old.campaign or 'none'} -> {new.campaign or 'none'}")
    return parts


def _highest(stand: Stand) -> str:
    """The strictest action and after how many requests."""
    return f"{stand.strictest.word} by request {stand.first[stand.strictest].request}" if stand.first else "none"
