"""The road of recorded requests: one policy's own steps on a virtual clock, as far as the upstream, with quota in memory.

The steps are those of `core/exchange`. Quota is settled by what the record says the answer came to, when it says it ended. Nothing is
called, nothing sleeps, nothing is written. Not on this road: the door's guard per address, and the queues before an upstream.

A trace does not say what a key's own record does (its tier, its tags, limits of its own): without the records every caller is one
whose key says nothing.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal
from urllib.parse import unquote

from gateway.asgi.peer import agent_of, grouped
from gateway.core.exchange import Admit, Assess, Challenge, Identify, Keep, Leave, Own, Read, Record, Relay, Reserve, Settle, Step
from gateway.core.replies import Answered, Found, Payload, Relayed
from gateway.core.trail import Trail
from gateway.dialects.base import Seen
from gateway.dialects.routes import dialect_for, normal_path
from gateway.model.caller import KeyRecord
from gateway.model.decision import Refusal
from gateway.model.evidence import NO_VERDICT, Verdict
from gateway.model.limit import Amounts, Hold
from gateway.model.policy import Policy, Tier, UpstreamRule
from gateway.model.request import Arrival
from gateway.stores.memory_holds import MemoryHolds
from gateway.trace import TraceRecord

__all__ = ["Judged", "RefusedBy", "TraceRoad"]

RefusedBy = Literal["", "limit", "policy", "ladder"]
"""What said no: a limit, anything else that the policy says of the request or its caller, or a rung of the ladder."""

_ANYWHERE = (UpstreamRule("replay", "http://replay"),)
"""The endpoint of a policy that names none: nothing is ever sent there."""

_CLOSED = "caller.blocked"
"""The reason of a rung that refuses, see `core/decide`; what asks for work first is known by its kind."""


@dataclass(frozen=True, slots=True)
class Judged:
    """How one policy decided one request: the last step of its road, at which it would be written down and weighed.

    Of a request that passed that is reached when its answer ends, with what the record says it came to.
    """

    end: Record
    refused: RefusedBy = ""

    @property
    def trail(self) -> Trail:
        """What is known of the request."""
        return self.end.trail

    @property
    def refusal(self) -> Refusal | None:
        """What it was refused with, None for a request that passed."""
        return self.end.outcome.refusal if self.refused else None

    @property
    def rule(self) -> str:
        """The caller rule that matched, "" where none did."""
        return self.trail.rule

    @property
    def tier(self) -> Tier | None:
        """The caller's tier, None where no rule matched."""
        return self.trail.tier

    @property
    def reason(self) -> str:
        """The refusal's stable reason, "" for a request that passed."""
        refusal = self.refusal
        return refusal.reason if refusal else ""

    @property
    def shadowed(self) -> tuple[str, ...]:
        """Limits and rungs that would have acted if they were not in shadow."""
        return self.trail.decision.shadowed if self.trail.decision else ()

    @property
    def changed(self) -> tuple[str, ...]:
        """What of the request was changed before it would have gone out; nothing where it was refused."""
        return () if self.refused else self.trail.changed


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


class TraceRoad:
    """One policy with a clock, a store and the answers under way. `keys`: what is known of callers, by key id; a key that was revoked
    or had expired when the request came is refused."""

    def __init__(self, policy: Policy, keys: Mapping[str, KeyRecord] = MappingProxyType({})) -> None:
        self._keys = keys
        self._policy = policy if policy.upstreams else replace(policy, upstreams=_ANYWHERE)
        self._clock = _Clock()
        self._holds: MemoryHolds | None = None
        self._due: list[_Due] = []

    @property
    def now_us(self) -> int:
        """Unix microseconds on the virtual clock: when the last request arrived. It never goes back."""
        return self._clock.now_us

    async def judge(self, record: TraceRecord, number: int, verdict: Verdict = NO_VERDICT) -> Judged:
        """Decide one request, after everything that ended before it. `number` is its place in the replay; `verdict` its caller's
        standing one."""
        self._clock.now_us = max(self._clock.now_us, record.at_us)
        holds = self._holds = self._holds or MemoryHolds(self._clock)
        await self._wind_up(holds, self._clock.now_us)
        end = await self._walk(self._begin(record, number), record, holds, verdict)
        if isinstance(end, Admit):
            return Judged(self._later(end, record, number, holds.lease_us))
        return Judged(end, _refused_by(end.outcome.refusal))

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
            agent=agent_of([(name.lower().encode(), value.encode()) for name, value in record.headers.items()]),
        )
        route = f"{record.method} {normal_path(path)}"
        return Identify(Trail(arrival, self._policy, dialect_for(record.method, path), route))

    async def _walk(self, step: Identify, record: TraceRecord, holds: MemoryHolds, verdict: Verdict) -> Admit | Record:
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
                    here = here.next(verdict)
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

    def _later(self, end: Admit, record: TraceRecord, number: int, lease_us: int) -> Record:
        """Note when the answer ends, with what the record says it came to; the road's end as it will be then."""
        answer = Relayed(
            Seen(record.usage, terminal=True), "complete", len(record.answer), started=True, first_byte_us=record.first_byte_us
        )
        step: Step = Relay(end.trail, Answered(record.status, stream=False)).next(answer)
        while isinstance(step, Keep | Leave):
            step = step.next()
        if isinstance(step, Settle):
            until = self._clock.now_us + record.duration_us
            first = min(until, self._clock.now_us + lease_us // 2)
            heapq.heappush(self._due, _Due(first, number, until, step.hold, step.amounts))
            step = step.next("settled")
        assert isinstance(step, Record)  # every road ends in its one record
        return step

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


def _refused_by(refusal: Refusal | None) -> RefusedBy:
    if refusal is None:
        return "policy"
    if refusal.reason == _CLOSED or refusal.kind == "challenge":
        return "ladder"
    return "limit" if refusal.kind.startswith("limit_") or refusal.reason.startswith("limit.") else "policy"
