"""The one composition root: chooses the adapters, joins them to the driver, and gives the three ways in.

Gateway(app, policy=...)        middleware in front of an ASGI application
proxy(settings)                 the same middleware in front of model endpoints
admin_app(gateway)              the admin plane of either
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from gateway.admission import Admission
from gateway.asgi.admin import admin_app as _admin_app
from gateway.asgi.intake import Engine, Guards
from gateway.asgi.middleware import Middleware
from gateway.driver import Driver, World
from gateway.errors import SettingsError, StoreError
from gateway.linking import Linking, links_live
from gateway.metrics import Metrics
from gateway.model.policy import Policy, UpstreamRule
from gateway.model.ruling import Finding, Ruling
from gateway.policy.load import find
from gateway.policy.load import load as load_policy
from gateway.ports import Clock, HistoryStore, Upstream
from gateway.quotas import Asked, quota_of
from gateway.registry import names, resolve
from gateway.reload import PolicyHolder
from gateway.rewriter import Rewriter
from gateway.risk.baseline import general
from gateway.risk.campaigns import Campaigns
from gateway.risk.scales import Scales
from gateway.riskstory import Room, campaigns_of, ranking, rule_on, story_of
from gateway.rulings import RuledVerdicts, Rulings
from gateway.settings import deployment_secret, state_opener
from gateway.sharing import Sharing
from gateway.stores.opened import Opened
from gateway.weigher import Weigher

__all__ = ["Gateway", "Running", "Ways", "admin_app", "proxy"]

_log = logging.getLogger("gateway")

_A_DAY_US = 24 * 3600 * 1_000_000
_APP = UpstreamRule("app", "http://app", first_byte_timeout_us=_A_DAY_US, idle_timeout_us=_A_DAY_US, cooldown_us=0)
"""The application behind the middleware: how long it may think is its own affair, and what one route refuses says nothing of others."""


class _WallClock:
    """Unix microseconds of this machine."""

    def now(self) -> int:
        """See `ports.Clock`."""
        return time.time_ns() // 1000


@dataclass(frozen=True, slots=True)
class Ways:
    """Which model endpoints there are: `app` an application in-process, `overrides` in place of the policy's `upstreams`."""

    app: Any = None
    overrides: tuple[UpstreamRule, ...] = ()

    def applied(self, policy: Policy) -> Policy:
        """The policy with these upstreams, refused where it is left without any."""
        if self.overrides:
            return replace(policy, upstreams=self.overrides)
        if not policy.upstreams:
            raise SettingsError("no model endpoint is known: give --upstream URL, or --demo, or `upstreams` in the policy file")
        return policy


class _Pools:
    """One pool of connections per endpoint and bound, made when first needed; what a reload leaves unused is closed at the end."""

    def __init__(self, adapter: Callable[..., Upstream]) -> None:
        self._adapter = adapter
        self._made: dict[tuple[str, int], Upstream] = {}

    def of(self, rule: UpstreamRule) -> Upstream:
        """The pool of an endpoint."""
        name = rule.id, rule.max_connections
        pool = self._made.get(name)
        if pool is None:
            pool = self._made[name] = self._adapter(max_connections=rule.max_connections)
        return pool

    async def aclose(self) -> None:
        """Close them all."""
        for pool in self._made.values():
            await pool.aclose()


