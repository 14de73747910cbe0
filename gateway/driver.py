"""The only file that awaits between the steps of the road: it does each step's I/O, replies, and asks for the next one.

Two rules are kept here and nowhere else. Whatever cuts a step short (a client that leaves, a cancellation, a fault) leads
through `abort`, so that the hold is settled and the record written all the same. And once a road is winding up (Settle,
Record), nothing interrupts it: a cancellation from outside lets it finish in a task of its own. What fails while it winds up
(a store, a sink) is written down and counted, and never costs the client its answer.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, assert_never

from gateway.core.exchange import (
    Abort,
    Admit,
    Answer,
    Assess,
    Challenge,
    Done,
    Extend,
    Forward,
    Identify,
    Keep,
    Leave,
    Open,
    Own,
    Read,
    Record,
    Relay,
    Reserve,
    Rewrite,
    Settle,
    Step,
    abort,
)
from gateway.core.replies import Answered, Broken, Found, Lost, NotRead, Outrun, Payload, Relayed
from gateway.core.trail import Trail
from gateway.errors import OutcomeUnknown, StoreError
from gateway.model.admission import Saturated
from gateway.model.limit import Claim, Count, Hold, Taken
from gateway.model.policy import Policy
from gateway.model.record import SettleOutcome
from gateway.model.value import replace
from gateway.ports import Admission, AuditSink, Clock, HistoryStore, HoldStore, KeyStore, Meter, OwnerStore

__all__ = ["Door", "Driver", "Lessons", "World"]

T = TypeVar("T")

_log = logging.getLogger("gateway")

_RECORD_DEADLINE_S = 5.0
"""How long an answer's end waits for its record; then the policy's `audit.when_lost` says what becomes of it."""

_SETTLE_DEADLINE_S = 5.0
"""How long a settle may take, should the store not keep the deadline of its own."""

_RENEW_EVERY_S = 1.0
"""How often leases are looked through; each is renewed when a third of it is over."""


class Door(Protocol):
    """One request's connections as the driver needs them: to the client, and through `forward` and `relay` to the upstream.

    - `gone`: the client has left; answering then does nothing.
    - `began`: when the request arrived, on the loop's clock.
    - `watch(trail)`: from now on notice a client that leaves, where its body does not still have to be read for that.
    - `pardon(interruptible)` says from when on the client's leaving may cut the road short (by cancelling it), and until when.
    - `absorbs_cancel()` says whether the cancellation just caught was the door's own, and takes it back.
    - `relay(trail)` hands the answer on as far as the trail's cover reaches, again from where it stopped when it is asked again; where
      the trail's budget is `spent` it ends the answer there, if that can be done.
    - `so_far()` what the relay has handed on and counted so far, None before there is one.
    """

    gone: bool
    began: float

    async def read_body(self, limit: int) -> Payload | NotRead: ...
    def watch(self, trail: Trail) -> None: ...
    async def forward(self, trail: Trail) -> Answered | Broken | NotRead: ...
    async def relay(self, trail: Trail) -> Relayed | Outrun: ...
    async def answer(self, step: Answer) -> None: ...
    def so_far(self) -> Relayed | None: ...
    def fail(self, error: Exception) -> None: ...
    def pardon(self, *, interruptible: bool) -> None: ...
    def absorbs_cancel(self) -> bool: ...


class Lessons(Protocol):
    """What takes requests over once they are written down, to learn from them; never waits, never fails. `ended_us`: Unix time."""

    def see(self, step: Record, ended_us: int) -> None: ...


@dataclass(frozen=True, slots=True)
class World:
    """The adapters that a driver works with, made by the composition root.

    `degraded` gives out this process's own share of limits that say `degrade` while the shared store is lost. `weigher` None: there is
    nothing that learns from requests.
    """

    keys: KeyStore
    holds: HoldStore
    degraded: HoldStore
    admission: Admission
    history: HistoryStore
    owners: OwnerStore
    sink: AuditSink
    meter: Meter
    clock: Clock
    weigher: Lessons | None = None


class Driver:
    """Drives requests along the road, and renews the holds of those under way."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.closing = False
        self.in_flight = 0
        self._renewals: dict[str, tuple[Hold, float]] = {}
        self._settling: dict[str, asyncio.Task[SettleOutcome]] = {}
        self._lost: bool | None = None  # nobody has asked yet
        self._apart: set[asyncio.Task[Any]] = set()

    async def drive(self, first: Identify, door: Door) -> None:
        """Take one request along its road. Returns when its record is written and its answer handed on."""
        step: Step = first
        self.in_flight += 1
        try:
            while not isinstance(step, Done):
                try:
                    step = await self._take(step, door)
                except asyncio.CancelledError as error:
                    if door.absorbs_cancel():
                        step = abort(step, self._reason(door), self._so_far(door))
                    elif isinstance(step, Answer) or _asked_to_stop():
                        await self._finish_apart(step, door)
                        raise
                    else:
                        # Nobody cancelled this task, but something that it waited for was: a fault like any other.
                        step = self._faulted(step, door, error)
                except Exception as error:
                    if isinstance(step, Answer):
                        raise
                    step = self._faulted(step, door, error)
        finally:
            self.in_flight -= 1
            self._renewals.pop(first.trail.arrival.id, None)

    async def renew_holds(self) -> None:
        """Run for as long as the process serves: extends the leases of requests that are still under way."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_RENEW_EVERY_S)
            now = loop.time()
            due = [hold for hold, since in self._renewals.values() if now >= since + self._renew_after(hold)]
            await asyncio.gather(*(self._renew(hold) for hold in due))
            if self._lost:
                await self._probe()

    async def drain(self, deadline_s: float) -> None:
        """Wait until no request is under way, at most so long; what winds up apart is waited for too."""
        self.closing = True
        loop = asyncio.get_running_loop()
        end = loop.time() + deadline_s
        while (self.in_flight or self._apart) and loop.time() < end:  # noqa: ASYNC110 - once, at the end; an event would cost each request
            await asyncio.sleep(0.02)

    # ── One step ────────────────────────────────────────────────────────────────────────────────

    async def _take(self, step: Step, door: Door) -> Step:
        world = self.world
        match step:
            case Identify():
                return step.next(await self._find(step))
            case Read():
                return step.next(await door.read_body(step.max_body))
            case Assess():
                return step.next(world.history.standing(step.trail.caller.key_id if step.trail.caller else ""))
            case Own():
                return step.next(await self._owners(step))
            case Challenge():
                return step.next()
            case Reserve():
                door.pardon(interruptible=True)
                return step.next(await self._reserve(step))
            case Admit():
                self._watch_lease(step.trail.hold)
                return step.next(await self._admit(step, door))
            case Forward():
                door.pardon(interruptible=True)
                return step.next(await door.forward(step.trail))
            case Open():
                return step.next(await self._open(step))
            case Relay():
                return step.next(await door.relay(step.trail))
            case Extend():
                return step.next(await self._extend(step))
            case Rewrite():
                return step.next()
            case Keep():
                door.pardon(interruptible=False)
                return step.next(await self._keep(step))
            case Leave():
                self.world.admission.leave(step.trail.arrival.id, step.ended)
                return step.next()
            case Settle():
                door.pardon(interruptible=False)
                return step.next(await self._settle(step))
            case Record():
                door.pardon(interruptible=False)
                return step.next(await self._record(step))
            case Answer():
                await door.answer(step)
                return step.next()
            case Done():
                return step
            case _:
                assert_never(step)

    async def _find(self, step: Identify) -> Found | Lost:
        try:
            record = await self.world.keys.find(step.lookup) if step.lookup else None
        except StoreError as error:
            self._up(False)
            known = self.world.keys.remembered(step.lookup or "") if _goes_on_without_state(step.trail.policy) else None
            if known is None:
                return Lost(type(error).__name__)
            record = known
        return Found(record, self.world.clock.now())

    async def _owners(self, step: Own) -> tuple[str | None, ...] | Lost:
        try:
            return tuple([await self.world.owners.owner(ref) for ref in step.refs])
        except StoreError as error:
            return Lost(type(error).__name__)

    async def _keep(self, step: Keep) -> Lost | None:
        caller = step.trail.caller
        try:
            await self.world.owners.claim(step.outcome.seen.object_id, caller.key_id if caller else "")
        except StoreError as error:
            return Lost(type(error).__name__)
        return None

    async def _reserve(self, step: Reserve) -> Taken | Lost:
        meter = self.world.meter
        try:
            taken = await self._store_of(step.hold).take(step.hold)
        except OutcomeUnknown as error:
            meter.count("gateway_holds_total", ("unknown",))
            return self._state_lost(step.hold.claims, Lost(type(error).__name__, unknown=True))
        except StoreError as error:
            meter.count("gateway_holds_total", ("failed",))
            return self._state_lost(step.hold.claims, Lost(type(error).__name__))
        if self._lost is not False and not step.hold.degraded:
            self._up(True)
        meter.count("gateway_holds_total", ("taken" if taken.held else "refused",))
        return taken

    async def _extend(self, step: Extend) -> Taken | Lost:
        meter = self.world.meter
        try:
            taken = await self._store_of(step.hold).extend(step.hold, step.slice.number, step.slice.wants)
        except StoreError as error:
            meter.count("gateway_slices_total", ("lost",))
            return self._state_lost(step.hold.claims, Lost(type(error).__name__, unknown=isinstance(error, OutcomeUnknown)))
        meter.count("gateway_slices_total", ("taken" if taken.held else "closed" if taken.settled else "refused",))
        return taken

    def _state_lost(self, claims: tuple[Claim, ...], lost: Lost) -> Lost:
        meter = self.world.meter
        self._up(False)
        for mode in sorted({claim.limit.when_state_is_lost for claim in claims}):
            meter.count("gateway_state_lost_total", (mode,))
        return lost

    async def _admit(self, step: Admit, door: Door) -> Saturated | None:
        door.pardon(interruptible=True)
        door.watch(step.trail)
        return await self.world.admission.admit(step.ask, int(door.began * 1e6))

    async def _open(self, step: Open) -> Lost | None:
        try:
            await self.world.sink.opened(step.trail.opened_line(self.world.clock.now()))
        except Exception as error:  # noqa: BLE001 - whatever the sink's trouble is, the policy says what becomes of the answer
            return self._line_lost("opened line", step.trail.arrival.id, error)
        return None

    async def _settle(self, step: Settle) -> SettleOutcome:
        hold = step.hold
        self._renewals.pop(hold.id, None)
        if self._store_of(hold).local:
            return await self._settled(step)
        # Begun once: where this wait is cancelled, the road goes on apart, comes here again, and waits for the same call.
        task = self._settling.get(hold.id)
        if task is None:
            task = self._settling[hold.id] = self._spawn(self._settled(step))
        return await asyncio.shield(task)

    async def _settled(self, step: Settle) -> SettleOutcome:
        hold, world = step.hold, self.world
        store = self._store_of(hold)
        if hold.degraded and not hold.sure:
            # The shared store may have taken it too, whole: there as here the truth takes its place.
            self._spawn(world.holds.settle(replace(hold, degraded=False), step.amounts))
        try:
            if store.local:
                outcome: SettleOutcome = (await store.settle(hold, step.amounts)).outcome
            else:
                async with asyncio.timeout(_SETTLE_DEADLINE_S):
                    outcome = (await store.settle(hold, step.amounts)).outcome
        except (OutcomeUnknown, TimeoutError):
            outcome = "unknown"
        except StoreError:
            outcome = "failed"
        except Exception as error:  # noqa: BLE001 - a store's fault must not cost the client its answer
            self._log_fault(step, error)
            outcome = "unknown"
        world.meter.count("gateway_settles_total", (outcome,))
        return outcome

    async def _record(self, step: Record) -> Lost | None:
        record = step.record(self.world.clock.now())
        if self._settling:
            self._settling.pop(record.id, None)
        self._measure(step, record.ended_us)
        if self.world.weigher is not None:
            self.world.weigher.see(step, record.ended_us)
        try:
            async with asyncio.timeout(_RECORD_DEADLINE_S):
                await self.world.sink.record(record)
        except Exception as error:  # noqa: BLE001 - whatever the sink's trouble is, the policy says what becomes of the answer
            return self._line_lost("record", record.id, error)
        return None

    def _line_lost(self, what: str, request: str, error: Exception) -> Lost:
        self.world.meter.count("gateway_audit_lost_total")
        _log.error("the %s of %s could not be written (%s)", what, request, type(error).__name__)
        return Lost(type(error).__name__)

    # ── What surrounds the steps ────────────────────────────────────────────────────────────────

    def _reason(self, door: Door) -> Abort:
        if door.gone:
            return "client_gone"
        return "shutdown" if self.closing else "cancelled"

    def _so_far(self, door: Door) -> Relayed | None:
        try:
            return door.so_far()
        except Exception as error:  # noqa: BLE001 - a relay that broke may not be able to count any more either
            _log.error("what was handed on is not known: %s", type(error).__name__)
            return None

    def _faulted(self, step: Step, door: Door, error: BaseException) -> Step:
        """Where a fault leads. One that comes while winding up leaves the answer as it is."""
        self._log_fault(step, error)
        if isinstance(error, Exception) and not isinstance(step, Keep | Leave | Settle | Record):
            door.fail(error)
        return abort(step, "fault", self._so_far(door))

    async def _finish_apart(self, step: Step, door: Door) -> None:
        """Wind a road up in a task of its own, so that whoever cancelled this one may cancel again without harm."""
        rest = step if isinstance(step, Settle) else abort(step, self._reason(door), self._so_far(door))
        door.gone = door.gone or not self.closing
        await asyncio.shield(self._spawn(self._finish(rest, door)))

    async def _finish(self, step: Step, door: Door) -> None:
        while not isinstance(step, Done):
            try:
                step = await self._take(step, door)
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - whatever it is, the road must be wound up
                if not isinstance(step, Answer):
                    self._log_fault(step, error)
                step = abort(step, "fault")

    def _spawn(self, call: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.ensure_future(call)
        self._apart.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._apart.discard(task)
        if not task.cancelled():
            task.exception()

    def _store_of(self, hold: Hold) -> HoldStore:
        return self.world.degraded if hold.degraded else self.world.holds

    def _watch_lease(self, hold: Hold | None) -> None:
        if hold is not None:
            self._renewals[hold.id] = (hold, asyncio.get_running_loop().time())

    def _renew_after(self, hold: Hold) -> float:
        """A third of the shortest lease, in seconds on the loop's clock: the wall's may step."""
        slots = [claim.limit.window_us for claim in hold.claims if claim.limit.count is Count.CONCURRENT]
        return min([self._store_of(hold).lease_us, *slots]) / 3e6

    async def _probe(self) -> None:
        """Ask a state that was lost for nothing: once it answers, it is told to be up, whether requests come or not."""
        try:
            await self.world.holds.look(())
        except StoreError:
            return
        self._up(True)

    def _up(self, up: bool) -> None:
        if self._lost is not (not up):
            self._lost = not up
            self.world.meter.gauge("gateway_state_up", 1.0 if up else 0.0)

    async def _renew(self, hold: Hold) -> None:
        try:
            await self._store_of(hold).renew(hold)
        except StoreError:
            return
        except Exception as error:  # noqa: BLE001 - one failure must not end the renewals of all
            _log.error("the lease of %s could not be renewed (%s)", hold.id, type(error).__name__)
            return
        if hold.id in self._renewals:
            self._renewals[hold.id] = (hold, asyncio.get_running_loop().time())

    def _measure(self, step: Record, ended_us: int) -> None:
        """Count a request where its record is made: metrics and audit can't disagree on how many there were."""
        meter, trail, outcome = self.world.meter, step.trail, step.outcome
        operation = trail.dialect.operation
        forwarded = "forward" if outcome.refusal is None else "refuse"
        meter.count("gateway_requests_total", (operation, forwarded, outcome.end))
        meter.observe("gateway_request_duration_seconds", max(ended_us - trail.arrival.at_us, 0) / 1e6, (operation,))
        if outcome.first_byte_us is not None:
            meter.observe("gateway_first_byte_seconds", outcome.first_byte_us / 1e6, (operation,))
        if outcome.refusal is not None:
            meter.count("gateway_refusals_total", (outcome.refusal.reason,))
        if outcome.end == "client_gone":
            meter.count("gateway_disconnects_total")
        if outcome.end in {"upstream_failed", "upstream_truncated"}:
            meter.count("gateway_upstream_errors_total", (trail.upstream.id if trail.upstream else "", outcome.fault))
        usage = outcome.seen.usage
        if usage.total:
            meter.count("gateway_tokens_total", ("input", usage.source), usage.input)
            meter.count("gateway_tokens_total", ("output", usage.source), usage.output)
        if "cut" in trail.changed:
            meter.count("gateway_streams_cut_total", (outcome.fault,))
        for what in trail.decision.shadowed if trail.decision else ():
            meter.count("gateway_shadow_total", (what,))

    @staticmethod
    def _log_fault(step: Step, error: BaseException) -> None:
        """Type and place only: an exception's text may hold what a client sent."""
        request = "" if isinstance(step, Done) else (step.relay if isinstance(step, Extend | Rewrite) else step).trail.arrival.id
        frames = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(traceback.extract_tb(error.__traceback__)[-4:]))
        _log.error("request %s failed at %s: %s in %s", request, type(step).__name__, type(error).__name__, frames)


def _goes_on_without_state(policy: Policy) -> bool:
    """Whether any limit lets requests through while the state is lost; keys that were seen are then believed, and the limits decide."""
    limits = (limit for tier in policy.tiers.values() for limit in tier.limits)
    return policy.when_state_is_lost != "refuse" or any(limit.when_state_is_lost != "refuse" for limit in limits)


def _asked_to_stop() -> bool:
    """Whether somebody cancelled the task that runs now, rather than something that it waited for."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
