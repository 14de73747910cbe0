"""`make bench`: throughput, CPU and latency of the proxy against the bare upstream and, where the machine has it, nginx; what limits
add to that; what they cost alone, beside the `limits` package (`limiter`); and what detection costs in the background (`background`).
In one run.

The server under test is pinned to core 0, load and upstream to core 1, Redis to either. All are measured in turns, several rounds,
medians are told.
Absolute figures drift with the machine; the ratios within one run hold. `--write` puts the table into docs/performance.md.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from tests.bench import background, limiter
from tests.support.redis_server import RedisServer

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "performance.md"
LIMITS = (
    "{ id: rpm, count: requests, rate: 100000000/minute, per: key }",
    "{ id: tpm, count: tokens, rate: 100000000000/minute, per: account }",
    "{ id: itpm, count: input_tokens, rate: 100000000000/minute, per: account }",
    "{ id: otpm, count: output_tokens, rate: 100000000000/minute, per: account }",
    "{ id: inflight, count: concurrent, at_once: 100000, per: key, lease: 15m }",
)
POLICY = """\
schema: gateway.policy/v1
name: bench
version: "1"
credentials: client
usage: count
callers: [{{ id: all, match: {{}}, tier: t }}]
tiers:
  t:
    models: ["*"]
    limits: [{limits}]
"""
NGINX = """\
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log crit;
events {{ worker_connections 2048; }}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  limit_req_zone $http_authorization zone=k:10m rate=1000000r/s;
  upstream u {{ server 127.0.0.1:{upstream}; keepalive 128; }}
  server {{ listen 127.0.0.1:{port}; location / {{ limit_req zone=k burst=100000 nodelay; proxy_pass http://u; proxy_http_version 1.1;
    proxy_set_header Connection ""; proxy_buffering off; }} }}
}}
"""


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def pinned(core, command):
    return ["taskset", "-c", str(core), *command] if shutil.which("taskset") and (os.cpu_count() or 1) > 1 else command


def await_port(port, process):
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit(f"a server of the bench ended at once: {process.args}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on {port}")


def cpu_seconds(pids):
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_mb(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def family(pid):
    """A process and its children: nginx serves from a child."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


class Bench:
    """The servers of one run, and what was measured of each: name -> case -> list of figures."""

    def __init__(self, folder, stack):
        self.folder, self.stack = Path(folder), stack
        self.upstream_port = free_port()
        self.start(1, [sys.executable, "-m", "tests.bench.upstream", str(self.upstream_port)], self.upstream_port)
        self.targets = {"bare upstream": (self.upstream_port, None)}
        self.figures = {}
        self.refused = []

    def start(self, core, command, port, env=None):
        log = self.stack.enter_context((self.folder / f"{port}.log").open("w"))
        process = subprocess.Popen(pinned(core, command), cwd=ROOT, stdout=log, stderr=log, env={**os.environ, **(env or {})})
        self.stack.callback(self.stop, process)
        await_port(port, process)
        return process

    @staticmethod
    def stop(process):
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()

    def add_nginx(self):
        binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        if binary is None:
            print("nginx is not on this machine: left out (Debian's package is called nginx)")
            return
        port, config = free_port(), self.folder / "nginx.conf"
        config.write_text(NGINX.format(folder=self.folder, upstream=self.upstream_port, port=port))
        self.targets["nginx + limit_req"] = (port, self.start(0, [binary, "-p", str(self.folder), "-c", str(config)], port))

    def add_gateway(self, name, limits, *arguments):
        port, file = free_port(), self.folder / f"{len(self.targets)}.yaml"
        file.write_text(POLICY.format(limits=", ".join(limits)))
        where = ["--port", str(port), "--admin-port", "0", "--data", str(self.folder / f"data{len(self.targets)}")]
        upstream = ["--upstream", f"http://127.0.0.1:{self.upstream_port}"]
        command = [sys.executable, "-m", "gateway", "serve", "--policy", str(file), *where, *upstream, *arguments]
        self.targets[name] = (port, self.start(0, command, port))

    @staticmethod
    def load(port, connections, seconds, stream):
        options = [str(port), str(connections), str(seconds), *(["stream"] if stream else []), "sk-bench"]
        out = subprocess.run(
            pinned(1, [sys.executable, "-m", "tests.bench.load", *options]), cwd=ROOT, capture_output=True, text=True, check=True
        )
        return json.loads(out.stdout)

    def warm(self):
        """A second of load on each, not counted: connections, scripts and caches are made then."""
        for port, _ in self.targets.values():
            self.load(port, 64, 1, False)

    def measure(self, name, case, connections, seconds, stream):
        port, process = self.targets[name]
        pids = family(process.pid) if process else []
        before = cpu_seconds(pids)
        told = self.load(port, connections, seconds, stream)
        refused = sum(told["other"].values())
        if refused > told["requests"] / 200:
            raise SystemExit(f"{name}, {case}: answers other than 200: {told['other']}")
        if refused:
            self.refused.append(f"{case}, {name}: {refused} of {told['requests']:,} answers were not 200 ({told['other']})")
        spent = cpu_seconds(pids) - before
        unit = told["chunks"] if stream else told["requests"]
        memory = resident_mb(process.pid) if process else 0.0
        figures = {
            "rate": unit / told["seconds"],
            "cpu_us": spent / unit * 1e6,
            "p50_us": told["p50_us"],
            "p99_us": told["p99_us"],
            "mb": memory,
        }
        self.figures.setdefault(name, {}).setdefault(case, []).append(figures)

    def median(self, name, case, figure):
        return statistics.median(figures[figure] for figures in self.figures[name][case])


