"""What detection costs in the background: CPU microseconds a request for weighing, linking and sharing, as servers under load count it.

    python -m tests.bench.background [SECONDS [RATE [CASE...]]]     # one JSON object; `make bench` runs it and makes the table

Real servers with every shipped signal and linkage at `watch`, on core 0; here, on core 1, the laboratory's callers (texts made up,
varied as theirs are, 30% hostile) send to them at an even rate, so many a second that hardly any are shed. Figures are what
`gateway_weigh_cpu_microseconds_total` grew by, over what `gateway_weighed_total` did.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from itertools import islice
from pathlib import Path

import aiohttp

from gateway.lab.cast import cast
from gateway.lab.corpora import Corpora
from gateway.lab.personas import chosen
from gateway.lab.traffic import compose
from gateway.registry import names
from tests.support.gateway_process import GatewayProcess
from tests.support.redis_server import RedisServer

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("weigh", "link", "share")
CASES = ("memory", "Redis", "Redis, two processes")
SECONDS, RATE = 10.0, 200
CALLERS, AT_ONCE = 600, 32
SETTLES_S = 1.0
POLICY = """\
schema: gateway.policy/v1
name: background
version: "1"
credentials: client
trusted_proxies: [127.0.0.1/32]
usage: count
callers: [{ id: all, match: {}, tier: t }]
tiers: { t: { models: ["*"] } }
signals:
"""


def requests(many):
    """So many requests of rehearsed callers: path, body and headers, in the order of their time."""
    players = cast(chosen("all"), CALLERS, days=1.0, seed=7, hostile=0.3, recorded=())
    asked = []
    for record in islice(compose(players, Corpora(), seed=7), many):
        known = {f"x-gateway-attribute-{name}": str(value) for name, value in record["attributes"].items()}
        named = {"x-gateway-key": record["key"], "x-gateway-account": record["account"], **record["headers"], **known}
        body = {name: value for name, value in record["request"].items() if not name.startswith("stream")}  # whole answers, soon there
        asked.append((record["path"], json.dumps(body).encode(), {**named, "content-type": "application/json"}))
    return asked


def counted(gateways):
    """What the servers counted so far: CPU by part, weighed and shed, over all of them."""
    sums = dict.fromkeys((*PARTS, "weighed", "shed"), 0.0)
    for gateway in gateways:
        with urllib.request.urlopen(gateway.admin + "/metrics") as answer:
            for line in answer.read().decode().splitlines():
                if found := re.match(r'gateway_weigh_cpu_microseconds_total\{part="(\w+)"\} (\S+)', line):
                    sums[found[1]] += float(found[2])
                elif found := re.match(r"gateway_(weighed|weigh_shed)_total(?:\{.*\})? (\S+)", line):
                    sums[found[1].removeprefix("weigh_")] += float(found[2])
    return sums


async def sent(urls, asked, rate):
    """Send all, evenly spread in time and over the servers; how many answers were not 200."""
    loop, other, room = asyncio.get_running_loop(), 0, asyncio.Semaphore(AT_ONCE)
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:

        async def send(url, body, headers):
            nonlocal other
            async with room, session.post(url, data=body, headers=headers) as answer:
                await answer.read()
                other += answer.status != 200

        began = loop.time()
        for number, (path, body, headers) in enumerate(asked):
            await asyncio.sleep(max(0.0, began + number / rate - loop.time()))
            tasks.create_task(send(urls[number % len(urls)] + path, body, headers))
    return other


def settled(gateways):
    """What the servers counted, once nothing waits to be weighed and the last of it has been shared."""
    before, after = None, counted(gateways)
    while before is None or (before["weighed"], before["shed"]) != (after["weighed"], after["shed"]):
        time.sleep(SETTLES_S)
        before, after = after, counted(gateways)
    return after


@contextlib.contextmanager
def served():
    """The bench's upstream; its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.upstream", str(port)], cwd=ROOT)
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
                break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def measured(stack, upstream, case, seconds, rate):
    """One case: what a request cost, by part, and the share that was shed."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    rows = [f"  {name}: {{ level: watch, cap: 20 }}\n" for name in (*names("signals"), "linkage")]
    (folder / "policy.yaml").write_text(POLICY + "".join(rows))
    options = ["--policy", str(folder / "policy.yaml"), "--upstream", upstream]
    if case != "memory":
        redis = RedisServer().start()
        stack.callback(redis.stop)
        options += ["--state", redis.url + "?deadline_ms=1000"]
    gateways = [GatewayProcess(folder / f"data{number}", *options) for number in range(2 if "two" in case else 1)]
    for gateway in gateways:
        stack.callback(gateway.__exit__)
        if shutil.which("taskset"):
            subprocess.run(["taskset", "-acp", "0", str(gateway.process.pid)], check=True, stdout=subprocess.DEVNULL)
    warm = max(20, int(rate))
    asked = requests(warm + max(1, int(seconds * rate)))
    urls = [gateway.url for gateway in gateways]
    asyncio.run(sent(urls, asked[:warm], rate))
    before = settled(gateways)
    other = asyncio.run(sent(urls, asked[warm:], rate))
    if other:
        raise SystemExit(f"{case}: {other} answers were not 200")
    grown = {name: count - before[name] for name, count in settled(gateways).items()}
    weighed = max(1.0, grown["weighed"])
    return {**{part: grown[part] / weighed for part in PARTS}, "weighed": grown["weighed"], "shed": grown["shed"]}


def table(told):
    """The section for docs/performance.md."""
    figures = told["cases"]
    lines = ["\n### Detection in the background\n"]
    lines += [f"CPU us a request, every shipped signal, {told['rate']} requests a second; at most 150 in all is the aim.\n"]
    lines += ["| | weighing | linking | sharing | all | weighed | shed |", "|---" * 7 + "|"]
    for case, one in figures.items():
        costs = [one[part] for part in PARTS]
        told_of = [case, *[f"{cost:.0f}" for cost in (*costs, sum(costs))], f"{one['weighed']:,.0f}", f"{one['shed']:,.0f}"]
        lines.append("| " + " | ".join(told_of) + " |")
    return "\n".join(lines)


def main(seconds=SECONDS, rate=RATE, *only):
    cases = {}
    for case in only or CASES:
        with contextlib.ExitStack() as stack:
            cases[case] = measured(stack, stack.enter_context(served()), case, float(seconds), int(rate))
    print(json.dumps({"rate": int(rate), "cases": cases}))


if __name__ == "__main__":
    main(*sys.argv[1:])
