"""A real Redis for tests: a process of its own on a free loopback port, nothing on disk, that can be paused, killed and restarted."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest

__all__ = ["RedisServer", "redis_binary", "redis_server", "redis_url"]

ROOT = Path(__file__).resolve().parents[2]
_STARTS_WITHIN_S = 10.0


def redis_binary() -> str:
    """Where redis-server is: REDIS_SERVER, PATH, or what `make parts` put under .parts. Tests fail without it, they never skip."""
    local = ROOT / ".parts" / "bin" / "redis-server"
    found = os.environ.get("REDIS_SERVER") or shutil.which("redis-server") or (str(local) if local.is_file() else None)
    if not found:
        pytest.fail("there is no redis-server: run `make parts`, put one on PATH or set REDIS_SERVER")
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RedisServer:
    """One redis-server process. `url` names it; `options` go to its command line."""

    def __init__(self, *options: str) -> None:
        self._options = options
        self._folder = tempfile.mkdtemp(prefix="azg-redis-")
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def running(self) -> bool:
        return self._process is not None

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    def start(self) -> RedisServer:
        """Start on a free port (another one, should somebody take it in between) and wait until it answers."""
        for _ in range(5):
            self.port = _free_port()
            if self._launch():
                return self
        pytest.fail(f"redis-server did not start:\n{(Path(self._folder) / 'log').read_text()}")

    def restart(self) -> None:
        """Start again, empty, on the same port."""
        self.kill()
        if not self._launch():
            pytest.fail(f"redis-server did not restart:\n{(Path(self._folder) / 'log').read_text()}")

    def pause(self) -> None:
        """Keep its connections and answer nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it at once; its connections break."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def command(self, *words: str) -> bytes:
        """Send one command over a connection of its own and give the raw reply; nothing of redis-py is used."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            parts = [f"*{len(words)}\r\n", *(f"${len(word.encode())}\r\n{word}\r\n" for word in words)]
            connection.sendall("".join(parts).encode())
            return connection.recv(65536)

    def replicated(self, within_ms: int = 5000) -> None:
        """Wait until a replica has all that was written by now. WAIT goes by what its own connection has seen: hence the PING."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=within_ms / 1000 + 5) as connection:
            connection.sendall(f"PING\r\nWAIT 1 {within_ms}\r\n".encode())
            said = b""
            while said.count(b"\r\n") < 2:
                said += connection.recv(4096) or pytest.fail("redis-server hung up")
        assert said.endswith((b":1\r\n", b":2\r\n")), "no replica has what was written"

    def _launch(self) -> bool:
        where = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", self._folder, "--logfile", "log"]
        plain = ["--save", "", "--appendonly", "no", "--daemonize", "no"]
        self._process = subprocess.Popen(
            [redis_binary(), *where, *plain, *self._options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + _STARTS_WITHIN_S
        while time.monotonic() < end and self._process.poll() is None:
            with suppress(OSError):
                if self.command("PING").startswith((b"+PONG", b"-NOAUTH")):
                    return True
            time.sleep(0.01)
        self.kill()
        return False


@pytest.fixture(scope="session")
def redis_server():
    """One Redis for the whole session; tests that pause or kill theirs start their own."""
    server = RedisServer().start()
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis_server):
    """The session's Redis, emptied."""
    redis_server.command("FLUSHALL")
    return redis_server.url
