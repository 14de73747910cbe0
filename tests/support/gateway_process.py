"""A real `gateway serve` in a process of its own, on free loopback ports with its own data folder; stopped by its pid."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_URL = re.compile(r"http://[\w.\[\]:]+")


class GatewayProcess:
    """`GatewayProcess(tmp_path, "--demo")`; a context manager. `url`, `admin` and, with the demo, `demo_key` once it listens.

    `ports` () leaves them to the environment.
    """

    def __init__(self, data, *arguments, env=None, ready_s=30.0, ports=("--port", "0", "--admin-port", "0"), cwd=ROOT):
        self.data = Path(data)
        self.lines = []
        self.errors = []
        command = [sys.executable, "-m", "gateway", "serve", *ports, "--data", str(self.data), *arguments]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("GATEWAY_")} | {"PYTHONUNBUFFERED": "1"} | (env or {})
        self.process = subprocess.Popen(
            command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        self._readers = [
            threading.Thread(target=self._collect, args=(self.process.stdout, self.lines), daemon=True),
            threading.Thread(target=self._collect, args=(self.process.stderr, self.errors), daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        try:
            self._await_ready("--demo" in arguments, ready_s)
        except BaseException:
            self.kill()
            raise

    @staticmethod
    def _collect(stream, into):
        into.extend(iter(stream.readline, ""))

    def _await_ready(self, demo, ready_s):
        end = time.monotonic() + ready_s
        while time.monotonic() < end:
            told = {line.split()[0]: line for line in self.lines if line.startswith("  ") and line.strip()}
            if "data" in told and "admin" in told and "state" in told and (not demo or "curl" in told):
                self.url = _URL.search(told["data"])[0]
                self.admin = _URL.search(told["admin"])[0]
                self.demo_key = re.search(r"azg_\w+", told["curl"])[0] if demo else None
                self.curl = told.get("curl", "").strip()
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"the gateway did not start: {''.join(self.errors)}")

    def command(self, *arguments, check=True, stdin=None):
        """Run another `gateway` command on the same data folder; returns the finished process."""
        line = [sys.executable, "-m", "gateway", *arguments, "--data", str(self.data)]
        return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=check, input=stdin, timeout=60)

    def create_key(self, *arguments):
        return json.loads(self.command("keys", "create", "--json", *arguments).stdout)["key"]

    def records(self):
        """Every audit record so far, oldest first."""
        return [json.loads(line) for line in self.command("audit", "query", "--json").stdout.splitlines() if line.strip()]

    def verify(self):
        return self.command("audit", "verify", check=False)

    def ask_admin(self, path, *, method="GET"):
        request = urllib.request.Request(self.admin + path, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metric(self, name, **labels):
        """The value of one sample on the metrics page, 0.0 where it is not there yet."""
        wanted = {f'{key}="{value}"' for key, value in labels.items()}
        for line in self.ask_admin("/metrics")[1].splitlines():
            if line.startswith(name) and line[len(name)] in "{ " and all(label in line for label in wanted):
                return float(line.rsplit(" ", 1)[1])
        return 0.0

    def terminate(self, timeout=40.0):
        """SIGTERM, and wait; returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait(10)
        for reader in self._readers:
            reader.join(5)
        self.process.stdout.close()
        self.process.stderr.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.terminate(15)
        self.kill()
