"""Where a request enters: from an ASGI scope to the first step of the road.

The credential's secret stops here: what goes on is its keyed hash. So do framing that two servers could read differently, peers
that fail to authenticate again and again, and upgrades that are not relayed; each is refused by the same road, so that each
has its record.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from gateway.asgi.credentials import Credential, credential_of, inject, only_known
from gateway.asgi.door import Door as PeerGuard
from gateway.asgi.fields import framing_fault, request_fields
from gateway.asgi.httpdoor import HttpDoor
from gateway.asgi.peer import agent_of, asserted_identity, peer_of
from gateway.core.exchange import Identify
from gateway.core.refusals import internal
from gateway.core.trail import Trail
from gateway.dialects.base import Dialect
from gateway.dialects.routes import dialect_for, normal_path
from gateway.driver import Driver
from gateway.model.caller import Source, key_id_of
from gateway.model.decision import Refusal
from gateway.model.policy import DoorRules, Policy, UpstreamRule
from gateway.model.request import Arrival
from gateway.ports import Clock, Headers, Upstream
from gateway.rewriter import Rewriter

__all__ = ["EMPTY_QUERY", "Engine", "Guards", "Intake", "new_id", "path_of"]

Scope = dict[str, Any]

EMPTY_QUERY = "gateway.empty_query"
"""Extension of a scope whose target ends in `?`: ASGI itself cannot tell that from a target without a query."""


_ESCAPED = re.compile("%(2f|5c)|(?<=/)(%2e|[.])+(?=/|$)", re.IGNORECASE)
"""A separator, or a segment of dots, that is written with escapes."""


def new_id(now_us: int) -> str:
    """A decision id: 28 characters that sort by time and can't be guessed (51 bits of microseconds, 80 bits of chance)."""
    raw = (now_us << 80 | int.from_bytes(os.urandom(10), "big")).to_bytes(17, "big")
    return "d" + base64.b32hexencode(raw).decode("ascii").rstrip("=").lower()[1:]


def path_of(scope: Scope) -> str:
    """The path as the application sees it: below the prefix that it is mounted under, which by the specification stands in both
    `path` and `root_path`. Some frameworks cut it from `path` themselves."""
    path: str = scope["path"]
    root: str = (scope.get("root_path") or "").rstrip("/")
    return path[len(root) :] or "/" if root and f"{path}/".startswith(f"{root}/") else path


_LONGEST_SOLUTION = 512


class Guards:
    """The guard per peer that the running policy asks for: a reload that leaves its rules alone keeps its counts."""

    def __init__(self) -> None:
        self._policy: Policy | None = None
        self._rules: DoorRules | None = None
        self._guard: PeerGuard

    def of(self, policy: Policy) -> PeerGuard:
        """The guard of a policy; the same as before where only the rest of the policy has changed."""
        if policy is not self._policy:
            if policy.door != self._rules:
                self._guard, self._rules = PeerGuard(policy.door), policy.door
            self._policy = policy
        return self._guard


@dataclass(slots=True)
class Engine:
    """What all requests of one gateway share, made by the composition root.

    `policy` gives the running policy. `in_process`: the upstream is the application that we are mounted in front of; its URLs
    are paths, and its errors are its framework's to show. `credential(rule)`: the value to inject for an upstream.
    """

    driver: Driver
    policy: Callable[[], Policy]
    secret: bytes
    clock: Clock
    guards: Guards
    upstreams: Callable[[UpstreamRule, Scope], Upstream]
    credential: Callable[[UpstreamRule], str | None]
    in_process: bool = False
    rewriter: Rewriter | None = None
    """Tells reasoning again; None where nothing can, and it is withheld."""

    def upstream_for(self, trail: Trail, scope: Scope) -> Upstream:
        """The way to the upstream that the core has chosen. The application mounted behind learns who calls."""
        rule, caller = trail.upstream, trail.caller
        assert rule is not None
        if self.in_process and caller is not None:
            scope = {
                **scope,
                "gateway": {
                    "decision": trail.arrival.id,
                    "key_id": caller.key_id,
                    "account": caller.account,
                    "tier": trail.tier.id if trail.tier else "",
                },
            }
        return self.upstreams(rule, scope)

    def request_fields(self, trail: Trail, headers: Headers) -> Headers:
        """End-to-end fields for the upstream, with its own credential where the policy names one."""
        if self.in_process:
            fields = request_fields(headers, keep_forwarding=True)
            ours = trail.caller is not None and trail.caller.source == "issued"
            return inject(fields, None, "authorization") if ours else fields
        fields = request_fields(headers)
        rule = trail.upstream
        assert rule is not None
        if trail.caller is None or trail.caller.source in {"client", "anonymous"}:
            return only_known(fields)
        return inject(fields, self.credential(rule), _credential_header(rule, trail.dialect, headers))

    def url(self, rule: UpstreamRule, scope: Scope) -> str:
        """The upstream's URL for a request: its base, then path and query exactly as they came, without doubling /v1."""
        raw = scope.get("raw_path") or quote(scope["path"], safe="/%:@!$&'()*+,;=~-._").encode("ascii")
        path = raw.decode("latin-1")
        if not path.startswith("/"):
            path = "/" + path  # `OPTIONS *`; whatever it is, it must not run on into the upstream's name
        base = rule.url.rstrip("/")
        if base.endswith("/v1") and (path == "/v1" or path.startswith("/v1/")):
            path = path[3:]
        query = scope.get("query_string", b"")
        asked = query or EMPTY_QUERY in (scope.get("extensions") or ())
        return f"{base}{path}?{query.decode('latin-1')}" if asked else base + path

    def noticed(self, peer: str, refusal: Refusal) -> None:
        """Count a failed authentication against its peer address."""
        if refusal.kind in {"credential_invalid", "credential_missing", "credential_revoked", "credential_expired"}:
            self.guards.of(self.policy()).failed(peer)


