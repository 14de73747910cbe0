"""Random takes, settles, extensions, renewals, expiries, faults and clock steps: the books balance after each of them.

Against a ledger that is worked out apart from the code: what a store says is used is never less than what was truly taken, nothing but
debt is ever above a limit, at no instant and whatever the clock does, and of a lifetime budget the sum is exact to the unit:

    used = held - refunded + debt,   held = settled + refunded + expired + open
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from gateway.errors import OutcomeUnknown, StoreUnavailable
from gateway.model.limit import Amounts, Hold
from gateway.stores.memory_holds import TOMBSTONE_US, MemoryHolds
from gateway.stores.redis import line_to
from gateway.stores.redis_holds import HoldScripts, RedisHolds
from tests.proof.ledger import Entry, Ledger
from tests.support.embedded import Embedded
from tests.support.quota import LUA_CLOCK, START_US, HandClock, bucket, lifetime, sliding, slots

SECOND = 1_000_000
LEASE_US = 90 * SECOND
SCRIPTS = HoldScripts.load(LUA_CLOCK)
FINISH = {"when_spent": "finish"}
LIMITS = {
    "sliding": sliding(100, name="sliding", **FINISH),
    "bucket": bucket(60, burst=40, name="bucket", **FINISH),
    "lifetime": lifetime(50, name="lifetime", **FINISH),
    "slots": slots(3, name="slots", lease_us=100 * SECOND),
}
NAMES = tuple(LIMITS)
faults = st.sampled_from([None] * 7 + ["unavailable", "in vain", "in silence"])
moments = st.sampled_from([1, SECOND // 7, SECOND, 7 * SECOND, 30 * SECOND, 59 * SECOND, 60 * SECOND, 61 * SECOND, 90 * SECOND])
claimed = st.sampled_from([*[(name,) for name in NAMES], ("lifetime", "slots"), ("sliding", "bucket", "lifetime"), NAMES])
wants = st.sampled_from([0, 1, 3, 10, 25, 39, 41, 50])


class Memory:
    """The store in memory. `time` is the store's own."""

    forgets_us = TOMBSTONE_US

    def __init__(self, runner, url):
        self.clock = HandClock()
        self.store = MemoryHolds(self.clock, lease_us=LEASE_US)

    def set_clock(self, us):
        self.clock.now_us = us

    @property
    def time(self):
        return self.store.time()

    def restart(self):
        """Nothing that outlives the process: what it kept is gone, and so is the test's interest in it."""
        return False

    def close(self):
        pass


class Sqlite(Memory):
    """Memory with a file behind it, killed right after a write and opened again."""

    def __init__(self, runner, url):
        self.clock, self.run = HandClock(), runner.run
        self.folder = Path(tempfile.mkdtemp(prefix="azg-proof-"))
        self._open()

    def _open(self):
        self.embedded = self.run(Embedded.open(self.folder / "gateway.db", self.clock, lease_us=LEASE_US))
        self.store = self.embedded.holds

    def restart(self):
        assert self.run(self.embedded.flush())
        self.run(self.embedded.die())
        self._open()
        return True

    def close(self):
        self.run(self.embedded.end())
        shutil.rmtree(self.folder)


class Redis:
    """A real Redis on a clock of the test's."""

    forgets_us = 10**15

    def __init__(self, runner, url):
        self.run, self.now_us = runner.run, START_US

        async def connect():
            line = line_to(url + "?deadline_ms=20000")
            await line.call("FLUSHDB")
            return line

        self.line = self.run(connect())
        self.store = RedisHolds(self.line, lease_us=LEASE_US, scripts=SCRIPTS)
        self.set_clock(START_US)

    def set_clock(self, us):
        self.now_us = us
        self.run(self.line.call("SET", "test:now", us))

    @property
    def time(self):
        return self.now_us

    def restart(self):
        """Only its scripts are gone: it is as if another one had taken its place."""
        self.run(self.line.call("SCRIPT", "FLUSH"))
        return False

    def close(self):
        self.run(self.line.aclose())


