"""Where every exchangeable part has its name: a line here (or an entry point) adds a signal, a limit window, a dialect, a store.

Each table maps a name to "module:attribute", resolved only when first asked for, so that an unused part costs no import.
Third parties add theirs through entry points in the group `azeotrope.<table>`.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from gateway.errors import RegistryError

__all__ = ["TABLES", "names", "resolve"]

TABLES: dict[str, dict[str, str]] = {
    "windows": {
        "sliding": "gateway.quota.sliding:SLIDING",
        "bucket": "gateway.quota.bucket:BUCKET",
        "slots": "gateway.quota.slots:SLOTS",
        "calendar": "gateway.quota.calendar:CALENDAR",
        "lifetime": "gateway.quota.lifetime:LIFETIME",
    },
    "concurrency": {
        "gradient": "gateway.quota.gradient:GRADIENT",
        "aimd": "gateway.quota.adaptive:AIMD",
    },
    "dialects": {
        "openai.chat": "gateway.dialects.openai_chat:OpenAIChat",
        "openai.completions": "gateway.dialects.openai_completions:OpenAICompletions",
        "openai.responses": "gateway.dialects.openai_responses:OpenAIResponses",
        "openai.embeddings": "gateway.dialects.openai_embeddings:OpenAIEmbeddings",
        "anthropic.messages": "gateway.dialects.anthropic_messages:AnthropicMessages",
        "anthropic.count_tokens": "gateway.dialects.anthropic_count_tokens:AnthropicCountTokens",
        "opaque": "gateway.dialects.opaque:Opaque",
    },
    "signals": {
        "elicitation": "gateway.signals.elicitation:SIGNAL",
        "sampling": "gateway.signals.sampling:SIGNAL",
        "probing": "gateway.signals.probing:SIGNAL",
        "repeats": "gateway.signals.repeats:SIGNAL",
        "templating": "gateway.signals.templating:SIGNAL",
        "coverage": "gateway.signals.coverage:SIGNAL",
        "leaning": "gateway.signals.leaning:SIGNAL",
        "trajectory": "gateway.signals.trajectory:SIGNAL",
        "extraction": "gateway.signals.extraction:SIGNAL",
        "sweeping": "gateway.signals.sweeping:SIGNAL",
        "cadence": "gateway.signals.cadence:SIGNAL",
        "ramp": "gateway.signals.ramp:SIGNAL",
        "duty": "gateway.signals.duty:SIGNAL",
    },
    "perturbations": {
        "logprobs": "gateway.perturb.logprobs:PERTURBATION",
        "reasoning": "gateway.perturb.reasoning:PERTURBATION",
        "rewrite": "gateway.perturb.rewrite:PERTURBATION",
        "fingerprint": "gateway.perturb.fingerprint:PERTURBATION",
        "pace": "gateway.perturb.pace:PERTURBATION",
        "samples": "gateway.perturb.samples:PERTURBATION",
        "embeddings": "gateway.perturb.embeddings:PERTURBATION",
        "truncate": "gateway.perturb.truncate:PERTURBATION",
        "downgrade": "gateway.perturb.downgrade:PERTURBATION",
        "upstream": "gateway.perturb.upstream:PERTURBATION",
        "marker": "gateway.perturb.marker:PERTURBATION",
        "canary": "gateway.perturb.canary:PERTURBATION",
        "labels": "gateway.perturb.labels:PERTURBATION",
    },
    "stores": {
        "memory": "gateway.stores.memory:open_memory",
        "sqlite": "gateway.stores.memory:open_memory",
        "redis": "gateway.stores.redis:open_redis",
        "rediss": "gateway.stores.redis:open_redis",
        "unix": "gateway.stores.redis:open_redis",
        "redis+cluster": "gateway.stores.redis_cluster:open_cluster",
        "rediss+cluster": "gateway.stores.redis_cluster:open_cluster",
        "redis+sentinel": "gateway.stores.redis_sentinel:open_sentinel",
        "rediss+sentinel": "gateway.stores.redis_sentinel:open_sentinel",
    },
    "upstreams": {
        "aiohttp": "gateway.upstream.aiohttp:AiohttpUpstream",
        "httpx": "gateway.upstream.httpx:HttpxUpstream",
        "asgi": "gateway.upstream.asgi:AsgiUpstream",
    },
    "sinks": {"segments": "gateway.audit.segments:SegmentSink"},
}


@cache
def _table(table: str) -> dict[str, str]:
    if table not in TABLES:
        raise RegistryError(f"there is no table {table!r}; tables are {', '.join(TABLES)}")
    found = {point.name: point.value for point in entry_points(group=f"azeotrope.{table}")}
    return {**found, **TABLES[table]}


def names(table: str) -> tuple[str, ...]:
    """All names registered in a table, our own first."""
    return tuple(TABLES.get(table, {})) + tuple(name for name in _table(table) if name not in TABLES[table])


@cache
def resolve(table: str, name: str) -> Any:
    """The object behind a name. RegistryError names the known ones when there is none."""
    where = _table(table).get(name)
    if where is None:
        known = ", ".join(_table(table)) or "none"
        raise RegistryError(f"no {name!r} in {table}; known: {known}")
    module, _, attribute = where.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise RegistryError(f"{table} {name!r} does not resolve ({where}): {error}") from error