class Intake:
    """The ASGI application that governs: one call is one request on the road."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Take one HTTP request from its scope to its end."""
        engine = self._engine
        policy = engine.policy()
        method: str = scope["method"]
        path = path_of(scope)
        dialect = dialect_for(method, path)
        route = f"{method} {normal_path(path)}"
        arrival, refusal = self._arrive(scope, policy)
        door = HttpDoor(engine, scope, receive, send, dialect)
        trail = Trail(arrival, policy, dialect, route, seed=engine.secret)
        try:
            await engine.driver.drive(Identify(trail, refusal=refusal, preflight=_preflight(scope)), door)
        finally:
            await door.release()

    def _arrive(self, scope: Scope, policy: Policy) -> tuple[Arrival, Refusal | None]:
        """Steps: who is on the line, which credential, what a trusted proxy says; and whether the door stays shut."""
        engine, headers = self._engine, scope["headers"]
        now = engine.clock.now()
        peer = peer_of(scope.get("client"), headers, policy.trusted_proxies)
        credential = credential_of(headers)
        asserted = asserted_identity(headers, trusted=peer.trusted)
        source, key_id = self._source(policy, credential, asserted.key if asserted else None)
        length = _content_length(headers)
        arrival = Arrival(
            id=new_id(now),
            at_us=now,
            method=scope["method"],
            path=scope["path"],
            peer=peer.grouped,
            key_id=key_id,
            source=source,
            account=asserted.account if asserted else None,
            tier=asserted.tier if asserted else None,
            tags=asserted.tags if asserted else frozenset(),
            attributes=asserted.attributes if asserted else (),
            solution=_brought(headers, b"x-gateway-solution") if policy.challenge else "",
            grace=_brought(headers, b"x-gateway-grace") if policy.challenge else "",
            agent=agent_of(headers),
            content_length=length,
        )
        return arrival, self._shut(scope, policy, peer.grouped, source)

    def _source(self, policy: Policy, credential: Credential | None, asserted_key: str | None) -> tuple[Source, str | None]:
        """How the caller is known, and its key id: our own key, the client's own credential, a trusted proxy's word, or not at all."""
        if credential is not None:
            ours = credential.value.startswith(b"azg_")
            if policy.credentials == "issued" and credential.form == "other":
                return "anonymous", None
            issued = policy.credentials == "issued" or (policy.credentials == "both" and ours)
            return ("issued" if issued else "client"), key_id_of(self._engine.secret, credential.value)
        if asserted_key:
            return "asserted", key_id_of(self._engine.secret, b"asserted\0" + asserted_key.encode())
        return "anonymous", None

    def _shut(self, scope: Scope, policy: Policy, peer: str, source: Source) -> Refusal | None:
        """Why the door stays shut for this request, whoever it is."""
        headers = scope["headers"]
        if self._engine.driver.closing:
            return internal("shutdown")
        fault = framing_fault(headers)
        if fault is not None:
            return Refusal("body_invalid", 400, fault, "framing", code="invalid_request", final=True)
        if any(name == b"upgrade" and value.lower() == b"websocket" for name, value in headers):
            message = "WebSocket is not relayed by this gateway. Use the HTTP endpoints; they stream by server-sent events."
            return Refusal("websocket", 400, message, "websocket", code="websocket_unsupported", final=True)
        ours = policy.credentials == "issued" or source in {"issued", "asserted"}
        if ours and _ambiguous_path(scope):
            return Refusal(
                "route_denied", 400, "The path is not in its plain form.", "route.ambiguous", code="invalid_request", final=True
            )
        if ours and scope["method"] == "TRACE":
            # Its answer is the request as the upstream got it: with the upstream's credential (RFC 9110, 9.3.8).
            return Refusal("route_denied", 405, "TRACE is not relayed.", "route.trace", code="invalid_request", final=True)
        wait = self._engine.guards.of(policy).refuses(peer)
        if wait is not None:
            message = "Too many failed requests from this address. Please try again later."
            return Refusal("abuse_door", 429, message, "door", code="rate_limit_exceeded", retry_us=wait)
        return None


def _preflight(scope: Scope) -> bool:
    if scope["method"] != "OPTIONS":
        return False
    names = {name for name, _ in scope["headers"]}
    return b"origin" in names and b"access-control-request-method" in names


def _ambiguous_path(scope: Scope) -> bool:
    """Dot segments, doubled slashes and escaped separators, once or twice escaped: the upstream might resolve them to another route
    than we see."""
    path: str = scope["path"]
    raw: bytes = scope.get("raw_path") or b""
    dotted = any(part.partition(";")[0] in {".", ".."} for part in path.split("/"))
    return (
        dotted
        or "//" in path
        or "\\" in path
        or _ESCAPED.search(path) is not None
        or _ESCAPED.search(raw.decode("latin-1")) is not None
    )


def _brought(headers: Headers, name: bytes) -> str:
    """What a client brings against a challenge; a field that is longer than any solution is none."""
    said = next((value for other, value in headers if other == name), b"")
    return said.decode("ascii", "replace") if len(said) <= _LONGEST_SOLUTION else ""


def _content_length(headers: Headers) -> int | None:
    for name, value in headers:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return None


def _credential_header(rule: UpstreamRule, dialect: Dialect, headers: Headers) -> str:
    """Which field the upstream reads its credential from: as the rule says, else as the client's own family of APIs has it."""
    if rule.credential_header != "auto":
        return rule.credential_header
    anthropic = dialect.name.startswith("anthropic.") or any(name == b"anthropic-version" for name, _ in headers)
    return "x-api-key" if anthropic else "authorization"
