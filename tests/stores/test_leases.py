"""Shared leases: whatever several processes do, crash or believe about the time, what they give out is never above the limit."""

from __future__ import annotations

import asyncio
import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from gateway.errors import OutcomeUnknown, StoreUnavailable
from gateway.model.limit import Amounts, Hold
from gateway.stores.leases import LeasedHolds, spans
from gateway.stores.redis import line_to
from gateway.stores.redis_holds import HoldScripts, RedisHolds
from gateway.stores.redis_leases import RedisLeases
from tests.support.quota import LUA_CLOCK, START_US, bucket, sliding, slots

MINUTE = 60_000_000
AMOUNT, BURST, DRAIN, PLACES = 40, 24, 30, 3
WIDE = {
    "sliding": sliding(AMOUNT, name="s", per=("everyone",), slot="*", shared="leased"),
    "bucket": bucket(DRAIN, burst=BURST, name="b", per=("everyone",), slot="*", shared="leased"),
    "slots": slots(PLACES, name="c", per=("everyone",), slot="*", shared="leased"),
}


class Level:
    """A bucket to which every request was charged at its own time."""

    def __init__(self):
        self.level, self.last = 0.0, 0

    def at(self, now):
        self.level = max(0.0, self.level - (now - self.last) * DRAIN / MINUTE)
        self.last = now
        return self.level


class Fleet(RuleBasedStateMachine):
    """Three processes with clocks of their own on one real Redis. The model is what was really given out, and when."""

    runner: asyncio.Runner
    line = None

    def __init__(self):
        super().__init__()
        self.now = START_US
        self.do(self.line.call("FLUSHDB"))
        self.do(self.line.call("SET", "test:now", self.now))
        self.processes = [self.process(n) for n in range(3)]
        self.open: list[tuple[int, Hold, list[int]]] = []
        self.given: list[tuple[int, list[int]]] = []
        self.level = Level()
        self.slots = 0
        self.serial = 0

    def do(self, call):
        return self.runner.run(call)

    def process(self, n):
        """Its clock started at another moment and runs a little faster or slower than the server's."""
        exact = RedisHolds(self.line, scripts=HoldScripts.load(LUA_CLOCK))
        leases = RedisLeases(self.line, clock=LUA_CLOCK)
        began, pace = self.now, 1.0 + (n - 1) * 0.0005

        def now():
            return 1000.0 * n + (self.now - began) / 1e6 * pace

        process = LeasedHolds(exact, leases, spread=False, now=now)
        process.pools._start_minding = lambda: None
        return process

    @rule(who=st.integers(0, 2), kinds=st.sets(st.sampled_from(sorted(WIDE)), min_size=1), want=st.integers(1, 9))
    def take(self, who, kinds, want):
        self.serial += 1
        claims = tuple(self.claim(kind, want) for kind in sorted(kinds))
        hold = Hold(f"h{self.serial}", claims, self.now)
        if not self.do(self.processes[who].take(hold)).held:
            return
        charged = [want]
        self.open.append((who, hold, charged))
        if "sliding" in kinds:
            self.given.append((self.now, charged))
        if "bucket" in kinds:
            self.level.at(self.now)
            self.level.level += want
        self.slots += "slots" in kinds
        self.nothing_is_above_its_limit()

    @staticmethod
    def claim(kind, want):
        limit = {"sliding": sliding, "bucket": bucket, "slots": slots}
        wide = WIDE[kind]
        if kind == "slots":
            return wide
        more = {"burst": BURST} if kind == "bucket" else {}
        return limit[kind](wide.amount, want, name=wide.limit.id, per=("everyone",), slot="*", shared="leased", **more)

    def nothing_is_above_its_limit(self):
        assert sum(charged[0] for when, charged in self.given if when > self.now - MINUTE) <= AMOUNT
        assert self.level.at(self.now) <= BURST + 1e-6
        assert self.slots <= PLACES

    @precondition(lambda self: self.open)
    @rule(data=st.data(), less=st.integers(0, 9))
    def settle(self, data, less):
        who, hold, charged = self.open.pop(data.draw(st.integers(0, len(self.open) - 1)))
        windows = {claim.limit.window for claim in hold.claims}
        # A bucket's refund may give back what drained meanwhile, leased or not, so the model compares buckets without refunds.
        true = charged[0] if "bucket" in windows else max(0, charged[0] - less)
        assert self.do(self.processes[who].settle(hold, Amounts(1, true, 0, 0))).outcome == "settled"
        charged[0] = true
        self.slots -= "slots" in windows

    @rule(us=st.sampled_from([1, 1_000, 100_000, 1_000_000, 2_000_000, 10_000_000]) | st.integers(1, 4_000_000))
    def time_passes(self, us):
        self.now += us
        self.do(self.line.call("SET", "test:now", self.now))

    @rule(who=st.integers(0, 2))
    def mind(self, who):
        self.do(self.processes[who].pools.mind())

    @rule(who=st.integers(0, 2))
    def crash(self, who):
        """It is gone with all it had; another one starts. What its requests held stays charged, its slots until their lease ends."""
        self.do(self.dead(self.processes[who]))
        self.processes[who] = self.process(who)
        self.open = [entry for entry in self.open if entry[0] != who]
        # The model counts slots that somebody uses; those of the dead are used by nobody.
        self.slots = sum(any(claim.limit.window == "slots" for claim in hold.claims) for _, hold, _ in self.open)

    async def dead(self, process):
        pools = process.pools
        pools._pools.clear()
        pools._events.clear()
        await pools.aclose()

    def teardown(self):
        for process in self.processes:
            self.do(self.dead(process))


