"""Runs of the real code on a virtual clock, as plain numbers: what the pictures in docs/limits.md are drawn from.

`python -m tests.proof.runs` prints them as JSON, for `pictures` to draw. Each run is deterministic and takes well under a second.
Nothing here draws, so that the suite can tell whether a picture is still true.
Times are seconds from the run's start.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
import json

from gateway.core.extending import cover_by, further, next_slice, rest_slice
from gateway.model.limit import Amounts, Count, Hold
from gateway.model.request import Estimate, RequestFacts
from gateway.model.value import replace
from gateway.quota.adaptive import AIMD
from gateway.quota.fairness import FairQueue, Waiting
from gateway.quota.gradient import GRADIENT
from gateway.quota.pulse import Sample
from gateway.stores.memory_holds import MemoryHolds
from tests.support.quota import START_US, HandClock, bucket, calendar, lifetime, sliding, slots

__all__ = ["RUNS", "digest"]

SECOND = 1_000_000
MIDNIGHT_US = START_US - START_US % 86_400_000_000 + 86_400_000_000


class Desk:
    """A memory store on a clock of its own; `ask` takes for one claim and notes (time, held, used)."""

    def __init__(self, start_us=START_US, **options):
        self.clock = HandClock(start_us)
        self.start_us = start_us
        self.store = MemoryHolds(self.clock, **options)
        self.ids = itertools.count()
        self.asked = []
        self.line = []

    def at(self, seconds):
        self.clock.now_us = self.start_us + round(seconds * SECOND)

    def ask(self, seconds, claim):
        self.at(seconds)
        hold = Hold(f"h{next(self.ids)}", (claim,), self.clock.now_us)
        taken = run(self.store.take(hold))
        self.asked.append((seconds, taken.held))
        self.look(seconds, claim)
        return hold if taken.held else None

    def settle(self, seconds, hold, **amounts):
        self.at(seconds)
        run(self.store.settle(hold, Amounts(**{"requests": 1, "input": 0, "output": 0, "bytes": 0, **amounts})))
        self.look(seconds, hold.claims[0])

    def look(self, seconds, claim):
        self.at(seconds)
        (state,) = run(self.store.look([claim]))
        self.line.append((seconds, state.used))

    def told(self, limit, **more):
        return {"limit": limit, "asked": self.asked, "used": self.line, **more}


def run(work):
    """The result of a coroutine that never waits."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("a memory store waited")


def _steady(desk, claim, seconds, every, looks=1.0):
    """Ask every so often, and look in between."""
    moments = [(n * every, True) for n in range(round(seconds / every))] + [(n * looks, False) for n in range(round(seconds / looks))]
    for moment, asks in sorted(moments):
        if asks:
            desk.ask(moment, claim)
        else:
            desk.look(moment, claim)


def sliding_run():
    """10 a minute. A burst of 14 just before the minute's end, 14 more just after it, then one every two seconds."""
    desk, claim = Desk(START_US - START_US % (60 * SECOND)), sliding(10)
    moments = [58 + n * 0.1 for n in range(14)] + [61 + n * 0.1 for n in range(14)] + [64 + 2.0 * n for n in range(50)]
    looks = [float(n) for n in range(165)]
    for moment, asks in sorted([(m, True) for m in moments] + [(m, False) for m in looks]):
        desk.ask(moment, claim) if asks else desk.look(moment, claim)
    return desk.told(10)


def bucket_run():
    """60 a minute with a burst of 10, one asked for each half second; then a settle that comes to 15 more than was held."""
    desk, claim = Desk(), bucket(60, burst=10)
    _steady(desk, claim, 24, 0.5, 0.25)
    last = desk.ask(27, claim)
    desk.settle(28, last, input=16)
    for n in range(50):
        desk.ask(28.5 + n * 0.5, claim)
    return desk.told(10)


def calendar_run():
    """1,000 tokens a day of UTC, 45 asked for each half hour, from the evening before midnight on."""
    desk = Desk(MIDNIGHT_US - 12 * 3600 * SECOND)
    for n in range(72):
        moment = n * 1800.0
        desk.at(moment)
        claim = calendar(1000, 45, at_us=desk.clock.now_us)
        desk.look(moment, claim)
        desk.ask(moment + 1, claim)
    return desk.told(1000, midnight=12 * 3600)


def lifetime_run():
    """20,000 tokens for ever. Each request holds 1,500 and settles for what it came to a while later."""
    desk, claim = Desk(), lifetime(20_000, 1_500)
    for n in range(40):
        hold = desk.ask(n * 10.0, claim)
        if hold is not None:
            desk.settle(n * 10.0 + 6, hold, input=400 + 97 * n % 900)
    return desk.told(20_000)


def slots_run():
    """4 at once, a lease of 30 s. One asks each second; answers last 4.5 s, but the holder of the third dies without a word."""
    desk, claim = Desk(), slots(4, lease_us=30 * SECOND)
    ends = []
    for n in range(50):
        while ends and ends[0][0] <= n:
            end, _, hold = heapq.heappop(ends)
            desk.settle(end, hold)
        hold = desk.ask(float(n), claim)
        if hold is not None and n != 2:
            heapq.heappush(ends, (n + 4.5, n, hold))
    return desk.told(4, dies=2, freed=32)


