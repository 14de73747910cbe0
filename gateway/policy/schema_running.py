"""Sections of a policy file: where models are (`upstreams`), the coarse guard at the `door`, how decisions are kept (`audit`)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from gateway.model.policy import UsageMode
from gateway.policy.fields import Adaptive, Amount, Duration, EnvName, Glob, Id, Net, Section, Size, Url
from gateway.policy.nearest import did_you_mean
from gateway.policy.units import rate
from gateway.registry import names

__all__ = ["AuditBlock", "DoorBlock", "QueueBlock", "UpstreamBlock"]


class QueueBlock(Section):
    """Where requests wait for an upstream that is full: by priority class, and by turns between callers within a class."""

    longest: Annotated[int, Field(ge=0, le=100_000)] = Field(
        default=200, description="Most requests that wait in one process. Beyond, the caller who has most of them waiting loses one."
    )
    wait: Duration = Field(default="5s", description="How long one waits at most; then it is refused (503, with Retry-After).")


class UpstreamBlock(Section):
    """One model endpoint. The first that lists a model serves it; the first of all serves what names no model."""

    id: Id = Field(description="Name of the upstream; stands in records and metrics.")
    url: Url = Field(description="Base address, with or without /v1.")
    models: list[Glob] = Field(default=["*"], min_length=1, description="Globs of the models it serves.")
    credential_env: EnvName | None = Field(
        default=None,
        description="Environment variable of the credential for callers with issued keys, or named by a trusted proxy; absent: none is "
        "sent for them. What else a client brings (`credentials: client`) goes upstream as it is.",
    )
    credential_header: Literal["auto", "authorization", "x-api-key", "api-key"] = Field(
        default="auto", description="Header it goes in; `auto`: the dialect's own."
    )
    usage: UsageMode = Field(default="count", description="`ask`: it is known to support `stream_options.include_usage`.")
    connect_timeout: Duration = Field(default="5s", description="To a connection.")
    first_byte_timeout: Duration = Field(default="10m", description="To the answer's head.")
    idle_timeout: Duration = Field(default="5m", description="Between two pieces of an answer.")
    max_connections: Annotated[int, Field(ge=1, le=100_000)] = Field(default=1024, description="Connections at once.")
    at_once: Amount | None = Field(
        default=None,
        description="Most requests that one process has under way there; absent: no bound, or with `adaptive` `max_connections`.",
    )
    adaptive: Adaptive | None = Field(
        default=None,
        description="Each process finds how many requests at once it serves without making them wait: `gradient` by its slowing down, "
        "`aimd` by its refusals and delays; `at_once` is the ceiling.",
    )
    queue: QueueBlock = Field(default=QueueBlock(), description="Where requests wait for it while it is full or cooling down.")
    cooldown: Duration = Field(
        default="1m", description="Longest time that its Retry-After (429, 503, 529) is kept for all callers; `0s` keeps none."
    )


def _door_rate(text: str) -> str:
    if text != "off":
        rate(text)
    return text


class DoorBlock(Section):
    """The guard per peer address, before anything is parsed."""

    rate: Annotated[str, AfterValidator(_door_rate)] = Field(default="30/minute", description="Rate per peer, or `off` for no guard.")
    count: Literal["failed", "all"] = Field(default="failed", description="Failed authentications only, or every request.")
    exempt: list[Net] = Field(default=["127.0.0.0/8", "::1/128"], description="Networks that are never refused.")
    max_body: Size = Field(default="32MiB", description="Largest body that is read whole.")
    max_upload: Size = Field(default="1GiB", description="Largest body that passes through unread.")


def _sink(text: str) -> str:
    known = names("sinks")
    if text not in known:
        raise ValueError(did_you_mean(text, known))
    return text


def _prompts(value: object) -> object:
    if value in ("digest", "sealed"):
        raise ValueError("not supported by this version; write `never`")
    return value


class AuditBlock(Section):
    """How decisions are kept."""

    sink: Annotated[str, AfterValidator(_sink)] = Field(default="segments", description="Where records go.")
    durable: Literal["written", "synced"] = Field(
        default="written", description="`written` survives a killed process, `synced` the loss of power too."
    )
    checkpoint_every: Duration = Field(default="10s", description="How often the chain's head is written apart.")
    keep: Duration | None = Field(default=None, description="How long records are kept; absent: for ever.")
    prompts: Annotated[Literal["never"], BeforeValidator(_prompts), WithJsonSchema({"const": "never"})] = Field(
        default="never", description="Prompts are never kept."
    )
    when_lost: Literal["allow", "refuse"] = Field(
        default="allow", description="What becomes of an answer whose record cannot be written: handed on, or refused."
    )