def test_no_process_and_no_crash_and_no_clock_makes_the_sum_exceed_the_limit(redis_url):
    with asyncio.Runner() as runner:

        async def connect():
            return line_to(redis_url + "?deadline_ms=10000")

        class Connected(Fleet):
            pass

        Connected.runner, Connected.line = runner, runner.run(connect())
        run_state_machine_as_test(Connected, settings=settings(max_examples=60, stateful_step_count=40))
        runner.run(Connected.line.aclose())


# ── By example ──────────────────────────────────────────────────────────────────────────────────


class Fleetlet:
    """Processes on the session's Redis with a clock that the test sets."""

    def __init__(self, line):
        self.line, self.now_s = line, 0.0

    def process(self):
        exact = RedisHolds(self.line, scripts=HoldScripts.load(LUA_CLOCK))
        process = LeasedHolds(exact, RedisLeases(self.line, clock=LUA_CLOCK), spread=True, now=lambda: self.now_s)
        process.pools._start_minding = lambda: None  # only the test does
        return process

    async def advance(self, seconds):
        self.now_s += seconds
        await self.line.call("INCRBY", "test:now", int(seconds * 1e6))


@pytest.fixture
async def fleet(line):
    await line.call("SET", "test:now", START_US)
    return Fleetlet(line)


def wide(amount, want=1, **more):
    return sliding(amount, want, name="wide", per=("model",), slot="m", **more)


class Given:
    """What was really given out and when, in seconds; `rush` takes until there is no more."""

    def __init__(self, fleet, claim):
        self.fleet, self.claim, self.at = fleet, claim, []

    async def take(self, process):
        held = (await process.take(Hold(f"{len(self.at)}-{self.fleet.now_s}", (self.claim,), 0))).held
        self.at += [self.fleet.now_s] * held
        return held

    async def rush(self, *processes):
        for process in processes:
            while await self.take(process):
                pass

    def most_in_any(self, seconds):
        return max(sum(start <= moment < start + seconds for moment in self.at) for start in self.at)

    def highest_level(self, per_second):
        level, last, highest = 0.0, 0.0, 0.0
        for moment in self.at:
            level, last = max(0.0, level - (moment - last) * per_second) + 1, moment
            highest = max(highest, level)
        return highest


async def some_idle(given, process):
    for _ in range(20):
        await given.take(process)
    idle = process.pools.pool(given.claim).idle(given.fleet.now_s)
    assert idle > 5
    return idle


