"""Limits that are leased in slices by two processes, one of which dies now and then: nothing but debt is ever above them (and of a
bucket what was refunded after it had drained).

The same ledger as in `test_faults`, over real leases on a real Redis. Redis's clock goes evenly here: a step of it forward makes slices
that are out count shorter, by the step. What is given back is idle for a while, so that a limit may refuse what it has room for; how
long is tested where the slices are.
"""

from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from gateway.errors import OutcomeUnknown, StoreUnavailable
from gateway.model.limit import Amounts, Hold
from gateway.model.value import replace
from gateway.stores.leases import LeasedHolds
from gateway.stores.redis import line_to
from gateway.stores.redis_holds import HoldScripts, RedisHolds
from gateway.stores.redis_leases import RedisLeases
from tests.proof.ledger import Entry, Ledger
from tests.support.quota import LUA_CLOCK, START_US, bucket, lifetime, sliding, slots

SECOND = 1_000_000
LEASE_US = 90 * SECOND
LEASED = {"shared": "leased"}
MAKE = {
    "sliding": lambda want: sliding(100, want, name="sliding", **LEASED),
    "bucket": lambda want: bucket(60, want, burst=40, name="bucket", **LEASED),
    "lifetime": lambda want: lifetime(300, want, name="lifetime", **LEASED),
    "slots": lambda want: slots(
        4, name="slots", lease_us=80 * SECOND, **LEASED
    ),  # shorter than the hold's lease, with which a pool takes slots back
}
LIMITS = {name: make(1) for name, make in MAKE.items()}
NAMES = tuple(LIMITS)
claimed = st.sampled_from([*[(name,) for name in NAMES], ("sliding", "bucket"), ("lifetime", "slots"), NAMES])
wants = st.sampled_from([0, 1, 1, 2, 5, 13, 25, 41])
faults = st.sampled_from([None] * 6 + ["unavailable", "in vain", "in silence"])


class Broken:
    """Leases as a process has them whose Redis fails now and then: `fault` befalls the next call."""

    def __init__(self, inner):
        self.inner, self.fault = inner, None

    def __getattr__(self, name):
        async def call(*args, **options):
            fault, self.fault = self.fault, None
            if fault == "unavailable":
                raise StoreUnavailable("on purpose")
            if fault == "in vain":
                raise OutcomeUnknown("on purpose")
            done = await getattr(self.inner, name)(*args, **options)
            if fault == "in silence":
                raise OutcomeUnknown("on purpose")
            return done

        return call


