"""One process of several that take from the same five limits on one Redis: `python -m tests.proof.taking URL NAME CLIENTS EACH`.

Prints `ready`, waits for a line, and prints one JSON object: for each round how many takes were held and refused, what they should have
left on each limit, and the most that any answer told as used. In the first five rounds one limit after the other is the narrow one and
nothing is settled. In the last all are, holds are settled by what they came to, one in seven is left to its lease.
"""

from __future__ import annotations

import asyncio
import json
import sys
import zlib

import uvloop

from gateway.model.limit import Amounts, Claim, Count, Hold
from gateway.model.value import replace
from gateway.stores.redis import line_to
from gateway.stores.redis_holds import RedisHolds
from tests.support.quota import bucket, calendar, lifetime, sliding, slots

__all__ = ["LIMITS", "ROUNDS", "claims_of"]

WANT = 10
WIDE = 10**9
YEAR_US = 365 * 86_400_000_000
LIMITS = ("requests", "tokens", "month", "life", "inflight")
ROUNDS = (*LIMITS, "all")


def claims_of(turn, narrow, at_us) -> tuple[Claim, ...]:
    """The five claims of a round: requests, tokens, a month's, a lifetime's, at once. Counters are of that round alone."""
    width = {name: narrow if turn in (name, "all") else WIDE for name in LIMITS}
    slot = f"{turn}-acme"
    made = (
        sliding(width["requests"], count=Count.REQUESTS, window_us=3_600_000_000, name="requests"),
        # It drains one in a year: nothing that a run of a minute could see.
        bucket(1, WANT, burst=WANT * width["tokens"], window_us=YEAR_US, name="tokens"),
        calendar(WANT * width["month"], WANT, period="month", at_us=at_us, name="month"),
        lifetime(WANT * width["life"], WANT, name="life"),
        slots(width["inflight"], lease_us=3_600_000_000, name="inflight"),
    )
    return tuple(replace(claim, slot=slot, key=f"{claim.key}:{turn}") for claim in made)


async def round_of(store, turn, claims, name, clients, each):
    told = {"held": 0, "refused": 0, "left": [0] * len(claims), "most": [0] * len(claims)}

    async def client(number):
        for one in range(each):
            hold = Hold(f"{turn}:{name}:{number}:{one}", claims, 0)
            taken = await store.take(hold)
            told["most"] = [max(most, state.used) for most, state in zip(told["most"], taken.states, strict=True)]
            if not taken.held:
                told["refused"] += 1
                continue
            told["held"] += 1
            left = [1, WANT, WANT, WANT, 1]
            if turn == "all" and zlib.crc32(hold.id.encode()) % 7:
                came_to = 1 + zlib.crc32(hold.id.encode()) % WANT
                assert (await store.settle(hold, Amounts(1, came_to, 0, 0))).outcome == "settled"
                assert (await store.settle(hold, Amounts(1, 0, 0, 0))).outcome == "repeated"
                left = [1, came_to, came_to, came_to, 0]
            told["left"] = [sum(pair) for pair in zip(told["left"], left, strict=True)]

    await asyncio.gather(*(client(number) for number in range(clients)))
    return told


async def main(url, name, clients, each, narrow, at_us):
    line = line_to(url)
    store = RedisHolds(line)
    await line.call("PING")
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    told = {turn: await round_of(store, turn, claims_of(turn, narrow, at_us), name, clients, each) for turn in ROUNDS}
    await line.aclose()
    print(json.dumps(told))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])))
