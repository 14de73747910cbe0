"""What a deployment with shared limits needs, from what its parts were measured to cost: `python -m tests.proof.scaling [--write]`.

`costs` measures on a real redis-server. Computed from that: how many requests one Redis serves, how long a reserve waits there behind
others at each load (`waits`, a simulation of its queue), and what given fleets need (`needs`). `--write` puts all of it into
docs/scaling.md, the figures along with it: the suite computes the page again from them. `--figures` takes those of the page
instead of measuring.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import re
from dataclasses import dataclass
from pathlib import Path

from tests.proof.costs import measured

__all__ = ["Fleet", "FLEETS", "figures_of", "needs", "page", "rate_of_one", "tables", "waits"]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "scaling.md"
MARK = "<!-- figures -->"
BUSY = 0.6
"""How busy a Redis is planned to be: beyond, the wait behind others grows steeply."""
PRIMARY_BYTES = 16 * 2**30
"""How much of its memory a primary is planned to fill."""
SETTLED_S = 600
"""How long a settled hold's id is remembered."""
EXACT, LEASED = "five limits", "five limits, one of them everybody's and leased"


@dataclass(frozen=True)
class Fleet:
    """`rate` requests a second in all; `keys` issued, of which `active` were so within the last window of a minute."""

    name: str
    gateways: int
    rate: int
    keys: int
    active: int


FLEETS = (
    Fleet("one gateway, 10,000 keys", 1, 500, 10_000, 1_000),
    Fleet("ten gateways, a million keys", 10, 5_000, 1_000_000, 50_000),
    Fleet("a hundred gateways, a million keys", 100, 30_000, 1_000_000, 100_000),
    Fleet("a hundred gateways, ten million keys", 100, 30_000, 10_000_000, 1_000_000),
)


def rate_of_one(cost):
    """Requests a second that one Redis serves when it is as busy as planned."""
    return BUSY * 1e6 / cost["cpu_us"]


def waits(busy, script_us, gateways, *, calls=40_000, tick_us=200.0, seed=1):
    """(p50, p99) in microseconds from a script call's arrival at Redis to its reply, where Redis is so `busy`; no network.

    Requests come to each gateway at random, and what comes in one tick of its loop travels together. Redis takes one after the other.
    """
    chance, gap_us = random.Random(seed), gateways * script_us / busy
    arrivals = []
    for _ in range(gateways):
        phase, now = chance.uniform(0, tick_us), 0.0
        for _ in range(calls // gateways):
            now += chance.expovariate(1 / gap_us)
            arrivals.append(math.ceil((now - phase) / tick_us) * tick_us + phase)
    free, took = 0.0, []
    for arrival in sorted(arrivals):
        free = max(free, arrival) + script_us
        took.append(free - arrival)
    took.sort()
    return took[len(took) // 2], took[len(took) * 99 // 100]


def needs(fleet, figures):
    """What a fleet needs of Redis: cores at the planned load, bytes of memory, primaries, megabits a second."""
    cost, size = figures["per_request"][EXACT], figures["bytes"]
    cores = fleet.rate * cost["cpu_us"] / 1e6
    lasting = fleet.keys * (size["an issued key"] + size["calendar"])
    windows = fleet.active * (2 * size["sliding, all slices"] + size["bucket"] + size["slots, one open"])
    holds = fleet.rate * (SETTLED_S * size["a settled hold, for ten minutes"] + size["a hold of five limits, open"])
    memory = lasting + windows + holds
    return {
        "cores": cores,
        "memory": memory,
        "primaries": max(math.ceil(cores / BUSY), math.ceil(memory / PRIMARY_BYTES)),
        "mbits": fleet.rate * (cost["bytes_in"] + cost["bytes_out"]) * 8 / 1e6,
    }


def rows(head, body):
    return ["| " + " | ".join(head) + " |", "|---" * len(head) + "|", *("| " + " | ".join(row) + " |" for row in body)]


def shown(figure):
    return f"{figure:,.3g}" if figure < 1000 else f"{figure:,.0f}"


def tables(figures):
    """All tables of the page, from the figures alone."""
    cost, size = figures["per_request"], figures["bytes"]
    lines = [f"Measured {figures['date']}: {figures['where']}, {figures['requests']:,} requests a row, 64 at once.", ""]
    lines += ["### Per request: a take and a settle", ""]
    head = ("", "script calls", "commands in them", "Redis CPU us", "bytes in", "bytes out", "gateway CPU us")
    names = ("scripts", "commands", "cpu_us", "bytes_in", "bytes_out", "gateway_cpu_us")
    lines += rows(
        head,
        [(kind, *(shown(one[name]) for name in names)) for kind, one in cost.items()],
    )
    lines += ["", "### Bytes in Redis", ""]
    lines += rows(("what", "bytes"), [(kind, f"{one:,}") for kind, one in size.items()])
    lines += ["", "### One Redis", "", f"At {BUSY:.0%} of one core:", ""]
    lines += rows(("", "requests a second"), [(kind, f"{rate_of_one(one):,.0f}") for kind, one in cost.items()])
    lines += ["", "How long a reserve waits in Redis, its own time included, simulated with 100 gateways and five limits:", ""]
    script_us = cost[EXACT]["cpu_us"] / cost[EXACT]["scripts"]
    body = [(f"{busy:.0%}", *(f"{us / 1000:.2f}" for us in waits(busy, script_us, 100))) for busy in (0.25, 0.5, 0.6, 0.75, 0.9)]
    lines += rows(("Redis busy", "p50 ms", "p99 ms"), body)
    lines += [
        "",
        "### Fleets",
        "",
        "Five limits on each request. Every key has a monthly budget, an active one its windows of a minute.",
        "",
    ]
    body = []
    for fleet in FLEETS:
        need = needs(fleet, figures)
        told = (
            f"{fleet.rate:,}",
            f"{need['cores']:.2f}",
            f"{need['memory'] / 2**30:.2f}",
            f"{need['mbits']:,.0f}",
            f"{need['primaries']}",
        )
        body.append((fleet.name, *told))
    lines += rows(("fleet", "requests a second", "Redis cores", "GiB", "Mbit/s", "primaries"), body)
    return "\n".join(lines)


def page(text, figures):
    """The page with its tables written anew; what stands before the mark stays."""
    return f"{text.partition(MARK)[0]}{MARK}\n\n{tables(figures)}\n\n<!-- {json.dumps(figures)} -->\n"


def figures_of(text):
    """The figures that a page was written from."""
    return json.loads(re.findall(r"^<!-- (\{.*\}) -->$", text, re.MULTILINE)[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/scaling.md anew")
    parser.add_argument("--figures", action="store_true", help="compute from the page's own figures, measure nothing")
    parser.add_argument("--requests", type=int, default=20_000)
    options = parser.parse_args()
    figures = figures_of(PAGE.read_text()) if options.figures else asyncio.run(measured(options.requests))
    print(tables(figures))
    if options.write:
        PAGE.write_text(page(PAGE.read_text(), figures))


if __name__ == "__main__":
    main()