@pytest.mark.parametrize("wait", [1.9, 30.0])
async def test_what_is_given_out_late_still_counts_for_a_whole_window(fleet, wait):
    """Of a slice that is used at its very end, and of one whose end has passed without anybody minding it."""
    given, one, two = Given(fleet, wide(100)), fleet.process(), fleet.process()
    await some_idle(given, one)
    await fleet.advance(wait)
    await given.rush(one, two)
    for pause in (60.0 - wait - 0.05, 0.1, 1.0, 1.0, 1.0):
        await fleet.advance(pause)
        await given.rush(two, one)
    assert given.most_in_any(60.0) <= 100
    for process in (one, two):
        await process.aclose()


async def test_what_is_given_out_late_of_a_bucket_is_not_on_top_of_what_drained(fleet):
    """While a bucket stands empty its store drains for nobody: what was leased before must have drained with it."""
    given, one, two = Given(fleet, bucket(1800, burst=100, name="wide", per=("model",), slot="m")), fleet.process(), fleet.process()
    await some_idle(given, one)
    await fleet.advance(0.8)
    await given.rush(one, two)
    assert 90 < given.highest_level(30.0) <= 100
    for process in (one, two):
        await process.aclose()


async def test_a_refusal_by_the_account_gives_back_what_everybody_shares(fleet):
    one = fleet.process()
    claims = wide(100), sliding(1, slot="acme")
    assert (await one.take(Hold("a", claims, 0))).held
    taken = await one.take(Hold("b", claims, 0))
    assert (taken.held, [state.fitted for state in taken.states]) == (False, [True, False])
    assert [state.used for state in await one.look(claims)] == [1, 1]
    await one.aclose()


async def test_a_refusal_by_what_everybody_shares_asks_the_account_for_nothing(fleet):
    one = fleet.process()
    claims = wide(1), sliding(10, slot="acme")
    assert (await one.take(Hold("a", claims, 0))).held
    taken = await one.take(Hold("b", claims, 0))
    assert (taken.held, [state.used for state in taken.states]) == (False, [1, 1])
    assert taken.states[0].retry_us > 0
    await one.aclose()


async def test_no_more_lies_idle_than_is_said_and_it_comes_back(fleet):
    """The bound: an eighth of the limit in each process, for two seconds."""
    busy, late = fleet.process(), fleet.process()
    for n in range(200):
        assert (await busy.take(Hold(f"{n}", (wide(1000),), 0))).held
    state = (await late.look([wide(1000)]))[0]
    assert 0 < state.used - 200 <= 1000 // 8
    await fleet.advance(2.0)
    await busy.pools.mind()
    assert (await late.look([wide(1000)]))[0].used == 200
    await busy.aclose()
    await late.aclose()


async def test_a_dead_process_s_slice_stays_charged_until_the_window_lets_go_of_it(fleet):
    dead, other = fleet.process(), fleet.process()
    for n in range(10):
        await dead.take(Hold(f"{n}", (wide(40, 2),), 0))
    charged = (await other.look([wide(40)]))[0].used
    assert charged >= 20
    await fleet.advance(61.9)
    assert (await other.look([wide(40)]))[0].used == charged
    await fleet.advance(0.2)
    assert (await other.look([wide(40)]))[0].used == 0
    dead.pools._pools.clear()
    await dead.aclose()
    await other.aclose()


async def test_a_take_whose_outcome_is_unknown_keeps_what_it_leased_for_its_settle(fleet, monkeypatch):
    one = fleet.process()
    claims = wide(100, 10), sliding(100, 10, slot="acme")

    async def lost(hold):
        raise OutcomeUnknown("no answer")

    monkeypatch.setattr(one._inner, "take", lost)
    with pytest.raises(OutcomeUnknown):
        await one.take(Hold("a", claims, 0))
    assert (await one.look(claims[:1]))[0].used == 10
    assert (await one.settle(Hold("a", claims, 0), Amounts(1, 3, 0, 0))).outcome == "unknown_id"
    assert (await one.look(claims[:1]))[0].used == 3
    await one.aclose()


