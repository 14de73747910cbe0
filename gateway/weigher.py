"""Weighs requests after their end, off the road: a bounded queue, read in short slices within a share of one CPU.

The road hands over what there is to weigh and goes on; nothing waits here for anything. When more comes than can be weighed, the rest
is shed and counted, of no caller more than its part of the queue. A body's bytes live in the queue until they are weighed and nowhere
after that: what stays are sketches and numbers.
"""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import msgspec

from gateway.core.exchange import Record
from gateway.linking import Linking
from gateway.model.evidence import NO_VERDICT, Verdict
from gateway.model.look import Look, RefusedBy
from gateway.model.policy import Policy
from gateway.model.request import RequestFacts, Usage
from gateway.model.value import replace
from gateway.ports import HistoryStore, Meter
from gateway.risk.campaigns import Campaigns, linkage_of
from gateway.risk.course import went
from gateway.risk.fading import as_of
from gateway.risk.scales import Scales, active
from gateway.risk.sum import Peaks, with_peak
from gateway.signals.look import look_of

__all__ = ["Weigher"]

_log = logging.getLogger("gateway")

_DENIED = frozenset({"model_denied", "route_denied", "feature_denied", "caller_blocked"})
_ITEM_BYTES = 1_024
"""What one that waits takes beside its body."""

_SLICE_S = 0.001
"""How long the loop is kept busy at once; one request takes a tenth of that."""

_PAUSE_S = 0.01
"""Between the first that comes and its weighing: its answer goes out first, and others may come along."""

_NO_DOCUMENT: dict[str, Any] = {}


class _Ended(msgspec.Struct, frozen=True):
    """One request that has come to its end, as it waits."""

    policy: Policy
    rule: str
    dialect: str
    asked: bytes | None
    facts: RequestFacts
    key_id: str
    account: str
    peer: str
    attributes: Any
    agent: str
    at_us: int
    ended_us: int
    status: int
    usage: Usage
    first_byte_us: int | None
    finish: str
    refused: RefusedBy

    @property
    def size(self) -> int:
        return _ITEM_BYTES + (len(self.asked) if self.asked is not None else 0)


