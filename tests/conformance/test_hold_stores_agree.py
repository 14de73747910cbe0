"""The same commands on memory and on a real Redis give the same answers, to the microsecond and the last token."""

from __future__ import annotations

import asyncio

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from gateway.model.limit import Amounts, Count, Hold
from gateway.stores.memory_holds import MemoryHolds
from gateway.stores.redis import line_to
from gateway.stores.redis_holds import HoldScripts, RedisHolds
from tests.support.quota import LUA_CLOCK, START_US, HandClock, bucket, calendar, lifetime, sliding, slots

LEASE_US = 90_000_000
SCRIPTS = HoldScripts.load(LUA_CLOCK)
TO_MIDNIGHT = 2_800_000_000
"""From the start to midnight in Tokyo."""

# Windows are long against the test's real time, so that Redis's own expiry never runs before the time that the test sets.
amounts = st.sampled_from([1, 2, 7, 10, 1_000, 599_999, 2**45])
windows = st.sampled_from([60_000_000, 61_000_001, 86_400_000_000])
shares = st.sampled_from([0, 1, 2, 3, 5, 8])
steps = st.sampled_from([1, 999, TO_MIDNIGHT, TO_MIDNIGHT - 1, 142_857, 1_000_000, 8_571_428, 30_000_000, 60_000_000, 90_000_000])


@st.composite
def claims(draw):
    """One claim each on up to five of the counters, its amount edited at will, its want a part of the amount or beyond it."""
    drawn = []
    for name in draw(st.lists(st.sampled_from("abcdefg"), unique=True, min_size=1, max_size=5)):
        amount, window_us = draw(amounts), draw(windows)
        shadow = draw(st.integers(0, 5)) == 0
        want = min(amount * draw(shares) // 7, amount + 1)
        count = draw(st.sampled_from([Count.REQUESTS, Count.TOKENS, Count.INPUT_TOKENS]))
        spent = draw(st.sampled_from(["finish", "continue"]))
        if name in "ab":
            drawn.append(sliding(amount, want, name=name, window_us=window_us, count=count, shadow=shadow, when_spent=spent))
        elif name in "cd":
            burst = draw(st.sampled_from([amount, max(1, amount // 3), 2 * amount]))
            more = {"count": count, "shadow": shadow, "when_spent": spent}
            drawn.append(bucket(amount, want, burst=burst, name=name, window_us=window_us, **more))
        elif name == "f":
            arrived = START_US + draw(st.sampled_from([-2, -1, 0, 0, 0, 1])) * 86_400_000_000
            more = {"count": count, "shadow": shadow, "when_spent": spent}
            drawn.append(calendar(amount, want, zone="Asia/Tokyo", at_us=arrived, name=name, **more))
        elif name == "g":
            drawn.append(lifetime(amount, want, name=name, count=count, shadow=shadow, when_spent=spent))
        else:
            drawn.append(slots(draw(st.integers(0, 3)), name=name, lease_us=draw(st.sampled_from([60_000_000, 100_000_000]))))
    return tuple(drawn)


class Agreement(RuleBasedStateMachine):
    """Holds are taken, settled and renewed in any order, some twice, some never, some settled before they are taken."""

    runner: asyncio.Runner
    line = None

    def __init__(self):
        super().__init__()
        self.clock = HandClock()
        self.memory = MemoryHolds(self.clock, lease_us=LEASE_US)
        self.redis = RedisHolds(self.line, lease_us=LEASE_US, scripts=SCRIPTS)
        self.known: dict[str, Hold] = {}
        self.do(self.line.call("FLUSHDB"))
        self.do(self.line.call("SET", "test:now", START_US))

    def do(self, call):
        return self.runner.run(call)

    def both(self, ask):
        ours, theirs = self.do(ask(self.memory)), self.do(ask(self.redis))
        assert ours == theirs
        return ours

    @rule(claimed=claims())
    def take(self, claimed):
        hold = Hold(f"h{len(self.known)}", claimed, self.clock.now_us)
        self.known[hold.id] = hold
        self.both(lambda store: store.take(hold))

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def take_again(self, data):
        hold = self.known[data.draw(st.sampled_from(sorted(self.known)))]
        self.both(lambda store: store.take(hold))

    @rule(claimed=claims())
    def settle_before_taking(self, claimed):
        hold = Hold(f"h{len(self.known)}", claimed, self.clock.now_us)
        self.known[hold.id] = hold
        assert self.both(lambda store: store.settle(hold, Amounts(1, 2, 3, 4))).outcome == "unknown_id"
        assert self.both(lambda store: store.take(hold)).settled

    @precondition(lambda self: self.known)
    @rule(data=st.data(), requests=st.integers(0, 2), tokens=st.sampled_from([0, 1, 3, 7, 1_000, 10**6, 2**44]))
    def settle(self, data, requests, tokens):
        hold = self.known[data.draw(st.sampled_from(sorted(self.known)))]
        self.both(lambda store: store.settle(hold, Amounts(requests, tokens, tokens // 2, 0)))

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def renew(self, data):
        hold = self.known[data.draw(st.sampled_from(sorted(self.known)))]
        self.both(lambda store: store.renew(hold))

    @precondition(lambda self: self.known)
    @rule(data=st.data(), number=st.integers(1, 4), parts=st.lists(shares, min_size=5, max_size=5))
    def extend(self, data, number, parts):
        hold = self.known[data.draw(st.sampled_from(sorted(self.known)))]
        wants = [0 if c.limit.count is Count.CONCURRENT else c.amount * part // 7 for c, part in zip(hold.claims, parts, strict=False)]
        self.both(lambda store: store.extend(hold, number, wants))

    @rule(us=steps | st.integers(1, 90_000_000))
    def time_passes(self, us):
        self.clock.now_us += us
        self.do(self.line.call("SET", "test:now", self.clock.now_us))

    @rule(claimed=claims())
    def look(self, claimed):
        self.both(lambda store: store.look(claimed))

    @invariant()
    def nothing_is_negative(self):
        for hold in list(self.known.values())[-1:]:
            for state in self.do(self.memory.look(hold.claims)):
                assert state.used >= 0
                assert state.reset_us >= (-1 if state.claim.limit.window == "lifetime" else 0)
                assert state.retry_us >= -1


def test_memory_and_redis_agree_on_any_sequence_of_commands(redis_url):
    with asyncio.Runner() as runner:

        async def connect():
            return line_to(redis_url + "?deadline_ms=10000")

        class Connected(Agreement):
            pass

        Connected.runner, Connected.line = runner, runner.run(connect())
        run_state_machine_as_test(Connected, settings=settings(max_examples=80, stateful_step_count=30))
        runner.run(Connected.line.aclose())
