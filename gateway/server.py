"""Serving: the data plane and the admin plane in one process and one loop, and several such processes side by side.

uvicorn speaks HTTP, on uvloop and httptools. Two servers run in one loop, so that the admin plane sees the very counters of
the data plane. On SIGTERM or SIGINT listening ends, streams under way get `shutdown_s` to finish, then they are ended by their
dialect's own error event; everything is settled and recorded before the process goes. SIGHUP reloads the policy.
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

from gateway.errors import SettingsError
from gateway.wire import BoundedProtocol

__all__ = ["WORKER", "PlaneServer", "bind", "run_workers", "serve_planes", "worker_number"]

_log = logging.getLogger("gateway")

WORKER = "GATEWAY_WORKER"
"""Set for the processes of `--workers N`: their number, from 0."""


def worker_number() -> int:
    """Which of the processes of `--workers N` this is, from 0; 0 too where there is only one."""
    return int(os.environ.get(WORKER, "0"))


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


def bind(host: str, port: int, *, what: str, shared: bool = False) -> socket.socket:
    """A listening socket's address, taken at once so that a port in use is a clear error. `shared`: several processes take it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind((host, port))
    except OSError as error:
        made.close()
        message = f"{what}: cannot listen on {host}:{port}: {error.strerror}; choose another with --host or --port"
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

    `closing()` is told when the stop begins, `reload()` on SIGHUP, `ready()` once all planes listen.
    """
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    reloads: set[asyncio.Future[object]] = set()

    def hang_up() -> None:
        task = asyncio.ensure_future(reload())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
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
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)


def run_workers(arguments: list[str], count: int) -> int:
    """Run `count` processes of `gateway serve`, one per number in GATEWAY_WORKER; a process that dies is started anew.

    Returns when all have ended after SIGTERM or SIGINT. SIGHUP is handed on. A process that dies within a second of its start, three
    times running, ends them all: something is wrong that another start won't mend.
    """
    children: dict[int, tuple[subprocess.Popen[bytes], float]] = {}
    stopping = False

    def start(number: int) -> None:
        command = [sys.executable, "-m", "gateway", *arguments]
        children[number] = (subprocess.Popen(command, env={**os.environ, WORKER: str(number)}), time.monotonic())  # noqa: S603 - our own

    def hand_on(signum: int, frame: object) -> None:
        nonlocal stopping
        stopping = stopping or signum != signal.SIGHUP
        for child, _ in children.values():
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(signum)

    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, hand_on)
    for number in range(count):
        start(number)
    early = 0
    while children:
        time.sleep(0.1)
        for number, (child, since) in list(children.items()):
            if child.poll() is None:
                continue
            del children[number]
            early = early + 1 if time.monotonic() - since < 1.0 else 0
            if not stopping and early >= 3:
                hand_on(signal.SIGTERM, None)
            elif not stopping:
                _log.error("worker %d ended with status %s and is started anew", number, child.returncode)
                start(number)
    return 1 if early >= 3 else 0
