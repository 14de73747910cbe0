"""Serving: the data plane and the admin plane in one process and one loop, and several such processes side by side.

uvicorn speaks HTTP, on uvloop and httptools. Two servers run in one loop, so that the admin plane sees the very counters of
the data plane. On SIGTERM or SIGINT listening ends, streams under way get `shutdown_s` to finish, then they are ended by their
dialect's own error event; everything is settled and recorded before the process goes. A second signal ends the streams at once.
SIGHUP reloads the policy.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import uvicorn

from gateway.errors import ResponseTruncated, SettingsError
from gateway.wire import BoundedProtocol

__all__ = ["WORKER", "Expected", "PlaneServer", "bind", "run_workers", "serve_planes", "worker_number"]

_log = logging.getLogger("gateway")

_BACKLOG = 2048
"""Connections that may wait to be accepted; the kernel has a bound of its own."""

_EARLY_S = 5.0
"""A worker that ends so soon after its start has not served."""

WORKER = "GATEWAY_WORKER"
"""Set for the processes of `--workers N`: their number, from 0."""


def worker_number() -> int:
    """Which of the processes of `--workers N` this is, from 0; 0 too where there is only one."""
    return int(os.environ.get(WORKER, "0"))


class Expected(logging.Filter):
    """For the server's log: without the tracebacks of what is raised on purpose, to cut a connection or to end at the deadline."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is worth telling."""
        raised = record.exc_info[1] if record.exc_info else None
        return not isinstance(raised, ResponseTruncated | asyncio.CancelledError)


class PlaneServer(uvicorn.Server):
    """A uvicorn server that leaves the process's signals alone: `serve_planes` has them."""

    def __init__(self, app: Any, *, shutdown_s: float) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="none",
                http=BoundedProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=int(shutdown_s) or 1,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    def end_streams(self) -> None:
        """Let what is under way end now, as it would at the deadline."""
        for task in list(self.server_state.tasks):
            task.cancel()


def bind(host: str, port: int, *, what: str, shared: bool = False) -> socket.socket:
    """A listening socket, so that a port in use is a clear error at once. `shared`: several processes take it, and each listens only
    when it serves, for the kernel spreads connections over all that listen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind((host, port))
        if not shared:
            made.listen(_BACKLOG)
    except OSError as error:
        made.close()
        flag = "--admin-host or --admin-port" if what.startswith("admin") else "--host or --port"
        message = f"{what}: cannot listen on {host}:{port}: {error.strerror}; choose another with {flag}"
        raise SettingsError(message) from error
    return made


async def serve_planes(
    planes: list[tuple[PlaneServer, socket.socket]],
    *,
    closing: Callable[[], None],
    reload: Callable[[], Awaitable[object]],
    ready: Callable[[], None],
) -> None:
    """Serve until a signal says stop. The first plane is the data plane: it ends first, so that health can be asked to the last.

    `closing()` is told when the stop begins, `reload()` on SIGHUP, `ready()` once all planes listen. The signals stay taken until the
    loop closes: one more may not kill the process while it still writes its records.
    """
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    reloads: set[asyncio.Future[object]] = set()

    def hang_up() -> None:
        task = asyncio.ensure_future(reload())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    def stop() -> None:
        if stopping.is_set():
            planes[0][0].end_streams()
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGHUP, hang_up)
    tasks = [asyncio.ensure_future(server.serve([sock])) for server, sock in planes]
    try:
        while not all(server.started for server, _ in planes):
            await asyncio.sleep(0.01)
            for task in tasks:
                if task.done():
                    task.result()
        ready()
        told = asyncio.ensure_future(stopping.wait())
        await asyncio.wait([told, *tasks], return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
    finally:
        closing()
        for (server, _), task in zip(planes, tasks, strict=True):
            server.should_exit = True
            with contextlib.suppress(asyncio.CancelledError):
                await task


def run_workers(arguments: list[str], count: int, *, host: str, port: int) -> int:
    """Run `count` processes of `gateway serve`, one per number in GATEWAY_WORKER; a process that dies is started anew.

    Returns the exit status when all have ended, after SIGTERM or SIGINT; SIGHUP is handed on. A process that ends with status 2, or
    three that end within seconds of their start, end them all: something is wrong that another start won't mend. SettingsError when
    the port is in use. Port 0 is chosen here, once for all.
    """
    # Taken alone first: a port that several may share would not tell that strangers share it already.
    bind(host, port, what="data plane").close()
    with bind(host, port, what="data plane", shared=True) as held:
        return _Workers([*arguments, "--port", str(held.getsockname()[1])]).run(count)


class _Workers:
    """The processes of `run_workers`."""

    def __init__(self, arguments: list[str]) -> None:
        self._command = [sys.executable, "-m", "gateway", *arguments]
        self._children: dict[int, tuple[subprocess.Popen[bytes], float]] = {}
        self._stopping = False
        self._early = 0
        self._status = 0

    def run(self, count: int) -> int:
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(signum, self._hand_on)
        for number in range(count):
            self._start(number)
        while self._children:
            time.sleep(0.1)
            for number, (child, since) in list(self._children.items()):
                if child.poll() is not None:
                    del self._children[number]
                    self._ended(number, child.returncode, time.monotonic() - since)
        return self._status

    def _start(self, number: int) -> None:
        child = subprocess.Popen(self._command, env={**os.environ, WORKER: str(number)})  # noqa: S603 - our own
        self._children[number] = child, time.monotonic()
        if self._stopping:
            child.terminate()  # the signal came while it was being made

    def _ended(self, number: int, status: int, after_s: float) -> None:
        if self._stopping:
            return
        self._early = self._early + 1 if after_s < _EARLY_S else 0
        if status == 2 or self._early >= 3:
            self._status = 2 if status == 2 else 1
            self._hand_on(signal.SIGTERM, None)
        else:
            _log.error("worker %d ended with status %s and is started anew", number, status)
            self._start(number)

    def _hand_on(self, signum: int, frame: object) -> None:
        self._stopping = self._stopping or signum != signal.SIGHUP
        for child, _ in list(self._children.values()):
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(signum)