class Process:
    """One gateway's leases."""

    def __init__(self, line, now):
        self.leases = Broken(RedisLeases(line, clock=LUA_CLOCK))
        exact = RedisHolds(line, lease_us=LEASE_US, scripts=HoldScripts.load(LUA_CLOCK))
        self.store = LeasedHolds(exact, self.leases, spread=False, now=now)
        self.known = {}

    async def die(self):
        """End as a killed process does: nothing is given back any more."""
        tasks = [task for task in (self.store.pools._minder, *self.store.pools._tasks) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Shares(RuleBasedStateMachine):
    """See the module. What is drawn never depends on what came of it: a process looks after its slices by real time, too."""

    runner: asyncio.Runner
    url = ""

    def __init__(self):
        super().__init__()
        self.run = self.runner.run
        self.now_us, self.ids = START_US, itertools.count()
        self.ledger = Ledger(LIMITS)

        async def connect():
            line = line_to(self.url + "?deadline_ms=20000")
            await line.call("FLUSHDB")
            await line.call("SET", "test:now", START_US)
            return line

        self.line = self.run(connect())
        self.processes = [self.process(), self.process()]

    def process(self):
        return Process(self.line, lambda: (self.now_us - START_US) / 1e6)

    def teardown(self):
        for process in self.processes:
            self.run(process.die())
        self.run(self.line.aclose())

    def asked(self, process, fault, call):
        """What came of a call in the midst of which Redis may fail; None where nobody knows."""
        process.leases.fault = fault
        try:
            return self.run(call(process.store))
        except (StoreUnavailable, OutcomeUnknown):
            return None
        finally:
            process.leases.fault = None

    @rule(which=st.integers(0, 1), names=claimed, want=wants, many=st.sampled_from([1, 3, 10, 30]), fault=faults)
    def take(self, which, names, want, many, fault):
        """A number of requests, one after the other, in the midst of the first of which Redis may fail."""
        process = self.processes[which]
        for turn in range(many):
            entry = Entry(Hold(f"h{next(self.ids)}", tuple(MAKE[name](want) for name in names), self.now_us))
            self._take(process, entry, fault if not turn else None)

    def _take(self, process, entry, fault):
        done = self.asked(process, fault, lambda store: store.take(entry.hold))
        if done is not None and done.held:
            entry.until = self.now_us + LEASE_US
            process.known[entry.hold.id] = entry
            for claim in entry.hold.claims:
                self.ledger.charge(entry, claim.limit.id, claim.want, self.now_us)

    @rule(which=st.integers(0, 1), place=st.integers(0, 50), true=st.sampled_from([0, 1, 2, 5, 20, 60]))
    def settle(self, which, place, true):
        process = self.processes[which]
        if not process.known:
            return
        entry = process.known.pop(list(process.known)[place % len(process.known)])
        outcome = self.run(process.store.settle(entry.hold, Amounts(1, true, 0, 0))).outcome
        assert (outcome == "settled") == (self.now_us < entry.until)
        if outcome == "settled":
            self.ledger.settle(entry, true, self.now_us)

    @rule(which=st.integers(0, 1), place=st.integers(0, 50), part=st.sampled_from([0, 1, 5, 13, 41]))
    def extend(self, which, place, part):
        process = self.processes[which]
        if not process.known:
            return
        entry = process.known[list(process.known)[place % len(process.known)]]
        hold = replace(entry.hold, claims=tuple(replace(c, limit=replace(c.limit, when_spent="finish")) for c in entry.hold.claims))
        parts = [0 if claim.limit.id == "slots" else part for claim in hold.claims]
        done = self.run(process.store.extend(hold, entry.number + 1, parts))
        if done.held:
            entry.number += 1
            for claim, want in zip(hold.claims, parts, strict=True):
                if want:
                    self.ledger.charge(entry, claim.limit.id, want, self.now_us)

    @rule(us=st.sampled_from([SECOND // 10, SECOND, 2 * SECOND, 7 * SECOND, 30 * SECOND, 59 * SECOND, 61 * SECOND]))
    def time_passes(self, us):
        for step in (min(us, 2 * SECOND), max(us - 2 * SECOND, 0)):
            self.now_us += step
            self.run(self.line.call("SET", "test:now", self.now_us))
            self.ledger.older(step)
            for process in self.processes:
                self.run(process.store.pools.mind())

    @rule(which=st.integers(0, 1))
    def a_process_is_killed(self, which):
        self.run(self.processes[which].die())
        self.processes[which] = self.process()

    @invariant()
    def no_limit_gives_out_more_than_it_has(self):
        # What is refunded to a bucket may have drained already: with leases it may then be given out once more.
        refunded = sum(charge.want - charge.net for charge in self.ledger.charges["bucket"])
        for name, claim in LIMITS.items():
            most = claim.capacity + (refunded if name == "bucket" else 0)
            assert self.ledger.least(name, with_debt=False) <= most, f"{name} gave out more than it has"


def lease_for(url, **options):
    with asyncio.Runner() as runner:

        class Kept(Shares):
            pass

        Kept.runner, Kept.url = runner, url
        run_state_machine_as_test(Kept, settings=settings(**options))


def test_leased_limits_never_give_out_more_than_they_have(redis_url):
    lease_for(redis_url, max_examples=25, stateful_step_count=30)


@pytest.mark.proof
@pytest.mark.timeout(3600)
def test_so_it_is_for_a_long_time(redis_url):
    lease_for(redis_url, max_examples=400, stateful_step_count=60, derandomize=False, print_blob=True)