class Books(RuleBasedStateMachine):
    """See the module. `known` are the holds of the clients that still care."""

    opened = Memory
    runner: asyncio.Runner
    url = ""

    def __init__(self):
        super().__init__()
        self.world = self.opened(self.runner, self.url)
        self.reading = START_US
        self.ledger = Ledger(LIMITS)
        self.known: dict[str, Entry] = {}
        self.ids = itertools.count()

    def teardown(self):
        self.world.close()

    @initialize()
    def begins_unused(self):
        assert self.used() == dict.fromkeys(NAMES, 0)

    def run(self, work):
        return self.runner.run(work)

    def used(self):
        return {state.claim.limit.id: state.used for state in self.run(self.world.store.look(tuple(LIMITS.values())))}

    def asked(self, fault, call):
        """(what came back, what was really done): None for what the client did not hear, and for what was not done."""
        if fault == "unavailable":
            return StoreUnavailable, None
        if fault == "in vain":
            return OutcomeUnknown, None
        done = self.run(call(self.world.store))
        return (OutcomeUnknown if fault else done), done

    def any_known(self, data):
        return self.known[data.draw(st.sampled_from(sorted(self.known)))]

    def lasts(self, entry):
        return entry.charged and self.world.time < entry.until

    def forgotten(self, entry):
        """Whether a tombstone may be gone, so that the id is as new."""
        return self.world.time >= (entry.until or 0) + self.world.forgets_us - LEASE_US

    # ── What clients do ─────────────────────────────────────────────────────────────────────────

    def _take(self, entry, fault):
        heard, done = self.asked(fault, lambda store: store.take(entry.hold))
        if done is not None and done.held and not entry.charged and not entry.settled:
            entry.until = self.world.time + LEASE_US
            for claim in entry.hold.claims:
                self.ledger.charge(entry, claim.limit.id, claim.want, self.world.time)
        return heard, done

    @rule(names=claimed, want=wants, fault=faults)
    def take(self, names, want, fault):
        claims = tuple(slots(3, name="slots", lease_us=100 * SECOND) if n == "slots" else _wanting(n, want) for n in names)
        entry = Entry(Hold(f"h{next(self.ids)}", claims, self.reading))
        self.known[entry.hold.id] = entry
        least = {name: self.ledger.least(name) for name in names}
        _, done = self._take(entry, fault)
        if done is None:
            return
        fits = [least[c.limit.id] + (1 if c.limit.id == "slots" else c.want) <= c.capacity for c in claims]
        assert not done.held or all(fits), "held what did not fit by the ledger"
        if "lifetime" in names and len(names) == 1:
            assert done.held == all(fits), "a lifetime is exact"

    @precondition(lambda self: self.known)
    @rule(data=st.data(), fault=faults)
    def take_again(self, data, fault):
        """The same id again, or a request that was slow on its way."""
        entry = self.any_known(data)
        if self.forgotten(entry):
            return
        _, done = self._take(entry, fault)
        if done is not None and entry.settled:
            assert done.settled or entry.charged
            assert not done.held or entry.charged

    @precondition(lambda self: self.known)
    @rule(data=st.data(), part=wants, fault=faults, again=st.booleans())
    def extend(self, data, part, fault, again):
        """The next slice, or the last one once more, which charges nothing."""
        entry = self.any_known(data)
        parts = [0 if claim.limit.id == "slots" else part for claim in entry.hold.claims]
        least = {claim.limit.id: self.ledger.least(claim.limit.id) for claim in entry.hold.claims}
        lasts, again = self.lasts(entry) and not entry.settled, again and entry.number > 0
        number = entry.number + (0 if again else 1)
        _, done = self.asked(fault, lambda store: store.extend(entry.hold, number, parts))
        if done is None:
            return
        assert done.settled == (not lasts)
        if done.held and not again:
            assert all(not p or least[c.limit.id] + p <= c.capacity for c, p in zip(entry.hold.claims, parts, strict=True))
            entry.number = number
            for claim, want in zip(entry.hold.claims, parts, strict=True):
                if want:
                    self.ledger.charge(entry, claim.limit.id, want, self.world.time)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), true=st.sampled_from([0, 1, 2, 9, 10, 11, 30, 60]), fault=faults)
    def settle(self, data, true, fault):
        entry = self.any_known(data)
        lasts = self.lasts(entry)
        _, done = self.asked(fault, lambda store: store.settle(entry.hold, Amounts(1, true, 0, 0)))
        if done is None:
            return
        first = "settled" if lasts else "expired" if entry.charged else "unknown_id"
        expected = "repeated" if entry.settled else first
        assert done.outcome == expected or (self.forgotten(entry) and done.outcome == "unknown_id")
        if done.outcome == "settled":
            self.ledger.settle(entry, true, self.world.time)
        elif done.outcome == "expired":
            for charge in entry.charges.get("slots", ()):
                self.ledger.charges["slots"].remove(charge)
        entry.settled = True

    @precondition(lambda self: self.known)
    @rule(data=st.data(), fault=faults)
    def renew(self, data, fault):
        entry = self.any_known(data)
        lasts = self.lasts(entry) and not entry.settled
        _, done = self.asked(fault, lambda store: store.renew(entry.hold))
        if done is None:
            return
        assert done == lasts
        if done:
            entry.until = self.world.time + LEASE_US
            self.ledger.renew(entry)
            for charge in entry.charges.get("slots", ()):
                charge.at = self.world.time if not charge.age else charge.at

    # ── What the world does ─────────────────────────────────────────────────────────────────────

    @rule(us=moments)
    def time_passes(self, us):
        self.reading += us
        self.world.set_clock(self.reading)
        self.ledger.older(us)

    @rule(us=st.sampled_from([-3600, -120, -61, -5, -1, 1, 5, 61, 130, 4000]).map(lambda s: s * SECOND))
    def the_clock_is_set(self, us):
        self.reading += us
        self.world.set_clock(self.reading)
        if us > 0:
            self.ledger.older(us)
        else:
            self.ledger.set_back = True

    @rule()
    def the_state_is_restarted(self):
        """Killed and opened again: what was open counts as spent, slots are free, and nobody asks for the old ids again."""
        if self.world.restart():
            self.ledger.slots_end()
            self.known.clear()

    # ── What must be so ─────────────────────────────────────────────────────────────────────────

    @invariant()
    def the_books_balance(self):
        used, ledger = self.used(), self.ledger
        assert used["lifetime"] == ledger.held - ledger.refunded + ledger.debt
        assert used["lifetime"] == ledger.least("lifetime")
        for name, claim in LIMITS.items():
            assert used[name] >= ledger.least(name), f"{name} says less than was taken"
            assert ledger.least(name, with_debt=False) <= claim.capacity, f"{name} gave out more than it has"
        if not ledger.set_back:
            assert used["sliding"] <= ledger.most("sliding", self.world.time, SECOND)
            assert used["slots"] <= ledger.most("slots", self.world.time, 0)


def _wanting(name, want):
    make = {"sliding": lambda: sliding(100, want, name=name, **FINISH), "lifetime": lambda: lifetime(50, want, name=name, **FINISH)}
    return make[name]() if name in make else bucket(60, want, burst=40, name=name, **FINISH)


def keep_books(store, url, **options):
    with asyncio.Runner() as runner:

        class Kept(Books):
            opened = store

        Kept.runner, Kept.url = runner, url
        run_state_machine_as_test(Kept, settings=settings(**options))


@pytest.mark.parametrize(("store", "examples"), [(Memory, 250), (Sqlite, 15), (Redis, 25)])
def test_the_books_balance_whatever_happens(store, examples, redis_url):
    keep_books(store, redis_url, max_examples=examples, stateful_step_count=30)


@pytest.mark.proof
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("store", "examples"), [(Memory, 4_000), (Sqlite, 500), (Redis, 800)])
def test_the_books_balance_for_a_long_time(store, examples, redis_url):
    keep_books(store, redis_url, max_examples=examples, stateful_step_count=60, derandomize=False, print_blob=True)