class Running:
    """One started gateway: engine, stores, sink and the tasks behind them. Made by `Running.open`, ended by `aclose`."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.stack = contextlib.AsyncExitStack()
        self.engine: Engine
        self.holder: PolicyHolder
        self.world: World
        self.weigher: Weigher | None = None
        self.state: Any = None
        self.rulings: Rulings

    @classmethod
    async def open(
        cls, *, policy: str | Path, state: str, data: Path, secret: bytes | None, ways: Ways, client: str = "aiohttp"
    ) -> Running:
        """Open the state, the log and the ways upstream; SettingsError or PolicyError when something is wrong with any."""
        running = cls()
        try:
            await running._open(find(str(policy)), state, data, secret, ways, client)
        except BaseException:
            await running.stack.aclose()
            raise
        return running

    async def _open(self, path: Path, state: str, data: Path, secret: bytes | None, ways: Ways, client: str) -> None:
        """Open in this order, closed in reverse: policy, state, log, upstream, driver, the tasks that watch."""
        clock = _WallClock()
        policy = load_policy(path)
        ways.applied(policy)
        self.state = opened = await state_opener(state)(state, data, secret=secret, clock=clock, exclusive=True)
        self.stack.push_async_callback(opened.aclose)
        opened.measure(self.metrics)
        sink = resolve("sinks", policy.audit.sink)(data, policy.audit, clock=clock, meter=self.metrics)
        self.stack.push_async_callback(sink.aclose)
        await sink.start()
        upstreams = await self._upstreams(ways, client)
        self.rulings = Rulings(opened.rulings, sink.ruling)
        history = RuledVerdicts(opened.verdicts, self.rulings)
        self.weigher = self._weigher(history, policy.memory)
        self.world = World(
            keys=opened.keys,
            holds=opened.holds,
            degraded=opened.degraded,
            admission=Admission(self.metrics),
            history=history,
            owners=opened.owners,
            sink=sink,
            meter=self.metrics,
            clock=clock,
            weigher=self.weigher,
        )
        driver = Driver(self.world)
        self.holder = PolicyHolder(path, policy, meter=self.metrics, accept=ways.applied)
        self.engine = Engine(
            driver=driver,
            policy=_effective(self.holder, ways),
            secret=opened.secret,
            clock=clock,
            guards=Guards(),
            upstreams=upstreams,
            credential=_credential,
            in_process=ways.app is not None and ways.overrides == (_APP,),
            rewriter=Rewriter(lambda rule: upstreams(rule, {})),
        )
        self._background(driver.renew_holds())
        self._background(self.holder.watch())
        self.rulings.heard = self._heard
        self._background(self.rulings.watch())
        if self.weigher is not None:
            self._share(self.weigher, opened, clock)

    def _weigher(self, history: HistoryStore, memory: int) -> Weigher | None:
        """What learns from requests, where any signal is registered; `memory` in bytes."""
        signals = {name: resolve("signals", name) for name in names("signals")}
        if not signals:
            return None
        # Half is for callers, a quarter for links, an eighth for the queue, the rest for what is to be shared.
        scales = Scales(signals, general(), memory=memory // 2)
        linking = Linking(Campaigns(scales, links_live(memory // 4), kept_us=_A_DAY_US))
        return Weigher(scales, history, self.metrics, linking=linking, most_bytes=memory // 8)

    def _share(self, weigher: Weigher, opened: Opened, clock: Clock) -> None:
        """Weigh, link and share from now on; what was learnt last is shared before the state is closed."""
        linking = weigher.linking
        assert linking is not None  # _weigher makes it
        sharing = Sharing(opened.evidence, weigher, linking, self.world.history, self.metrics, clock.now)
        self.stack.push_async_callback(sharing.aclose)
        self._background(weigher.run())
        self._background(sharing.run())

    def _heard(self, ruling: Ruling) -> None:
        """A person decided: what is known of a cleared caller from before is dropped here."""
        if ruling.finding == "cleared" and self.weigher is not None:
            self.weigher.scales.callers.clear(ruling.key_id, ruling.at_us)

    async def _upstreams(self, ways: Ways, client: str) -> Callable[[UpstreamRule, dict[str, Any]], Upstream]:
        pools = _Pools(resolve("upstreams", client))
        self.stack.push_async_callback(pools.aclose)
        if ways.app is None:
            return lambda rule, scope: pools.of(rule)
        inner = resolve("upstreams", "asgi")(ways.app)
        self.stack.push_async_callback(inner.aclose)
        mounted = {rule.id for rule in ways.overrides}
        return lambda rule, scope: inner.bound(scope) if rule.id in mounted else pools.of(rule)

    def _background(self, work: Any) -> None:
        task = asyncio.ensure_future(work)

        async def stop() -> None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

        self.stack.push_async_callback(stop)

    def close_door(self) -> None:
        """From now on requests are answered that the service is restarting; those under way go on."""
        self.engine.driver.closing = True

    async def aclose(self, deadline_s: float = 10.0) -> None:
        """Let what is under way wind up, then close everything in reverse order."""
        await self.engine.driver.drain(deadline_s)
        await self.stack.aclose()

    async def abandon(self) -> None:
        """Give back what a loop that is over has left here: the folder, the log, files. Nothing that waits there is waited for."""
        with contextlib.suppress(Exception):  # the last word of connections and tasks of that loop
            await self.stack.aclose()

    # ── What the admin plane shows: see `gateway.asgi.admin.Plane` ──────────────────────────────

    async def missing(self) -> list[str]:
        """What is lacking; whether an upstream answers is not asked."""
        missing = []
        try:
            await self.world.keys.find("0" * 32)
        except StoreError as error:
            missing.append(f"state: the store does not answer ({error})")
        if not self.world.sink.healthy:
            missing.append("audit: records cannot be written")
        if self.engine.driver.closing:
            missing.append("shutting down")
        for rule in self.engine.policy().upstreams:
            if rule.credential_env and not os.environ.get(rule.credential_env):
                missing.append(f"upstream {rule.id}: {rule.credential_env} is not set")
        return missing

    async def decision(self, decision_id: str) -> dict[str, object] | None:
        """An audit record by its id, which is what `x-gateway-decision` says."""
        return await self.world.sink.find(decision_id)

    async def quota(self, asked: dict[str, str]) -> dict[str, object]:
        """How a caller's limits stand by the running policy; see `gateway.quotas`."""
        world = self.world
        now = world.clock.now()
        return await quota_of(
            Asked(**asked), policy=self.engine.policy(), keys=world.keys, holds=world.holds, history=world.history, now_us=now
        )

    def _room(self) -> Room:
        world = self.world
        return Room(self.engine.policy(), world.keys, self.state.risk, self.state.rulings, world.clock.now())

    async def risk(self, limit: int, at_least: float | None, campaigns: bool) -> list[dict[str, object]]:
        """Callers by evidence, or campaigns; see `gateway.riskstory`."""
        return await (campaigns_of(self._room(), limit) if campaigns else ranking(self._room(), limit, at_least))

    async def risk_of(self, key: str) -> dict[str, object]:
        """All that is known of one caller."""
        return await story_of(self._room(), key)

    async def rule(self, key: str, finding: Finding, by: str, why: str) -> dict[str, object]:
        """Write a decision down, in the state and in this process's log, and go by it at once."""
        ruling = await rule_on(self._room(), key, finding, by=by, why=why)
        await self.rulings.read()
        return {"key_id": ruling.key_id, "finding": ruling.finding, "at_us": ruling.at_us, "by": ruling.by, "why": ruling.why}

    def policy(self) -> dict[str, object]:
        """The running policy in short."""
        policy = self.engine.policy()
        return {"name": policy.name, "version": policy.version, "digest": policy.digest, "label": policy.label, "mode": policy.mode}

    async def reload(self) -> dict[str, object]:
        """Load the policy file anew; a bad one keeps the old."""
        result = await asyncio.to_thread(self.holder.reload)
        problems = [str(problem) for problem in result.problems]
        return {"ok": not problems, "changed": result.changed, "problems": problems, **self.policy()}

    def metrics_text(self) -> tuple[bytes, str]:
        """Prometheus text and its content type."""
        self.metrics.gauge("gateway_in_flight", float(self.engine.driver.in_flight))
        return self.metrics.render(), self.metrics.content_type


