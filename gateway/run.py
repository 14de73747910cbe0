"""The standalone gateway: open everything, listen on both planes, serve until told to stop, wind up."""

from __future__ import annotations

import gc
import socket
import time
from collections.abc import Callable

from gateway.app import Running, Ways, proxy
from gateway.asgi.admin import Plane, admin_app
from gateway.issue import issue_key
from gateway.server import PlaneServer, bind, serve_planes, worker_number
from gateway.settings import Settings, demo_upstream

__all__ = ["Told", "serve"]

Told = Callable[[str, str, str, Settings, str | None], None]
"""Called once both planes listen: (data plane's URL, admin plane's URL, policy's label, settings, the demo's key or None)."""

_DEMO_KEY_US = 24 * 3600 * 1_000_000
"""How long the key lasts that a start with the demo prints."""


async def serve(settings: Settings, *, told: Told) -> None:
    """Serve until SIGTERM or SIGINT; SettingsError or PolicyError before anything listens where something is wrong."""
    with (
        bind(settings.host, settings.port, what="data plane", shared=settings.workers > 1) as data_socket,
        bind(settings.admin_host, settings.admin_port, what="admin plane") as admin_socket,
    ):
        await _served(settings, data_socket, admin_socket, told)


async def _served(settings: Settings, data_socket: socket.socket, admin_socket: socket.socket, told: Told) -> None:
    running = await _opened(settings)
    try:
        key = await _demo_key(running) if settings.demo and worker_number() == 0 else None

        async def plane() -> Plane:
            return running

        def ready() -> None:
            # What was made by now lives as long as the process: the collector need not walk it again and again, pausing every stream.
            gc.collect()
            gc.freeze()
            told(_url(data_socket), _url(admin_socket), str(running.policy()["label"]), settings, key)

        planes = [
            (PlaneServer(proxy(running), shutdown_s=settings.shutdown_s), data_socket),
            (PlaneServer(admin_app(plane, settings.admin_token), shutdown_s=1), admin_socket),
        ]
        await serve_planes(
            planes,
            closing=running.close_door,
            reload=running.reload,
            ready=ready,
        )
    finally:
        await running.aclose()


async def _opened(settings: Settings) -> Running:
    ways = Ways(overrides=settings.upstreams)
    if settings.demo:
        from gateway.demo import demo_app

        ways = Ways(demo_app(), (demo_upstream(),))
    return await Running.open(
        policy=settings.policy, state=settings.state, data=settings.data, secret=settings.secret, ways=ways, client=settings.client
    )


async def _demo_key(running: Running) -> str:
    """A fresh key for the demo that lasts a day."""
    now = time.time_ns() // 1000
    store, secret = running.world.keys, running.engine.secret
    key, _ = await issue_key(
        store, secret, now_us=now, account="demo", tags=frozenset({"demo"}), expires_us=now + _DEMO_KEY_US, note="demo"
    )
    return key


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