@pytest.mark.parametrize("broken_by", [OutcomeUnknown("no answer"), asyncio.CancelledError()])
async def test_a_slice_whose_outcome_is_unknown_or_whose_client_left_leaves_nothing_behind(fleet, monkeypatch, broken_by):
    one = fleet.process()
    claims = wide(100, 10, when_spent="finish"), sliding(100, 10, slot="acme", when_spent="finish")
    await one.take(Hold("a", claims, 0))

    async def lost(hold, number, wants):
        raise broken_by

    with monkeypatch.context() as broken:
        broken.setattr(one._inner, "extend", lost)
        with pytest.raises(type(broken_by)):
            await one.extend(Hold("a", claims, 0), 1, (10, 10))
    assert (await one.look(claims[:1]))[0].used == 20
    assert (await one.settle(Hold("a", claims, 0), Amounts(1, 12, 0, 0))).outcome == "settled"
    assert [state.used for state in await one.look(claims)] == [12, 12]
    assert not any(piece.open for piece in one.pools.pool(claims[0]).slices)
    await one.aclose()


async def test_a_take_that_is_sent_again_is_charged_once(fleet, monkeypatch):
    one = fleet.process()
    claims = wide(100, 10), sliding(100, 10, slot="acme")

    async def lost(hold):
        await RedisHolds.take(one._inner, hold)
        raise OutcomeUnknown("no answer")

    with monkeypatch.context() as broken:
        broken.setattr(one._inner, "take", lost)
        with pytest.raises(OutcomeUnknown):
            await one.take(Hold("a", claims, 0))
    first = await one.take(Hold("a", claims, 0))
    assert (first.held, [state.used for state in first.states]) == (True, [10, 10])
    assert await one.take(Hold("a", claims, 0)) == first
    assert (await one.settle(Hold("a", claims, 0), Amounts(1, 3, 0, 0))).outcome == "settled"
    assert [state.used for state in await one.look(claims)] == [3, 3]
    await one.aclose()


async def test_a_take_that_surely_was_not_done_leases_nothing(fleet, monkeypatch):
    one = fleet.process()
    claims = wide(100, 10), sliding(100, 10, slot="acme")

    async def lost(hold):
        raise StoreUnavailable("nobody there")

    monkeypatch.setattr(one._inner, "take", lost)
    with pytest.raises(StoreUnavailable):
        await one.take(Hold("a", claims, 0))
    assert (await one.look(claims[:1]))[0].used == 0
    await one.aclose()


async def test_a_limit_is_leased_where_it_spans_accounts_on_many_nodes_or_says_so(line, fleet):
    assert [spans(sliding(1, per=per)) for per in (("key",), ("account", "model"), ("model",), ("everyone",))] == [
        False, False, True, True,
    ]  # fmt: skip
    one_node = LeasedHolds(RedisHolds(line), RedisLeases(line), spread=False)
    assert [one_node._leased(claim) for claim in (wide(1), wide(1, shared="leased"), sliding(1))] == [False, True, False]
    assert [fleet.process()._leased(claim) for claim in (wide(1), sliding(1), sliding(1, shared="leased"))] == [True, False, True]


async def test_a_hot_limit_costs_a_fraction_of_a_command_a_request(line):
    """Measured: a request with one leased limit, one by one, against one script each for take and settle."""
    holds = LeasedHolds(RedisHolds(line), RedisLeases(line), spread=True)
    hot = wide(100_000, window_us=3_600_000_000)
    await holds.take(Hold("warm", (hot,), 0))
    await line.call("CONFIG", "RESETSTAT")
    for n in range(500):
        assert (await holds.take(Hold(f"{n}", (hot,), 0))).held
        await holds.settle(Hold(f"{n}", (hot,), 0), Amounts(1, 1, 0, 0))
    stats = (await line.call("INFO", "commandstats")).decode()
    calls = next((int(row.split("=")[1].split(",")[0]) for row in stats.splitlines() if row.startswith("cmdstat_evalsha:")), 0)
    assert calls <= math.ceil(500 / 16)
    await holds.aclose()