def debt_run():
    """What a guess costs: 1,000 tokens a minute, held by estimate; every third answer comes to twice what was held."""
    desk, claim = Desk(), sliding(1_000, 150, name="tpm")
    for n in range(60):
        hold = desk.ask(n * 3.0, claim)
        if hold is not None:
            desk.settle(n * 3.0 + 2, hold, input=300 if n % 3 == 0 else 60)
        else:
            desk.look(n * 3.0 + 2, claim)
    return desk.told(1_000)


def extending_run():
    """A stream that ends where its budget does: 6,000 output tokens an hour, of which 2,500 are used, and an answer of 5,000."""
    clock = HandClock()
    store = MemoryHolds(clock)
    claim = sliding(6_000, 1_024, count=Count.OUTPUT_TOKENS, window_us=3_600 * SECOND, when_spent="finish")
    run(store.take(Hold("before", (replace(claim, want=2_500),), 0)))
    facts = RequestFacts("openai.chat", "chat", stream=True, estimate=Estimate(20, 4_096, False))
    hold = Hold("stream", (claim,), 0)
    states = run(store.take(hold)).states
    cover, passed, covers, ended = cover_by(states, facts, ()), 0, [], None
    while cover is not None and passed < 5_000:
        covers.append((passed, cover.tokens))
        passed = cover.tokens + 1
        asked = next_slice(cover, states, facts, (), passed)
        taken = run(store.extend(hold, asked.number, asked.wants))
        if not taken.held:
            rest = rest_slice(asked, taken.states, facts, ())
            taken = run(store.extend(hold, rest.number, rest.wants)) if rest else taken
            asked = rest or asked
        if not taken.held:
            ended = passed
            break
        cover = further(asked, facts)
    return {"limit": 3_500, "covers": covers, "ended": ended}


class Model:
    """An upstream that serves `capacity` requests at once in `work` seconds each; what is more waits in it, unseen."""

    def __init__(self, capacity, work):
        self.capacity, self.work, self.busy = capacity, work, []

    def serve(self, now):
        """When a request that is sent now is answered."""
        while self.busy and self.busy[0] <= now:
            heapq.heappop(self.busy)
        begins = now if len(self.busy) < self.capacity else sorted(self.busy)[len(self.busy) - self.capacity]
        heapq.heappush(self.busy, begins + self.work)
        return begins + self.work


def _adaptive(craft):
    """Limit over time before a model whose capacity is 24, from 40 s on 12; there is always somebody waiting."""
    model, estimate, ends, line = Model(24, 0.2), craft.start(200), [], []
    now, order = 0.0, itertools.count()
    while now < 80:
        model.capacity = 24 if now < 40 else 12
        while len(ends) < estimate.limit:
            heapq.heappush(ends, (model.serve(now), next(order), now, len(ends) + 1))
        now, _, began, inflight = heapq.heappop(ends)
        sample = Sample(round(began * SECOND), round((now - began) * SECOND), inflight)
        estimate = estimate.on_sample(sample, round(now * SECOND))
        if not line or now - line[-1][0] >= 0.5:
            line.append((round(now, 2), estimate.limit))
    return line


def adaptive_run():
    """Concurrency limits that find themselves."""
    return {"gradient": _adaptive(GRADIENT), "aimd": _adaptive(AIMD), "capacity": [(0, 24), (40, 12), (80, 12)]}


def fairness_run():
    """Who is served when: one caller leaves 60 requests at once, another one a second; one place, half a second an answer."""
    queue, waits = FairQueue(1_000), {"noisy": [], "quiet": [], "batch": []}
    arrivals = sorted(
        [(0.0, "noisy", "normal")] * 60 + [(0.1 + n, "quiet", "normal") for n in range(20)] + [(0.05, "batch", "batch")] * 10
    )
    now, came = 0.0, iter(arrivals)
    following = next(came, None)
    while following is not None or len(queue):
        while following is not None and following[0] <= now:
            queue.push(Waiting(following, following[1], following[2]))
            following = next(came, None)
        served = queue.pop(lambda waiting: True)
        if served is None:
            now = following[0]
            continue
        waits[served.caller].append((round(now, 3), round(now - served.item[0], 3)))
        now = round(now + 0.5, 3)
    return waits


RUNS = {
    "sliding": sliding_run,
    "bucket": bucket_run,
    "calendar": calendar_run,
    "lifetime": lifetime_run,
    "slots": slots_run,
    "debt": debt_run,
    "extending": extending_run,
    "adaptive": adaptive_run,
    "fairness": fairness_run,
}


def digest(told):
    """What a picture bears of the numbers it was drawn from."""
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]


if __name__ == "__main__":
    told = {name: make() for name, make in RUNS.items()}
    print(json.dumps({name: {"told": one, "digest": digest(one)} for name, one in told.items()}))
