"""What a process is told from outside: flags, `GATEWAY_*` variables and files. Secrets come from variables or files, never from flags.

| variable | meaning |
|---|---|
| `GATEWAY_SECRET`, `GATEWAY_SECRET_FILE` | the deployment's secret, at least 32 bytes; else the state keeps one |
| `GATEWAY_ADMIN_TOKEN`, `GATEWAY_ADMIN_TOKEN_FILE` | the admin plane's token, at least 16 characters |
| `GATEWAY_UPSTREAM_KEY` | the credential for the endpoint that `--upstream` names |
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway.errors import SettingsError
from gateway.model.policy import UpstreamRule
from gateway.registry import names, resolve

__all__ = ["UPSTREAM_KEY", "Settings", "admin_token", "demo_upstream", "deployment_secret", "flag_upstream", "state_opener"]

UPSTREAM_KEY = "GATEWAY_UPSTREAM_KEY"
_SHORTEST_SECRET = 32
_SHORTEST_TOKEN = 16


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that `gateway serve` was told. `upstreams` stand in place of the policy's, empty where the policy's own serve."""

    policy: str = "default"
    upstreams: tuple[UpstreamRule, ...] = ()
    demo: bool = False
    host: str = "127.0.0.1"
    port: int = 8080
    admin_host: str = "127.0.0.1"
    admin_port: int = 8081
    state: str = "memory"
    data: Path = Path("gateway-data")
    workers: int = 1
    client: str = "aiohttp"
    shutdown_s: float = 30.0
    secret: bytes | None = None
    admin_token: str | None = None

    def checked(self) -> Settings:
        """These settings, or SettingsError for a combination that cannot work."""
        if self.demo and self.upstreams:
            raise SettingsError("--demo and --upstream are two answers to one question: give one of them")
        if self.workers < 1:
            raise SettingsError("--workers must be at least 1")
        if self.workers > 1 and self.state.partition(":")[0] in {"memory", "sqlite"}:
            raise SettingsError(
                "--workers needs a state that processes can share, or each would give out the whole of every limit: "
                "add --state redis://HOST:PORT/0, or run one worker"
            )
        if self.admin_token is None and self.admin_host not in {"127.0.0.1", "::1", "localhost"}:
            raise SettingsError(
                f"the admin plane may not listen on {self.admin_host} without a token: "
                "set GATEWAY_ADMIN_TOKEN, or leave --admin-host out"
            )
        return self


def flag_upstream(url: str, *, ask_usage: bool = False, environment: Mapping[str, str] = os.environ) -> UpstreamRule:
    """The one endpoint that `--upstream URL` means: all models, credential from GATEWAY_UPSTREAM_KEY where that is set."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise SettingsError("--upstream is not a URL: its host or port cannot be read") from None
    if "@" in parts.netloc:
        raise SettingsError(f"--upstream must not hold a credential: set {UPSTREAM_KEY} instead")
    if not usable:
        raise SettingsError(f"--upstream {url!r} is not an http:// or https:// URL")
    if parts.query or parts.fragment:
        raise SettingsError("--upstream must be a base URL, without query or fragment")
    credential = UPSTREAM_KEY if environment.get(UPSTREAM_KEY) else None
    return UpstreamRule("upstream", url.rstrip("/"), credential_env=credential, usage="ask" if ask_usage else "count")


def demo_upstream() -> UpstreamRule:
    """The demo model as an endpoint; it lives in this process, so its URL names no host."""
    return UpstreamRule("demo", "http://demo", usage="ask")


def state_opener(state: str) -> Any:
    """What opens a `--state`; SettingsError where no store has its scheme, which alone is told: the rest may hold a password."""
    scheme = state.partition(":")[0]
    if scheme not in names("stores"):
        known = ", ".join(names("stores"))
        raise SettingsError(f"--state: {scheme[:20]!r} is no state that is known ({known}): say memory, or redis://HOST:PORT/DB")
    return resolve("stores", scheme)


def deployment_secret(environment: Mapping[str, str] = os.environ) -> bytes | None:
    """The deployment's secret from GATEWAY_SECRET or GATEWAY_SECRET_FILE, None where the state shall keep one."""
    text = _from("GATEWAY_SECRET", environment)
    if text is None:
        return None
    secret = text.encode()
    if len(secret) < _SHORTEST_SECRET:
        raise SettingsError(f"GATEWAY_SECRET must have at least {_SHORTEST_SECRET} bytes; `openssl rand -hex 32` makes one")
    return secret


def admin_token(environment: Mapping[str, str] = os.environ) -> str | None:
    """The admin plane's token from GATEWAY_ADMIN_TOKEN or GATEWAY_ADMIN_TOKEN_FILE, None for loopback only."""
    token = _from("GATEWAY_ADMIN_TOKEN", environment)
    if token is not None and len(token) < _SHORTEST_TOKEN:
        raise SettingsError(f"GATEWAY_ADMIN_TOKEN must have at least {_SHORTEST_TOKEN} characters; `openssl rand -hex 24` makes one")
    return token


def _from(name: str, environment: Mapping[str, str]) -> str | None:
    value, file = environment.get(name, "").strip(), environment.get(f"{name}_FILE")
    if value and file:
        raise SettingsError(f"{name} and {name}_FILE are both set: set one of them")
    if not file:
        return value or None
    try:
        text = Path(file).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name}_FILE: {file} cannot be read ({type(error).__name__})") from error
    if not text:
        raise SettingsError(f"{name}_FILE: {file} is empty")
    return text
