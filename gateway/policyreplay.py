"""Judges recorded requests by two policies at once, on a virtual clock: who would be treated otherwise, and how.

Each policy has a replay of its own (`replay`): road, signals, campaigns and ladder, in one pass over the records. Nothing is called,
nothing sleeps, nothing is written. Requests are decided in each policy's own mode, so that it counts what would change; rungs are told
as if it were `enforce`, as `gateway replay` does. In mode `off` nothing is weighed, live as here.

Not judged: the door's guard per address. A trace does not say what a key's own record does (its tier, its tags, limits of its own):
without the records every caller is one whose key says nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from gateway.model.caller import KeyRecord
from gateway.model.decision import Action
from gateway.model.policy import Policy
from gateway.policydiff import changed_limits
from gateway.replay import Reached, Replay, step
from gateway.replayweigh import Weighing
from gateway.risk.links import Campaign
from gateway.trace import TraceRecord
from gateway.traceroad import Judged, TraceRoad

__all__ = ["MAX_CALLERS", "CallerReplay", "Replayed", "Stand", "Tally", "replayed"]

MAX_CALLERS = 100_000
"""Callers that are told one by one; requests of further ones count in the totals only."""


@dataclass(slots=True)
class Tally:
    """What became of requests under one policy. `reasons` are those of refusals, with how often; `shadowed` requests passed only
    because what would have refused them is in shadow."""

    refused_by_limit: int = 0
    refused_by_policy: int = 0
    refused_by_ladder: int = 0
    shadowed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def refused(self) -> int:
        """All refusals."""
        return self.refused_by_limit + self.refused_by_policy + self.refused_by_ladder


@dataclass(frozen=True, slots=True)
class Stand:
    """Where one policy's ladder leaves a caller: when it `first` reached each action or a stricter one, the `final` one, its score in
    decibans, and its campaign."""

    first: Mapping[Action, Reached] = field(default_factory=dict)
    final: Action = Action.ALLOW
    score: float = 0.0
    campaign: str | None = None

    @property
    def strictest(self) -> Action:
        """The strictest action that it ever reached."""
        return max(self.first, default=Action.ALLOW)


_NOWHERE = Stand()


@dataclass(slots=True)
class CallerReplay:
    """One caller under both policies: (old, new) pairs. `rules` and `tiers` are those of its last request, "" where none matched.

    `limits`: ids of limits that it meets otherwise. `different`: requests that were not decided alike. `stands` are known when the
    replay is over.
    """

    key: str
    account: str | None
    requests: int = 0
    different: int = 0
    rules: tuple[str, str] = ("", "")
    tiers: tuple[str, str] = ("", "")
    limits: tuple[str, ...] = ()
    tallies: tuple[Tally, Tally] = field(default_factory=lambda: (Tally(), Tally()))
    stands: tuple[Stand, Stand] = (_NOWHERE, _NOWHERE)

    @property
    def climbs_otherwise(self) -> bool:
        """Whether it reaches other rungs, or the same after another number of requests, ends on another, or is in a campaign under one
        policy only."""
        old, new = self.stands
        return old.first != new.first or old.final != new.final or (old.campaign is None) != (new.campaign is None)

    @property
    def affected(self) -> bool:
        """Whether anything is otherwise for this caller."""
        treated = bool(self.different or self.limits) or self.climbs_otherwise
        return treated or self.rules[0] != self.rules[1] or self.tiers[0] != self.tiers[1]


@dataclass(slots=True)
class Replayed:
    """What a replay found: `tallies` (old, new) over all requests, and every caller by key id. `beyond`: requests of callers that
    are not told one by one."""

    records: int = 0
    different: int = 0
    beyond: int = 0
    tallies: tuple[Tally, Tally] = field(default_factory=lambda: (Tally(), Tally()))
    callers: dict[str, CallerReplay] = field(default_factory=dict)
    campaigns: tuple[dict[str, Campaign], dict[str, Campaign]] = field(default_factory=lambda: ({}, {}))

    @property
    def affected(self) -> list[CallerReplay]:
        """Callers who are treated otherwise, those first whose strictest action is further from what it was, then those of whom most
        more or fewer requests would be refused."""
        return sorted((one for one in self.callers.values() if one.affected), key=_rank)


def _rank(caller: CallerReplay) -> tuple[int, int, int, int, str]:
    old, new = caller.tallies
    before, after = caller.stands
    climbed = abs(after.strictest - before.strictest) + abs(after.final - before.final)
    return -climbed, -abs(new.refused - old.refused), -caller.different, -caller.requests, caller.key


class _Course:
    """One policy's replay."""

    def __init__(self, policy: Policy, keys: Mapping[str, KeyRecord]) -> None:
        self.found = Replay(replace(policy, mode="enforce"))
        self.weighing = Weighing(memory=policy.memory)
        self._road = TraceRoad(policy, keys)

    async def judge(self, record: TraceRecord) -> Judged:
        """Decide one request, then weigh it."""
        return await step(self.found, self._road, record, self.weighing)

    def stand(self, key: str) -> Stand:
        """Where the ladder leaves a caller at the end."""
        caller = self.found.callers.get(key)
        action, verdict = self.found.final(key)
        return Stand({} if caller is None else caller.first, action, verdict.score, verdict.campaign)


async def replayed(
    old: Policy, new: Policy, records: Iterable[TraceRecord], *, keys: Mapping[str, KeyRecord] = MappingProxyType({})
) -> Replayed:
    """Run records, in order of arrival, through both policies. `keys`: what is known of callers, by key id; a key that was revoked or
    had expired when the request came is refused. TraceError where the records cannot be read.

    Each policy has the memory for callers that it names.
    """
    result, courses = Replayed(), (_Course(old, keys), _Course(new, keys))
    tier_changes: dict[tuple[str, str], tuple[str, ...]] = {}
    for record in records:
        result.records += 1
        before, after = [await course.judge(record) for course in courses]
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
    _finish(result, *courses)
    return result


def _finish(result: Replayed, old: _Course, new: _Course) -> None:
    """Look for campaigns once more, and note where everybody stands."""
    for course in (old, new):
        course.weighing.finish(course.found)
    result.campaigns = old.weighing.campaigns, new.weighing.campaigns
    for key, caller in result.callers.items():
        caller.stands = old.stand(key), new.stand(key)


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
    tally.refused_by_policy += judged.refused == "policy"
    tally.refused_by_ladder += judged.refused == "ladder"
    if judged.refused:
        tally.reasons[judged.reason] += 1
