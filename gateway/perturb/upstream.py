"""Parameters for defences that live in the model's server, switched on per caller: a logits processor through `vllm_xargs`, say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from gateway.perturb.base import Context, Craft, Options, derived

__all__ = ["PERTURBATION", "UpstreamOptions"]

_ANSWERING = ("openai.chat", "openai.completions", "openai.responses", "anthropic.messages")
_KEY = "{key}"


class UpstreamOptions(Options):
    """Parameters for the model's own defences."""

    set: Annotated[dict[str, Any], Field(min_length=1, max_length=32)] = Field(
        description="Members of the request and their values. An object is merged into the client's own. `{key}` as a value "
        "stands for 16 hex digits that are secret, and the caller's own in each epoch.",
    )


class _Upstream(Craft):
    name = "upstream"
    version = "1"
    options = UpstreamOptions

    def request(self, document: Mapping[str, Any], context: Context, options: UpstreamOptions) -> Mapping[str, Any]:
        if context.dialect not in _ANSWERING:
            return {}
        key = derived(context.secret, "upstream", context.key_id, context.epoch).hex()[:16]
        wanted = {name: _filled(value, key) for name, value in options.set.items()}
        merged = {name: _merged(document.get(name), value) for name, value in wanted.items()}
        return {name: value for name, value in merged.items() if name not in document or document[name] != value}


def _filled(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return {name: _filled(inner, key) for name, inner in value.items()}
    return key if value == _KEY else value


def _merged(given: Any, value: Any) -> Any:
    return {**given, **value} if isinstance(given, dict) and isinstance(value, dict) else value


PERTURBATION = _Upstream()