CASES = {"64 connections": (64, False), "1 connection": (1, False), "64 streams": (64, True)}
WITHOUT = "gateway, no limits"
WITH = {
    (1, "memory"): "gateway, one limit, memory",
    (5, "memory"): "gateway, five limits, memory",
    (1, "Redis"): "gateway, one limit, Redis",
    (5, "Redis"): "gateway, five limits, Redis",
}


def measured_in(name, case):
    """One limit is measured where its cost is told, and nowhere else."""
    return "one limit" not in name or case == "64 connections"


def added(bench):
    """What limits add to a request through the gateway."""
    case = "64 connections"
    lines = ["\n### What limits add\n", "CPU us of the gateway a request, 64 connections: with limits, less without.\n"]
    lines += ["| | 1 limit | 5 limits |", "|---|---|---|"]
    for where in ("memory", "Redis"):
        more = [bench.median(WITH[many, where], case, "cpu_us") - bench.median(WITHOUT, case, "cpu_us") for many in (1, 5)]
        lines.append(f"| {where} | {more[0]:.0f} | {more[1]:.0f} |")
    return "\n".join(lines)


def limits_alone(stack, seconds):
    """The figures of `limiter`, with a Redis of its own on core 0 and this on core 1."""
    redis = RedisServer().start()
    stack.callback(redis.stop)
    if (os.cpu_count() or 1) > 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(redis.pid, {0})
    command = pinned(1, [sys.executable, "-m", "tests.bench.limiter", str(seconds), str(redis.port)])
    return json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


def in_the_background():
    """The figures of `background`, with servers of its own on core 0 and this on core 1."""
    command = pinned(1, [sys.executable, "-m", "tests.bench.background"])
    return json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


def table(bench):
    lines = []
    for case, (_, stream) in CASES.items():
        unit, late = ("chunk", "gap") if stream else ("request", "latency")
        head = (f"{unit}s/s", "of the bare upstream", f"CPU us/{unit}", f"{late} p50 us", "p99 us", "added p50 us", "resident MB")
        lines += [f"\n### {case}\n", "| | " + " | ".join(head) + " |", "|---" * (len(head) + 1) + "|"]
        lines += [f"| {name} | " + " | ".join(row(bench, name, case)) + " |" for name in bench.targets if measured_in(name, case)]
    return "\n".join(lines)


def row(bench, name, case):
    rate, cpu, p50, p99, mb = (bench.median(name, case, figure) for figure in ("rate", "cpu_us", "p50_us", "p99_us", "mb"))
    base_rate, base_p50 = bench.median("bare upstream", case, "rate"), bench.median("bare upstream", case, "p50_us")
    told = [
        f"{rate:,.0f}",
        f"{rate / base_rate:.2f}",
        f"{cpu:.0f}",
        f"{p50:,.0f}",
        f"{p99:,.0f}",
        f"{p50 - base_p50:,.0f}",
        f"{mb:.0f}",
    ]
    if name == "bare upstream":
        told[2] = told[5] = told[6] = ""
    return told


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write the table into docs/performance.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        redis = RedisServer().start()
        if (os.cpu_count() or 1) > 1:
            os.sched_setaffinity(redis.pid, {1})  # else it may be put beside the server under test, and wait for it
        stack.callback(redis.stop)
        bench = Bench(folder, stack)
        bench.add_nginx()
        bench.add_gateway(WITHOUT, ())
        for (many, where), name in WITH.items():
            bench.add_gateway(name, LIMITS[:many], *(() if where == "memory" else ("--state", redis.url)))
        bench.warm()
        for turn in range(options.rounds):
            for case, (connections, stream) in CASES.items():
                for name in [name for name in bench.targets if measured_in(name, case)]:
                    print(f"round {turn + 1}/{options.rounds}: {case}, {name}", file=sys.stderr)
                    bench.measure(name, case, connections, options.seconds, stream)
        print("limits alone", file=sys.stderr)
        refused = "".join(f"\n{line}\n" for line in bench.refused)
        text = table(bench) + "\n" + refused + added(bench) + "\n" + limiter.table(limits_alone(stack, options.seconds / 4))
    print("detection in the background", file=sys.stderr)
    text += "\n" + background.table(in_the_background())
    print(text)
    if options.write:
        head = PAGE.read_text().partition("<!-- figures -->")[0]
        machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
        where = f"{date.today():%Y-%m-%d}, {machine}; medians of {options.rounds} rounds of {options.seconds:g} s."
        PAGE.write_text(f"{head}<!-- figures -->\n\n{where}\n{text}\n")


if __name__ == "__main__":
    main()