def _credential(rule: UpstreamRule) -> str | None:
    """The value to inject for an upstream, from the environment variable that its rule names."""
    return os.environ.get(rule.credential_env) if rule.credential_env else None


def _effective(holder: PolicyHolder, ways: Ways) -> Callable[[], Policy]:
    """The running policy with the upstreams that the command line put in their place, worked out once per reload."""
    seen: list[Policy] = [holder.current]
    made: list[Policy] = [ways.applied(holder.current)]

    def current() -> Policy:
        policy = holder.current
        if policy is not seen[0]:
            seen[0], made[0] = policy, ways.applied(policy)
        return made[0]

    return current


class Gateway:
    """The middleware: `app = Gateway(app, policy="policies/default.yaml")`, or `app.add_middleware(Gateway, policy=...)`.

    - `policy`: a path, or the name of a policy that ships (`default`, `strict`, `shadow`, `passthrough`).
    - `state`: `memory`, `sqlite:FILE` or a Redis URL, default GATEWAY_STATE.
    - `data`: a folder for keys and the audit log, default GATEWAY_DATA or `gateway-data`.
    - `governs(path)`: which paths are governed, default those of the dialects, with or without /v1.
    - `secret`: the deployment's, default GATEWAY_SECRET[_FILE].

    Starts with the lifespan or the first request; `aclose()` where the server sends no lifespan. It lives in one event loop; where
    that is closed without a word, as between two requests of a test client without its `with` block, it starts anew in the next.
    """

    def __init__(
        self,
        app: Any,
        *,
        policy: str | Path = "default",
        state: str | None = None,
        data: str | Path | None = None,
        governs: Callable[[str], bool] | None = None,
        secret: bytes | None = None,
    ) -> None:
        self.running: Running | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running = partial(
            Running.open,
            policy=policy,
            state=state or os.environ.get("GATEWAY_STATE", "memory"),
            data=Path(data or os.environ.get("GATEWAY_DATA", "gateway-data")),
            secret=secret if secret is not None else deployment_secret(),
            ways=Ways(app, (_APP,)),
        )
        self._middleware = Middleware(app, self._open, self._close, governs)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Any ASGI scope; see `gateway.asgi.middleware.Middleware`."""
        await self._middleware(scope, receive, send)

    async def started(self) -> Running:
        """The running gateway, started if need be."""
        await self._middleware.start()
        assert self.running is not None  # start() opens it
        return self.running

    async def aclose(self) -> None:
        """Stop. Streams under way finish first, up to ten seconds."""
        await self._middleware.aclose()

    async def _open(self) -> Engine:
        await self._close()
        self.running = await self._running()
        self._loop = asyncio.get_running_loop()
        return self.running.engine

    async def _close(self) -> None:
        running, self.running = self.running, None
        if running is None:
            return
        if self._loop is asyncio.get_running_loop():
            await running.aclose()
        else:
            await running.abandon()


def admin_app(gateway: Gateway, *, token: str | None = None) -> Starlette:
    """The admin plane of a mounted gateway, to be served on a port of its own: `/healthz`, `/readyz`, `/metrics`, `/api/...`.

    `token` None answers loopback only.
    """
    return _admin_app(gateway.started, token)


async def _nothing_behind(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """What stands behind the proxy's middleware: nothing. Every HTTP path is governed; an upgrade never gets here."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})


def proxy(running: Running) -> Middleware:
    """The reverse proxy: the middleware with every path governed, in front of nothing but the upstreams."""

    async def opened() -> Engine:
        return running.engine

    async def closed() -> None:
        return None

    return Middleware(_nothing_behind, opened, closed, governs=lambda path: True)
