"""A real Redis Cluster and real Sentinels for tests, made from `RedisServer` processes and spoken to in plain RESP."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.redis_server import RedisServer, redis_binary

__all__ = ["RedisCluster", "Sentinel", "eventually", "redis_cluster", "replies"]

_NODE_TIMEOUT_MS = 800
_WITHIN_S = 20.0


def eventually(what, condition, within_s=_WITHIN_S):
    """Wait until a condition gives something true, and give it."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        with suppress(OSError):
            if found := condition():
                return found
        time.sleep(0.01)
    pytest.fail(f"{what}: not within {within_s:g} s")


def _free_port() -> int:
    """A free port whose cluster bus, ten thousand further on, is one too."""
    while True:
        with socket.socket() as probe, socket.socket() as bus:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
            if port + 10_000 <= 65_535:
                with suppress(OSError):
                    bus.bind(("127.0.0.1", port + 10_000))
                    return port


class _Node(RedisServer):
    def start(self):
        for _ in range(5):
            self.port = _free_port()
            if self._launch():
                return self
        pytest.fail("a cluster node did not start")


class RedisCluster:
    """`primaries` nodes that share the slots, with a replica each. `nodes` are all of them, primaries as made first."""

    def __init__(self, primaries: int = 3) -> None:
        self._primaries = primaries
        # fmt: off
        options = (
            "--cluster-enabled", "yes", "--cluster-node-timeout", str(_NODE_TIMEOUT_MS), "--cluster-replica-validity-factor", "0",
            "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1", "--cluster-require-full-coverage", "no",
        )
        # fmt: on
        self.nodes = [_Node(*options, "--cluster-config-file", "nodes.conf") for _ in range(2 * primaries)]

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def start(self) -> RedisCluster:
        """Start the nodes, share the slots out, let them meet, and wait until every node agrees and every replica follows."""
        for node in self.nodes:
            node.start()
        first, primaries, replicas = self.nodes[0], self.nodes[: self._primaries], self.nodes[self._primaries :]
        for place, node in enumerate(primaries):
            bounds = [16384 * n // self._primaries for n in (place, place + 1)]
            node.command("CLUSTER", "ADDSLOTSRANGE", str(bounds[0]), str(bounds[1] - 1))
            node.command("CLUSTER", "SET-CONFIG-EPOCH", str(place + 1))
        for node in self.nodes[1:]:
            first.command("CLUSTER", "MEET", "127.0.0.1", str(node.port))
        everyone = b"cluster_known_nodes:%d" % len(self.nodes)
        eventually("the nodes know each other", lambda: all(everyone in node.command("CLUSTER", "INFO") for node in self.nodes))
        for primary, replica in zip(primaries, replicas, strict=True):
            name = primary.command("CLUSTER", "MYID").split(b"\r\n")[1].decode()
            eventually("a replica follows", lambda: replica.command("CLUSTER", "REPLICATE", name) == b"+OK\r\n")  # noqa: B023
        self.settled()
        return self

    def settled(self) -> None:
        """Wait until every node that runs sees the cluster whole, and each primary has a replica that is up to date."""

        def whole() -> bool:
            nodes = [node for node in self.nodes if node.running]
            fine = all(b"cluster_state:ok" in node.command("CLUSTER", "INFO") for node in nodes)
            primaries = [node for node in nodes if self.is_primary(node)]
            linked = all(b"state=online" in node.command("INFO", "replication") for node in primaries)
            return fine and linked and len(primaries) == self._primaries

        eventually("the cluster is whole", whole)

    @staticmethod
    def is_primary(node: RedisServer) -> bool:
        return b"role:master" in node.command("INFO", "replication")

    def primary_of(self, key: str) -> RedisServer:
        """The node that serves a key now."""

        def serves(node):
            return self.is_primary(node) and not node.command("GET", key).startswith(b"-MOVED")

        return eventually("somebody serves the key", lambda: next((n for n in self.nodes if n.running and serves(n)), None))

    def replica_of(self, primary: RedisServer) -> RedisServer:
        """The node that follows a primary."""
        port = f"master_port:{primary.port}\r\n".encode()
        return eventually(
            "somebody follows the primary",
            lambda: next((n for n in self.nodes if n.running and port in n.command("INFO", "replication")), None),
        )

    def fail_over_to(self, replica: RedisServer) -> None:
        """Make a replica the primary, asking again where the others have just voted in the same place and so don't yet."""
        asked = 0.0

        def done() -> bool:
            nonlocal asked
            if time.monotonic() - asked > 1.0:
                asked = time.monotonic()
                replica.command("CLUSTER", "FAILOVER")
            return self.is_primary(replica)

        eventually("the replica is the primary", done)

    def clear(self) -> None:
        """Bring back what was killed, and empty every node."""
        for node in self.nodes:
            if not node.running:
                node.restart()
        self.settled()
        for node in self.nodes:
            if self.is_primary(node):
                node.command("FLUSHALL")
                node.command("SCRIPT", "FLUSH")
                node.command("CONFIG", "SET", "maxmemory", "0")

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()


class Sentinel:
    """One real Sentinel that watches a primary as `service`, quick to notice that it is gone."""

    def __init__(self, primary: RedisServer, service: str = "azeotrope") -> None:
        self._folder = tempfile.mkdtemp(prefix="azg-sentinel-")
        self.service = service
        self.port = _free_port()
        file = Path(self._folder) / "sentinel.conf"
        file.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {self._folder}\nlogfile log\n"
            f"sentinel monitor {service} 127.0.0.1 {primary.port} 1\nsentinel down-after-milliseconds {service} 500\n"
            f"sentinel failover-timeout {service} 3000\n"
        )
        self._process = subprocess.Popen(
            [redis_binary(), str(file), "--sentinel"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        eventually("the Sentinel answers", lambda: self.ask("PING").startswith(b"+PONG"))

    @property
    def url(self) -> str:
        return f"redis+sentinel://127.0.0.1:{self.port}/{self.service}/0"

    def ask(self, *words: str) -> bytes:
        return replies(self.port, *words)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def replies(port: int, *words: str) -> bytes:
    """The raw reply to one command at a port."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall("".join([f"*{len(words)}\r\n", *(f"${len(word.encode())}\r\n{word}\r\n" for word in words)]).encode())
        return connection.recv(65536)


@pytest.fixture(scope="session")
def whole_cluster():
    """One cluster for the session; tests that fail it over leave it to `redis_cluster` to bring the nodes back."""
    cluster = RedisCluster()
    try:
        yield cluster.start()
    finally:
        cluster.stop()


@pytest.fixture
def redis_cluster(whole_cluster):
    """The session's cluster, whole and empty. Tests that use it carry `@pytest.mark.xdist_group("cluster")`."""
    whole_cluster.clear()
    return whole_cluster
