"""The admin plane: health, metrics, decisions, quota and the running policy, on a port of its own and never on the data plane's.

Without a token it answers loopback only, and only to requests that name a loopback host, so that no web page can reach it by
rebinding a name. With a token every request but the two probes needs it. Nothing here shows prompts or keys: they are not known.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.errors import GatewayError, QuotaError, RiskError, StoreError
from gateway.model.ruling import Finding

__all__ = ["Plane", "admin_app"]

_ASKED = frozenset({"account", "model", "peer", "tier"})
_RANKED, _MOST_RANKED = 50, 1_000
_MOST_BODY = 16 * 1024
_NO_STORE = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class Plane(Protocol):
    """What the admin plane shows and does, as the composition root provides it.

    `missing()` names what the gateway still lacks to serve; empty when it is ready. `decision(id)` gives an audit record or None.
    `quota(asked)` says how a caller's limits stand, QuotaError where nobody is meant, StoreError where the state does not answer;
    `asked` has some of key, account, model, peer, tier. `policy()` describes the running policy; `reload()` loads it anew and says
    what came of it. `metrics_text()` is Prometheus text. `risk(asked)` and `risk_of(key)` are what
    `gateway risk` shows, `rule(key, finding, by, why)` writes a decision down; RiskError where nobody is meant or no reason is given.
    """

    async def missing(self) -> list[str]: ...
    async def decision(self, decision_id: str) -> dict[str, object] | None: ...
    async def quota(self, asked: dict[str, str]) -> dict[str, object]: ...
    async def risk(self, limit: int, at_least: float | None, campaigns: bool) -> list[dict[str, object]]: ...
    async def risk_of(self, key: str) -> dict[str, object]: ...
    async def rule(self, key: str, finding: Finding, by: str, why: str) -> dict[str, object]: ...
    def policy(self) -> dict[str, object]: ...
    async def reload(self) -> dict[str, object]: ...
    def metrics_text(self) -> tuple[bytes, str]: ...


@dataclass(frozen=True, slots=True)
class _Guarded:
    """Lets a request through to an endpoint, or answers 401 or 403."""

    token: str | None
    endpoint: Callable[[Request], Awaitable[Response]]

    async def __call__(self, request: Request) -> Response:
        refusal = _refusal(request, self.token)
        if refusal is None:
            return await self.endpoint(request)
        status, message = refusal
        headers = {**_NO_STORE, "www-authenticate": "Bearer"} if status == 401 else _NO_STORE
        return JSONResponse({"error": message}, status, headers)


def admin_app(plane: Callable[[], Awaitable[Plane]], token: str | None = None) -> Starlette:
    """The admin plane as an ASGI application. `plane` gives the running gateway; `token` None answers loopback only."""

    async def healthz(request: Request) -> Response:
        return JSONResponse({"alive": True}, headers=_NO_STORE)

    async def readyz(request: Request) -> Response:
        try:
            missing = await (await plane()).missing()
        except GatewayError as error:
            missing = [f"start: {type(error).__name__}"]
        told = missing if _refusal(request, token) is None or _from_here(request) else []
        return JSONResponse({"ready": not missing, "missing": told}, 503 if missing else 200, _NO_STORE)

    async def metrics(request: Request) -> Response:
        body, content_type = (await plane()).metrics_text()
        return Response(body, headers=_NO_STORE, media_type=content_type)

    async def decision(request: Request) -> Response:
        found = await (await plane()).decision(request.path_params["id"])
        if found is None:
            return JSONResponse({"error": "no such decision in this gateway's log"}, 404, _NO_STORE)
        return JSONResponse(found, headers=_NO_STORE)

    async def quota(request: Request) -> Response:
        asked = {name: value for name, value in request.query_params.items() if name in _ASKED and value}
        try:
            found = await (await plane()).quota(asked | request.path_params)
        except QuotaError as error:
            return JSONResponse({"error": str(error)}, 404, _NO_STORE)
        except StoreError:
            return JSONResponse({"error": "the state does not answer: try again shortly"}, 503, _NO_STORE)
        return JSONResponse(found, headers=_NO_STORE)

    async def risks(request: Request) -> Response:
        asked = request.query_params
        try:
            limit, at_least = int(asked.get("limit", _RANKED)), asked.get("at_least")
            if not 1 <= limit <= _MOST_RANKED:
                raise ValueError
            floor = None if at_least is None else float(at_least)
        except ValueError:
            message = f"limit is a number from 1 to {_MOST_RANKED}, at_least a number of decibans"
            return JSONResponse({"error": message}, 400, _NO_STORE)
        campaigns = asked.get("campaigns", "") in {"1", "true"}
        return await _risky(_named("campaigns" if campaigns else "callers", (await plane()).risk(limit, floor, campaigns)))

    async def risk(request: Request) -> Response:
        return await _risky((await plane()).risk_of(request.path_params["key"]))

    async def rule(request: Request) -> Response:
        said = await _decision(request)
        if isinstance(said, Response):
            return said
        finding: Finding = "cleared" if request.url.path.endswith("/clear") else "confirmed"
        return await _risky((await plane()).rule(request.path_params["key"], finding, said["by"], said["why"]))

    async def policy(request: Request) -> Response:
        return JSONResponse((await plane()).policy(), headers=_NO_STORE)

    async def reload(request: Request) -> Response:
        if _from_a_page(request):
            return JSONResponse({"error": "requests of web pages are not accepted here"}, 403, _NO_STORE)
        result = await (await plane()).reload()
        return JSONResponse(result, 200 if result.get("ok") else 422, _NO_STORE)

    def guarded(path: str, endpoint: Callable[[Request], Awaitable[Response]], method: str = "GET") -> Route:
        guard = _Guarded(token, endpoint)

        async def call(request: Request) -> Response:
            return await guard(request)

        return Route(path, call, methods=[method])

    return Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            guarded("/metrics", metrics),
            guarded("/api/decisions/{id}", decision),
            guarded("/api/quota", quota),
            guarded("/api/quota/{key}", quota),
            guarded("/api/risk", risks),
            guarded("/api/risk/{key}", risk),
            guarded("/api/risk/{key}/clear", rule, "POST"),
            guarded("/api/risk/{key}/confirm", rule, "POST"),
            guarded("/api/policy", policy),
            guarded("/api/policy", reload, "POST"),
            guarded("/api/policy/reload", reload, "POST"),
        ]
    )


async def _named(name: str, found: Awaitable[list[dict[str, object]]]) -> dict[str, object]:
    return {name: await found}


async def _risky(found: Awaitable[dict[str, object]]) -> Response:
    """What was asked for, or 404 with the reason, or 503."""
    try:
        return JSONResponse(await found, headers=_NO_STORE)
    except RiskError as error:
        return JSONResponse({"error": str(error)}, 404, _NO_STORE)
    except StoreError:
        return JSONResponse({"error": "the state does not answer: try again shortly"}, 503, _NO_STORE)


async def _decision(request: Request) -> dict[str, str] | Response:
    """`by` and `why` of a JSON body; a web page of another origin cannot send that type without being asked for permission first."""
    if _from_a_page(request):
        return JSONResponse({"error": "requests of web pages are not accepted here"}, 403, _NO_STORE)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return JSONResponse({"error": "send content-type: application/json"}, 415, _NO_STORE)
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BODY:
            return JSONResponse({"error": f"more than {_MOST_BODY} bytes"}, 413, _NO_STORE)
    try:
        said = msgspec.json.decode(body, type=dict[str, str])
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = {}
    if not said.get("by", "").strip() or not said.get("why", "").strip():
        message = 'say who decides and why: {"by": "maria", "why": "one exercise for the whole class"}'
        return JSONResponse({"error": message}, 400, _NO_STORE)
    return said


def _refusal(request: Request, token: str | None) -> tuple[int, str] | None:
    if token is not None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        right = hmac.compare_digest(given.strip().encode("latin-1"), token.encode())
        return (
            None if scheme.lower() == "bearer" and right else (401, "the admin token is missing or wrong (Authorization: Bearer ...)")
        )
    if not _is_loopback(_client(request)):
        return 403, "without an admin token only loopback is answered (set GATEWAY_ADMIN_TOKEN)"
    if not _names_loopback(request.headers.get("host", "")):
        return 403, "the Host header does not name a loopback address"
    return None


def _client(request: Request) -> str:
    return request.client.host if request.client else ""


def _from_here(request: Request) -> bool:
    """From this machine, and not by way of a page whose name was made to point here."""
    return _is_loopback(_client(request)) and _names_loopback(request.headers.get("host", ""))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.split("%", maxsplit=1)[0]).is_loopback
    except ValueError:
        return host == "localhost"


def _names_loopback(host: str) -> bool:
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return name == "localhost" or _is_loopback(name)


def _from_a_page(request: Request) -> bool:
    """Browsers send Origin with every cross-site POST; tools send none."""
    origin = request.headers.get("origin")
    return origin is not None and origin.partition("://")[2] != request.headers.get("host")