class Weigher:
    """The queue and what weighs it. `share` of one CPU at most; `most_items` and `most_bytes` may wait; `cpu` measures its own time,
    in seconds. `campaigns`: who is linked, None where nobody is asked. `linking` looks for them in steps, as a server has to; where
    there is none they are looked for at once, as a replay may. `taught(policy, rule, look)` hears what was weighed."""

    def __init__(
        self,
        scales: Scales,
        history: HistoryStore,
        meter: Meter,
        *,
        share: float = 0.1,
        most_items: int = 4_096,
        most_bytes: int = 16 * 1024 * 1024,
        cpu: Callable[[], float] = time.thread_time,
        campaigns: Campaigns | None = None,
        linking: Linking | None = None,
    ) -> None:
        self.scales = scales
        self.campaigns = linking.campaigns if linking is not None else campaigns
        self.linking = linking
        self.taught: Callable[[Policy, str, Look], object] | None = None
        self._history = history
        self._meter = meter
        self.rest = 1.0 / share - 1.0
        self._most_items = most_items
        self._most_bytes = most_bytes
        self._most_of_one = max(1, most_items // 8)
        self._cpu = cpu
        self._queue: deque[_Ended] = deque()
        self._bytes = 0
        self._by_caller: Counter[str] = Counter()
        self._woken = asyncio.Event()
        self._weighed = 0
        self._shed = 0
        self._policy: Policy | None = None
        self._wanted = False

    # ── On the road ─────────────────────────────────────────────────────────────────────────────

    def see(self, step: Record, ended_us: int) -> None:
        """Take one request over, or shed it. Never waits."""
        trail = step.trail
        caller, facts = trail.caller, trail.facts
        if caller is None or facts is None or facts.operation == "opaque" or not self._watches(trail.policy):
            return
        outcome, refusal = step.outcome, step.outcome.refusal
        kind = refusal.kind if refusal else ""
        ended = _Ended(
            policy=trail.policy,
            rule=trail.rule,
            dialect=trail.dialect.name,
            asked=trail.asked,
            facts=facts,
            key_id=caller.key_id,
            account=caller.account,
            peer=caller.peer,
            attributes=caller.attributes,
            agent=trail.arrival.agent,
            at_us=trail.arrival.at_us,
            ended_us=ended_us,
            status=outcome.status,
            usage=outcome.seen.usage,
            first_byte_us=outcome.first_byte_us,
            finish=outcome.seen.finish,
            refused="limit" if kind.startswith("limit_") else "policy" if kind in _DENIED else "",
        )
        why = self._no_room(ended)
        if why:
            self._lose(why)
            return
        self._queue.append(ended)
        self._bytes += ended.size
        self._by_caller[ended.key_id] += 1
        self._woken.set()

    def _watches(self, policy: Policy) -> bool:
        """Whether the policy has a use for requests: a signal that is not off, or linkage, where it names it. Asked on the road, and
        answered once a policy."""
        if policy is not self._policy:
            self._policy = policy
            linked = "linkage" in policy.signals and linkage_of(policy) != "off"
            self._wanted = linked or bool(active(policy, self.scales.signals))
        return self._wanted

    def _no_room(self, ended: _Ended) -> str:
        if len(self._queue) >= self._most_items or self._bytes + ended.size > self._most_bytes:
            return "full"
        return "caller" if self._by_caller[ended.key_id] >= self._most_of_one else ""

    def _lose(self, why: str) -> None:
        self._shed += 1
        self._meter.count("gateway_weigh_shed_total", (why,))

    # ── Off the road ────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Run for as long as the process serves."""
        while True:
            await self._woken.wait()
            await asyncio.sleep(_PAUSE_S)
            self._woken.clear()
            while self._queue or (self.linking is not None and self.linking.busy):
                if self._queue:
                    await asyncio.sleep(self.weigh_some(_SLICE_S) * self.rest)
                await asyncio.sleep(self._link_some(_SLICE_S / 2) * self.rest)

    def weigh_some(self, budget_s: float) -> float:
        """Weigh what waits, at least one, until the budget is spent; seconds of CPU that it took."""
        began = self._cpu()
        judged: dict[str, Policy] = {}
        weighed = 0
        now_us = 0
        while self._queue and (not weighed or self._cpu() - began < budget_s):
            ended = self._taken()
            weighed += 1
            try:
                moved = self._feed(ended)
            except Exception as error:  # noqa: BLE001 - one signal's fault must not end the weighing of all
                self._fault(error)
                continue
            judged.update(dict.fromkeys(moved, ended.policy))
            judged[ended.key_id] = ended.policy
            now_us = max(now_us, ended.ended_us)
            self._weighed += 1
        for key_id, policy in judged.items():
            self.judge(policy, key_id, now_us)
        spent = self._cpu() - began
        self._told(weighed, spent)
        return spent

    def wake(self) -> None:
        """There may be something to do that did not come by `see`."""
        self._woken.set()

    def _link_some(self, budget_s: float) -> float:
        if self.linking is None or not self.linking.busy:
            return 0.0
        try:
            spent = self.linking.work(budget_s)
        except Exception as error:  # noqa: BLE001 - as with a signal
            self._fault(error)
            return budget_s
        self.spent("link", spent)
        return spent

    def link(self, policy: Policy, now_us: int) -> None:
        """Ask now who moves together, and judge anew those in a campaign. Takes longer than a slice."""
        for key_id in () if self.campaigns is None else self.campaigns.ask(policy, "", now_us):
            self.judge(policy, key_id, now_us)

    def _taken(self) -> _Ended:
        ended = self._queue.popleft()
        self._bytes -= ended.size
        left = self._by_caller[ended.key_id] - 1
        if left:
            self._by_caller[ended.key_id] = left
        else:
            del self._by_caller[ended.key_id]
        return ended

    def _feed(self, ended: _Ended) -> frozenset[str]:
        """The key ids of others whose verdict may change by it."""
        if ended.key_id not in self.scales.callers:
            standing = as_of(ended.policy, self._history.standing(ended.key_id), ended.at_us)
            if standing.score > 0.0:
                self.scales.resume(ended.key_id, standing, ended.at_us)
        look = _look(ended)
        self.scales.feed(ended.policy, ended.rule, look)
        if self.taught is not None:
            self.taught(ended.policy, ended.rule, look)
        if self.linking is not None:
            self.linking.see(ended.policy, ended.rule, look)
            return frozenset()
        return frozenset() if self.campaigns is None else self.campaigns.feed(ended.policy, ended.rule, look)

    def judge(self, policy: Policy, key_id: str, now_us: int) -> Verdict | None:
        """Have the verdict stand that the caller's evidence and its campaign's come to now. None where nothing is known of it."""
        try:
            return self._judged(policy, key_id, now_us)
        except Exception as error:  # noqa: BLE001 - as above
            self._fault(error)
            return None

    def _judged(self, policy: Policy, key_id: str, now_us: int) -> Verdict | None:
        own, standing = self.scales.standing(policy, key_id, now_us), self._history.standing(key_id)
        if own is None:
            # Its evidence is with another process, or forgotten: what stands is all that is known of it.
            own = as_of(policy, replace(standing, campaign=None), now_us)
        verdict = own if self.campaigns is None else self.campaigns.joined(policy, key_id, own, now_us)
        if verdict.campaign is not None and standing.peaks:
            # What its campaign had it come to is no part of the caller's own past.
            verdict, _ = with_peak(policy, _together(own.peaks, standing.peaks), verdict, now_us)
        if _differs(verdict, standing):
            verdict = replace(verdict, course=went(standing.course, now_us, verdict.score))
            self._history.put(key_id, verdict)
        return verdict

    def _fault(self, error: Exception) -> None:
        """Type and place only: an exception's text may hold what a client sent."""
        self._lose("fault")
        frames = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(traceback.extract_tb(error.__traceback__)[-4:]))
        _log.error("a request could not be weighed: %s in %s", type(error).__name__, frames)

    def spent(self, part: str, seconds: float) -> None:
        """Count CPU that a part of detection took."""
        self._meter.count("gateway_weigh_cpu_microseconds_total", (part,), round(seconds * 1e6))

    def _told(self, weighed: int, spent: float) -> None:
        meter = self._meter
        self.spent("weigh", spent)
        meter.count("gateway_weighed_total", (), weighed)
        if weighed:
            meter.observe("gateway_weigh_seconds", spent / weighed)
        meter.gauge("gateway_weigh_queued", float(len(self._queue)))
        meter.gauge("gateway_weigh_share", self._weighed / max(1, self._weighed + self._shed))
        meter.gauge("gateway_weigh_callers", float(len(self.scales.callers)))


