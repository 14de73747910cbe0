"""A server with so many workers and a line before them, on a virtual clock: what adaptive limits are tried on."""

from __future__ import annotations

import heapq
import random
from itertools import count

from gateway.quota.pulse import Sample


class Saturating:
    """M/M/c-like: `capacity` workers, service times drawn around `service_us`, first come first served, dropped beyond `longest`.

    `run(estimate, seconds, offered)` keeps min(estimate.limit, offered) requests under way, and gives the estimate afterwards. The
    totals of the last run: `served`, `dropped`, and `limits` (one per ended request).
    """

    def __init__(self, capacity, *, service_us=100_000, longest=10**9, spread=0.3, seed=7):
        self.capacity = capacity
        self.service_us = service_us
        self.longest = longest
        self.spread = spread
        self.now = 0
        self._dice = random.Random(seed)
        self._number = count()

    def _service(self):
        return max(1, int(self.service_us * self._dice.lognormvariate(0, self.spread)))

    def run(self, estimate, seconds, offered=10**6):
        end = self.now + int(seconds * 1e6)
        self.served, self.dropped, self.limits = 0, 0, []
        free = [self.now] * self.capacity
        events, inflight = [], 0
        while True:
            while inflight < min(estimate.limit, offered):
                inflight += 1
                begin = max(heapq.heappop(free), self.now)
                if inflight > self.capacity + self.longest:
                    heapq.heappush(free, begin)
                    heapq.heappush(events, (self.now + 1000, next(self._number), self.now, inflight, True))
                    continue
                done = begin + self._service()
                heapq.heappush(free, done)
                heapq.heappush(events, (done, next(self._number), self.now, inflight, False))
            self.now, _, start, busy, dropped = heapq.heappop(events)
            if self.now > end:
                return estimate
            inflight -= 1
            sample = Sample(start, None if dropped else self.now - start, busy, "dropped" if dropped else "success")
            estimate = estimate.on_sample(sample, self.now)
            self.served, self.dropped = self.served + (not dropped), self.dropped + dropped
            self.limits.append(estimate.limit)
