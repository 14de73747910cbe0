"""Waiting for a place at an upstream, on the event loop: the queue's order is `quota.fairness`, who may go is `quota.pool`.

Where there is room nothing waits: no task, no future, no timer. Who waits has one future and one timer. A place is given back once,
by the request's id, however its road ends; a wait that is cancelled leaves neither a place taken nor a line behind.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from gateway.model.admission import Ask, Ended, Saturated
from gateway.model.policy import UpstreamRule
from gateway.ports import Meter
from gateway.quota.fairness import FairQueue, Waiting
from gateway.quota.pool import Place, Pool

__all__ = ["Admission"]

_MOST_POOLS = 64
"""Upstreams that are remembered: those of policies that are gone and have nothing under way are forgotten beyond."""

_SOONEST_US = 1_000_000
_LATEST_US = 60_000_000
"""What a refused caller is told to wait is never less and never more."""


@dataclass(eq=False, slots=True)
class _Waiter:
    """One that waits: told None when it has its place, else why it has none."""

    ask: Ask
    arrived: int
    since: int
    told: asyncio.Future[Saturated | None]


class _Upstream:
    """One upstream's places and the queue before it."""

    def __init__(self, rule: UpstreamRule) -> None:
        self.pool = Pool(rule)
        self.queue: FairQueue[_Waiter] = FairQueue(rule.queue.longest)
        self.shown = 0
        self.timer: asyncio.TimerHandle | None = None

    @property
    def idle(self) -> bool:
        return self.pool.idle and not self.queue


class Admission:
    """See `ports.Admission`."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._upstreams: dict[tuple[str, str], _Upstream] = {}
        self._open: dict[str, tuple[_Upstream, Place]] = {}

    async def admit(self, ask: Ask, arrived_us: int) -> Saturated | None:
        """See `ports.Admission`."""
        upstream = self._upstream(ask.upstream)
        now = _now()
        if not ask.acts or not (upstream.queue or not upstream.pool.has_room(ask, now)):
            self._open[ask.id] = (upstream, upstream.pool.give(ask, arrived_us, now))
            return None
        return await self._wait(upstream, ask, arrived_us, now)

    def leave(self, ask_id: str, end: Ended) -> None:
        """See `ports.Admission`."""
        entry = self._open.pop(ask_id, None)
        if entry is None:
            return
        upstream, place = entry
        now = _now()
        upstream.pool.take_back(place, end, now)
        if upstream.pool.limit != upstream.shown and upstream.pool.bounded:
            self._show_limit(upstream)
        if upstream.queue:
            self._serve(upstream, now)

    def _upstream(self, rule: UpstreamRule) -> _Upstream:
        name = rule.id, rule.url
        upstream = self._upstreams.get(name)
        if upstream is None:
            if len(self._upstreams) >= _MOST_POOLS:
                self._upstreams = {name: one for name, one in self._upstreams.items() if not one.idle}
            upstream = self._upstreams[name] = _Upstream(rule)
            self._show_limit(upstream)
        elif upstream.pool.rule is not rule:
            upstream.pool.under(rule)
            upstream.queue.longest = rule.queue.longest
            self._show_limit(upstream)
        return upstream

    # ── Waiting ─────────────────────────────────────────────────────────────────────────────────

    async def _wait(self, upstream: _Upstream, ask: Ask, arrived: int, now: int) -> Saturated | None:
        patience = ask.upstream.queue.wait_us
        cools = upstream.pool.cools_for(ask, now)
        if cools > patience:
            return self._refused(ask, Saturated("cooling", cools))
        loop = asyncio.get_running_loop()
        waiter = _Waiter(ask, arrived, now, loop.create_future())
        waiting = Waiting(waiter, ask.caller, ask.priority, ask.weight)
        out = upstream.queue.push(waiting)
        if out is waiting:
            return self._refused(ask, self._too_many(upstream, ask, now))
        if out is not None:
            _tell(out.item, self._refused(out.item.ask, self._too_many(upstream, out.item.ask, now)))
        timer = loop.call_later(patience / 1e6, self._give_up, upstream, waiting)
        self._serve(upstream, now)
        try:
            return await waiter.told
        except asyncio.CancelledError:
            self._withdraw(upstream, waiting)
            raise
        finally:
            timer.cancel()

    def _serve(self, upstream: _Upstream, now: int) -> None:
        """Give the places that are free to those whose turn it is."""
        pool, queue = upstream.pool, upstream.queue

        def ready(waiting: Waiting[_Waiter]) -> bool:
            return pool.has_room(waiting.item.ask, now)

        while pool.taken < pool.limit and (served := queue.pop(ready)) is not None:
            waiter = served.item
            self._open[waiter.ask.id] = (upstream, pool.give(waiter.ask, waiter.arrived, now))
            self._meter.observe("gateway_queue_wait_seconds", (now - waiter.since) / 1e6, (waiter.ask.upstream.id, waiter.ask.priority))
            _tell(waiter, None)
        self._show_length(upstream)
        self._wake_when_it_warms(upstream, now)

    def _wake_when_it_warms(self, upstream: _Upstream, now: int) -> None:
        """Serve again when a cooldown ends, should anyone wait for it."""
        if upstream.timer is not None:
            upstream.timer.cancel()
            upstream.timer = None
        warms = upstream.pool.warms(now)
        if warms and upstream.queue:
            loop = asyncio.get_running_loop()
            upstream.timer = loop.call_at(warms / 1e6 + 0.001, lambda: self._serve(upstream, _now()))

    def _give_up(self, upstream: _Upstream, waiting: Waiting[_Waiter]) -> None:
        if upstream.queue.remove(waiting):
            self._show_length(upstream)
            late = Saturated("late", self._told(upstream, waiting.item.ask, _now()))
            _tell(waiting.item, self._refused(waiting.item.ask, late))

    def _withdraw(self, upstream: _Upstream, waiting: Waiting[_Waiter]) -> None:
        """A wait that was cancelled: out of its line, or, where its place had just been given, out of that."""
        if upstream.queue.remove(waiting):
            self._show_length(upstream)
        else:
            self.leave(waiting.item.ask.id, Ended("ignored"))

    # ── What is told ────────────────────────────────────────────────────────────────────────────

    def _too_many(self, upstream: _Upstream, ask: Ask, now: int) -> Saturated:
        return Saturated("full", self._told(upstream, ask, now))

    def _told(self, upstream: _Upstream, ask: Ask, now: int) -> int:
        """When to ask again: when the queue of now is likely to be served, and no cooldown lasts."""
        likely = max(upstream.pool.wait_of(len(upstream.queue)), upstream.pool.cools_for(ask, now))
        return min(max(likely, _SOONEST_US), _LATEST_US)

    def _refused(self, ask: Ask, answer: Saturated) -> Saturated:
        self._meter.count("gateway_saturated_total", (ask.upstream.id, answer.why, ask.priority))
        return answer

    def _show_length(self, upstream: _Upstream) -> None:
        self._meter.gauge("gateway_queue_length", float(len(upstream.queue)), (upstream.pool.rule.id,))

    def _show_limit(self, upstream: _Upstream) -> None:
        upstream.shown = upstream.pool.limit
        if upstream.pool.bounded:
            self._meter.gauge("gateway_concurrency_limit", float(upstream.shown), (upstream.pool.rule.id,))


def _tell(waiter: _Waiter, answer: Saturated | None) -> None:
    if not waiter.told.done():
        waiter.told.set_result(answer)


def _now() -> int:
    """Microseconds on the loop's clock, which does not step."""
    return int(asyncio.get_running_loop().time() * 1e6)
