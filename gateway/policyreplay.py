"""Judges recorded requests by two policies at once, on a virtual clock: who would be treated otherwise, and how.

Each policy has a road of its own (`traceroad`). Nothing is called, nothing sleeps, nothing is written.

Judged are caller rules, tiers, models, features and quota. Not judged: detection (nobody is suspected) and the door's guard per
address. A trace does not say what a key's own record does (its tier, its tags, limits of its own): without the records every caller
is one whose key says nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from gateway.model.caller import KeyRecord
from gateway.model.policy import Policy
from gateway.policydiff import changed_limits
from gateway.trace import TraceRecord
from gateway.traceroad import Judged, TraceRoad

__all__ = ["MAX_CALLERS", "CallerReplay", "Replayed", "Tally", "replayed"]

MAX_CALLERS = 100_000
"""Callers that are told one by one; requests of further ones count in the totals only."""


@dataclass(slots=True)
class Tally:
    """What became of requests under one policy. `reasons` are those of refusals, with how often; `shadowed` requests passed only
    because what would have refused them is in shadow."""

    refused_by_limit: int = 0
    refused_by_policy: int = 0
    shadowed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def refused(self) -> int:
        """All refusals."""
        return self.refused_by_limit + self.refused_by_policy


@dataclass(slots=True)
class CallerReplay:
    """One caller under both policies: (old, new) pairs. `rules` and `tiers` are those of its last request, "" where none matched.

    `limits`: ids of limits that it meets otherwise. `different`: requests that were not decided alike.
    """

    key: str
    account: str | None
    requests: int = 0
    different: int = 0
    rules: tuple[str, str] = ("", "")
    tiers: tuple[str, str] = ("", "")
    limits: tuple[str, ...] = ()
    tallies: tuple[Tally, Tally] = field(default_factory=lambda: (Tally(), Tally()))

    @property
    def affected(self) -> bool:
        """Whether anything is otherwise for this caller."""
        return bool(self.different or self.limits) or self.rules[0] != self.rules[1] or self.tiers[0] != self.tiers[1]


@dataclass(slots=True)
class Replayed:
    """What a replay found: `tallies` (old, new) over all requests, and every caller by key id. `beyond`: requests of callers that
    are not told one by one."""

    records: int = 0
    different: int = 0
    beyond: int = 0
    tallies: tuple[Tally, Tally] = field(default_factory=lambda: (Tally(), Tally()))
    callers: dict[str, CallerReplay] = field(default_factory=dict)

    @property
    def affected(self) -> list[CallerReplay]:
        """Callers who are treated otherwise, those first of whom most more or fewer requests would be refused."""
        return sorted((one for one in self.callers.values() if one.affected), key=_rank)


def _rank(caller: CallerReplay) -> tuple[int, int, int, str]:
    old, new = caller.tallies
    return -abs(new.refused - old.refused), -caller.different, -caller.requests, caller.key


async def replayed(
    old: Policy, new: Policy, records: Iterable[TraceRecord], *, keys: Mapping[str, KeyRecord] = MappingProxyType({})
) -> Replayed:
    """Run records, in order of arrival, through both policies. `keys`: what is known of callers, by key id; a key that was revoked or
    had expired when the request came is refused. TraceError where the records cannot be read."""
    result, roads = Replayed(), (TraceRoad(old, keys), TraceRoad(new, keys))
    tier_changes: dict[tuple[str, str], tuple[str, ...]] = {}
    for record in records:
        result.records += 1
        before, after = [await road.judge(record, result.records) for road in roads]
        tallies = [result.tallies]
        caller = _caller(result, record)
        if caller is not None:
            caller.requests += 1
            caller.different += _decided(before) != _decided(after)
            caller.rules, caller.tiers = (before.rule, after.rule), (_tier_id(before), _tier_id(after))
            if caller.tiers not in tier_changes:
                tier_changes[caller.tiers] = changed_limits(old, new, before.tier, after.tier)
            caller.limits = tier_changes[caller.tiers]
            tallies.append(caller.tallies)
        result.different += _decided(before) != _decided(after)
        for pair in tallies:
            _count(pair[0], before)
            _count(pair[1], after)
    return result


def _caller(result: Replayed, record: TraceRecord) -> CallerReplay | None:
    caller = result.callers.get(record.key)
    if caller is None:
        if len(result.callers) >= MAX_CALLERS:
            result.beyond += 1
            return None
        caller = result.callers[record.key] = CallerReplay(record.key, record.account)
    return caller


def _tier_id(judged: Judged) -> str:
    return judged.tier.id if judged.tier else ""


def _decided(judged: Judged) -> tuple[object, ...]:
    """What the caller would notice of a decision, and what shadow hides."""
    return judged.refused, judged.reason, judged.shadowed, judged.changed


def _count(tally: Tally, judged: Judged) -> None:
    tally.shadowed += bool(judged.shadowed) and not judged.refused
    tally.refused_by_limit += judged.refused == "limit"
    tally.refused_by_policy += judged.refused in {"policy", "ladder"}
    if judged.refused:
        tally.reasons[judged.reason] += 1