def _look(ended: _Ended) -> Look:
    """The request as signals see it. What a body that cannot be read asks for is in its facts."""
    document, facts = _document(ended.asked), ended.facts
    read: dict[str, Any] = {}
    if not document:
        low, high = facts.logit_bias or (0.0, 0.0)
        read = {
            "model": facts.model[:200],
            "stream": facts.stream,
            "choices": facts.choices,
            "logprobs": facts.logprobs,
            "bias": 0 if facts.logit_bias is None else 1,
            "bias_low": low,
            "bias_high": high,
            "max_output": -1 if facts.max_output is None else facts.max_output,
        }
    return look_of(
        ended.dialect,
        document,
        at_us=ended.at_us,
        key_id=ended.key_id,
        account=ended.account,
        peer=ended.peer,
        status=ended.status,
        input_tokens=ended.usage.input,
        output_tokens=ended.usage.output,
        ttft_us=ended.first_byte_us or 0,
        duration_us=max(0, ended.ended_us - ended.at_us),
        refused=ended.refused,
        finish=ended.finish,
        attributes=_attributes(ended),
        **read,
    )


def _attributes(ended: _Ended) -> tuple[tuple[str, str], ...]:
    """What is known of the caller; where nobody else says which client it has, what the client says."""
    known = tuple(ended.attributes.items())
    return known if not ended.agent or "agent" in ended.attributes else (*known, ("agent", ended.agent))


def _document(asked: bytes | None) -> dict[str, Any]:
    """A body's JSON object; an empty one where there is none."""
    if not asked:
        return _NO_DOCUMENT
    try:
        document = msgspec.json.decode(asked)
    except (ValueError, RecursionError):
        return _NO_DOCUMENT
    return document if isinstance(document, dict) else _NO_DOCUMENT


def _together(peaks: Peaks, others: Peaks) -> Peaks:
    """Both, by time, each lower than the one before it."""
    kept: list[tuple[int, float]] = []
    for at_us, score in sorted({*peaks, *others}):
        while kept and kept[-1][1] <= score:
            kept.pop()
        kept.append((at_us, score))
    return tuple(kept)


def _differs(verdict: Verdict, standing: Verdict) -> bool:
    """Whether a verdict is worth putting: nobody has one of nothing."""
    if standing is NO_VERDICT and not verdict.reasons:
        return False
    return (verdict.score, verdict.high, verdict.kinds, verdict.campaign, verdict.observed) != (
        standing.score,
        standing.high,
        standing.kinds,
        standing.campaign,
        standing.observed,
    )
