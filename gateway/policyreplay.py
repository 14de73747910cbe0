"""Judges recorded requests by two policies at once, on a virtual clock: who would be treated otherwise, and how.

Each policy has a road of its own: the steps of `core/exchange` as far as the upstream, quota in memory, settled by what the record says
the answer came to. Nothing is called, nothing sleeps, nothing is written.

Judged are caller rules, tiers, models, features and quota. Not judged: detection (nobody is suspected) and the door's guard per
address. A trace does not say what a key's own record does (its tier, its tags, limits of its own): without the records every caller
is one whose key says nothing.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal
from urllib.parse import unquote

from gateway.asgi.peer import grouped
from gateway.core.exchange import Admit, Assess, Challenge, Identify, Keep, Leave, Own, Read, Record, Relay, Reserve, Settle, Step
from gateway.core.replies import Answered, Found, Payload, Relayed
from gateway.core.trail import Trail
from gateway.dialects.base import Seen
from gateway.dialects.routes import dialect_for, normal_path
from gateway.model.caller import KeyRecord
from gateway.model.evidence import NO_VERDICT
from gateway.model.limit import Amounts, Hold
from gateway.model.policy import Policy, Tier, UpstreamRule
from gateway.model.request import Arrival
from gateway.policydiff import changed_limits
from gateway.stores.memory_holds import MemoryHolds
from gateway.trace import TraceRecord

__all__ = ["MAX_CALLERS", "CallerReplay", "Replayed", "Tally", "replayed"]

MAX_CALLERS = 100_000
"""Callers that are told one by one; requests of further ones count in the totals only."""

_ANYWHERE = (UpstreamRule("replay", "http://replay"),)
"""The endpoint of a policy that names none: nothing is ever sent there."""


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
    result, roads = Replayed(), (_Road(old, keys), _Road(new, keys))
    tier_changes: dict[tuple[str, str], tuple[str, ...]] = {}
    for record in records:
        result.records += 1
        before, after = [await road.judge(record, result.records) for road in roads]
        tallies = [result.tallies]
        caller = _caller(result, record)
        if caller is not None:
            caller.requests += 1
            caller.different += before.decided != after.decided
            caller.rules, caller.tiers = (before.rule, after.rule), (before.tier_id, after.tier_id)
            if caller.tiers not in tier_changes:
                tier_changes[caller.tiers] = changed_limits(old, new, before.tier, after.tier)
            caller.limits = tier_changes[caller.tiers]
            tallies.append(caller.tallies)
        result.different += before.decided != after.decided
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


@dataclass(frozen=True, slots=True)
class _Judged:
    """How one policy decided one request."""

    rule: str
    tier: Tier | None
    refused: Literal["", "limit", "policy"]
    reason: str
    shadowed: tuple[str, ...]
    changed: tuple[str, ...] = ()

    @property
    def tier_id(self) -> str:
        return self.tier.id if self.tier else ""

    @property
    def decided(self) -> tuple[object, ...]:
        """What the caller would notice of it, and what shadow hides."""
        return self.refused, self.reason if self.refused else "", self.shadowed, self.changed


def _count(tally: Tally, judged: _Judged) -> None:
    tally.shadowed += bool(judged.shadowed) and not judged.refused
    tally.refused_by_limit += judged.refused == "limit"
    tally.refused_by_policy += judged.refused == "policy"
    if judged.refused:
        tally.reasons[judged.reason] += 1


# ── One policy's road ───────────────────────────────────────────────────────────────────────────


class _Clock:
    """The time of the records."""

    def __init__(self) -> None:
        self.now_us = 0

    def now(self) -> int:
        """See `ports.Clock`."""
        return self.now_us


@dataclass(frozen=True, slots=True, order=True)
class _Due:
    """Something to do with an open hold when its time comes: settle it, or renew its lease while its answer goes on until `end_us`."""

    at_us: int
    number: int
    end_us: int
    hold: Hold = field(compare=False)
    amounts: Amounts = field(compare=False)


class _Road:
    """One policy with a clock, a store and the answers under way."""

    def __init__(self, policy: Policy, keys: Mapping[str, KeyRecord]) -> None:
        self._keys = keys
        self._policy = policy if policy.upstreams else replace(policy, upstreams=_ANYWHERE)
        self._clock = _Clock()
        self._holds: MemoryHolds | None = None
        self._due: list[_Due] = []

    async def judge(self, record: TraceRecord, number: int) -> _Judged:
        """Decide one request, after everything that ended before it."""
        self._clock.now_us = max(self._clock.now_us, record.at_us)
        holds = self._holds = self._holds or MemoryHolds(self._clock)
        await self._wind_up(holds, self._clock.now_us)
        end = await self._walk(self._begin(record, number), record, holds)
        trail = end.trail
        decision = trail.decision
        if isinstance(end, Admit):
            self._later(end, record, number, holds.lease_us)
            return _Judged(trail.rule, trail.tier, "", "", decision.shadowed if decision else (), trail.changed)
        refusal = end.outcome.refusal
        reason = refusal.reason if refusal else ""
        limited = refusal is not None and refusal.kind.startswith("limit_")
        by: Literal["limit", "policy"] = "limit" if limited or reason.startswith("limit.") else "policy"
        return _Judged(trail.rule, trail.tier, by, reason, decision.shadowed if decision else ())

    def _begin(self, record: TraceRecord, number: int) -> Identify:
        path = unquote(record.path.partition("?")[0])
        arrival = Arrival(
            id=f"r{number}",
            at_us=self._clock.now_us,
            method=record.method,
            path=path,
            peer=grouped(record.peer),
            key_id=record.key,
            source="client" if self._policy.credentials == "client" else "issued",
            account=record.account,
            attributes=tuple(sorted(record.attributes.items())),
            content_length=len(record.body),
        )
        route = f"{record.method} {normal_path(path)}"
        return Identify(Trail(arrival, self._policy, dialect_for(record.method, path), route))

    async def _walk(self, step: Identify, record: TraceRecord, holds: MemoryHolds) -> Admit | Record:
        """From step to step until the request would wait for its upstream, or is refused."""
        here: Identify | Read | Assess | Own | Challenge | Reserve | Admit | Settle | Record = step
        while True:
            match here:
                case Identify():
                    known = self._keys.get(record.key) or KeyRecord(record.key, record.account, None, frozenset(), 0)
                    here = here.next(Found(known, self._clock.now_us))
                case Read():
                    here = here.next(Payload(record.body, record.body))
                case Assess():
                    here = here.next(NO_VERDICT)
                case Own():
                    here = here.next(tuple(record.key for _ in here.refs))  # who made what is not in a trace: his own
                case Challenge():
                    here = here.next()
                case Reserve():
                    here = here.next(await holds.take(here.hold))
                case Settle():
                    here = here.next("settled")
                case Admit() | Record():
                    return here

    def _later(self, end: Admit, record: TraceRecord, number: int, lease_us: int) -> None:
        """Note when the answer ends, with what the record says it came to."""
        answer = Relayed(
            Seen(record.usage, terminal=True), "complete", len(record.answer), started=True, first_byte_us=record.first_byte_us
        )
        step: Step = Relay(end.trail, Answered(record.status, stream=False)).next(answer)
        while isinstance(step, Keep | Leave):
            step = step.next()
        if end.trail.hold is not None:
            assert isinstance(step, Settle)  # what was held is settled, whatever came of it
            until = self._clock.now_us + record.duration_us
            first = min(until, self._clock.now_us + lease_us // 2)
            heapq.heappush(self._due, _Due(first, number, until, step.hold, step.amounts))

    async def _wind_up(self, holds: MemoryHolds, now_us: int) -> None:
        """Settle or renew, at its own time, whatever is due by now."""
        while self._due and self._due[0].at_us <= now_us:
            due = heapq.heappop(self._due)
            self._clock.now_us = due.at_us
            if due.at_us < due.end_us:
                await holds.renew(due.hold)
                heapq.heappush(self._due, replace(due, at_us=min(due.end_us, due.at_us + holds.lease_us // 2)))
            else:
                await holds.settle(due.hold, due.amounts)
        self._clock.now_us = now_us
