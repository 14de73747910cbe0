"""Runs recorded traffic through one policy: the live engine's decisions on a virtual clock, with no network and no sleep.

Each request is decided by its caller's standing verdict, as it would be live, and then weighed; a refused one too. What the ladder
intends is told as if the policy's mode were `enforce`; a rung, limit or signal in shadow stays in shadow. Nothing is written.

A caller has reached a rung from the request on that tipped it, though only the next one would be treated so. Whatever changes a
verdict counts, another key of its campaign too: the caller has then made as many requests as it had. What people decided can be given:
each decision holds from its own time on.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from gateway.core.decide import climb
from gateway.model.caller import KeyRecord
from gateway.model.decision import Action
from gateway.model.evidence import Verdict
from gateway.model.policy import Policy
from gateway.model.ruling import Ruling
from gateway.ports import HistoryStore
from gateway.replayrulings import Decided
from gateway.risk.fading import as_of
from gateway.rulings import RuledVerdicts
from gateway.stores.verdicts import MemoryVerdicts
from gateway.trace import TraceRecord
from gateway.traceroad import Judged, TraceRoad

__all__ = ["FLAGGED", "MAX_CALLERS", "CallerSeen", "Reached", "Replay", "Weigh", "merged", "replay", "step", "unheard", "unweighed"]

MAX_CALLERS = 100_000
"""Callers that are told one by one; requests of further ones are decided and weighed, and count in the totals only."""

FLAGGED = Action.PERTURB
"""From here on a caller is flagged: its answers are altered."""

Weigh = Callable[[TraceRecord, Judged, HistoryStore], object]
"""Learns from one decided request and puts whatever verdicts it changes into the store."""


@dataclass(frozen=True, slots=True)
class Reached:
    """When a caller reached a rung: after which of its own requests, counted from 1, and when (Unix microseconds)."""

    request: int
    at_us: int


@dataclass(slots=True)
class CallerSeen:
    """One caller of a replay. `first`: when it reached each action that the policy's ladder has, or a stricter one."""

    account: str | None
    requests: int = 0
    refused_by_limit: int = 0
    refused_by_policy: int = 0
    refused_by_ladder: int = 0
    first: dict[Action, Reached] = field(default_factory=dict)

    @property
    def flagged_at(self) -> Reached | None:
        """When it was flagged, None for never."""
        times = [reached for action, reached in self.first.items() if action >= FLAGGED]
        return min(times, key=lambda reached: (reached.request, reached.at_us), default=None)

    @property
    def watched(self) -> bool:
        """Whether it was ever watched, or more."""
        return any(action >= Action.WATCH for action in self.first)


@dataclass(slots=True)
class Replay:
    """A replay under way, and what it found once it is over.

    `policy` is the one that was judged by, its mode `enforce`; `decided` what people decided.
    `beyond`: requests of callers who are not told one by one.
    """

    policy: Policy
    decided: Decided = field(default_factory=Decided)
    records: int = 0
    beyond: int = 0
    now_us: int = 0
    callers: dict[str, CallerSeen] = field(default_factory=dict)
    history: HistoryStore = field(init=False)

    def __post_init__(self) -> None:
        self.history = RuledVerdicts(MemoryVerdicts(MAX_CALLERS, changed=self.changed), self.decided)

    def final(self, key: str) -> tuple[Action, Verdict]:
        """What the ladder does with a caller at the end, and the verdict that it goes by."""
        verdict = as_of(self.policy, self.history.standing(key), self.now_us)
        return climb(self.policy, verdict).acting.do, verdict

    def seen(self, record: TraceRecord) -> CallerSeen | None:
        """Count a request; its caller, or None where it is one too many."""
        self.records += 1
        caller = self.callers.get(record.key)
        if caller is None:
            if len(self.callers) >= MAX_CALLERS:
                self.beyond += 1
                return None
            caller = self.callers[record.key] = CallerSeen(record.account)
        caller.requests += 1
        return caller

    def changed(self, key: str) -> None:
        """A verdict was put, or a decision taken: note what the caller reaches for the first time."""
        caller = self.callers.get(key)
        if caller is None:
            return
        action = climb(self.policy, self.history.standing(key)).acting.do
        if action is Action.ALLOW or action in caller.first:
            return
        for rung in self.policy.ladder:
            if Action.ALLOW < rung.do <= action and not rung.shadow:
                caller.first.setdefault(rung.do, Reached(caller.requests, self.now_us))


def unweighed(record: TraceRecord, judged: Judged, history: HistoryStore) -> None:
    """Learns nothing: nobody is ever suspected."""


def unheard(ruling: Ruling) -> None:
    """Nothing was learnt that a decision could make void."""


async def replay(
    policy: Policy,
    records: Iterable[TraceRecord],
    weigh: Weigh = unweighed,
    *,
    keys: Mapping[str, KeyRecord] = MappingProxyType({}),
    rulings: Iterable[Ruling] = (),
    heard: Callable[[Ruling], object] = unheard,
) -> Replay:
    """Run records, in the order given, through a policy. `keys`: what is known of callers, by key id, see `traceroad`; `rulings`: what
    people decided, each of which `heard` is told of when its time comes.

    TraceError where the records cannot be read.
    """
    policy = replace(policy, mode="enforce")
    found, road = Replay(policy, Decided(rulings)), TraceRoad(policy, keys)
    for record in records:
        for ruling in found.decided.until(max(record.at_us, road.now_us)):
            found.now_us = ruling.at_us
            heard(ruling)
            found.changed(ruling.key_id)
        await step(found, road, record, weigh)
    return found


async def step(found: Replay, road: TraceRoad, record: TraceRecord, weigh: Weigh) -> Judged:
    """Decide one request by its caller's standing verdict, count it, and weigh it."""
    caller = found.seen(record)
    judged = await road.judge(record, found.records, found.history.standing(record.key))
    found.now_us = road.now_us
    if caller is not None:
        caller.refused_by_limit += judged.refused == "limit"
        caller.refused_by_policy += judged.refused == "policy"
        caller.refused_by_ladder += judged.refused == "ladder"
    if found.decided.of(record.key) is not None:
        found.changed(record.key)
    weigh(record, judged, found.history)
    return judged


def merged(traces: Iterable[Iterable[TraceRecord]]) -> Iterable[TraceRecord]:
    """The records of several traces by time; of equal times, those of the trace that was given first. Within a trace its own order."""
    return heapq.merge(*traces, key=lambda record: record.at_us)
