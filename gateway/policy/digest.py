"""The digest that names exactly the rules in force: SHA-256 over a canonical form of the compiled values.

Key order, comments, layout and spelling (`60/minute` or `60 per 1 minutes`) do not count; the order of callers, rungs and limits does.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from enum import Enum
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from pydantic import BaseModel

from gateway.model.policy import Policy

__all__ = ["canonical", "digest_of"]


def digest_of(policy: Policy) -> str:
    """64 hex digits over all of a policy but its digest."""
    form = {name: value for name, value in canonical(policy).items() if name != "digest"}
    text = json.dumps(form, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(value: Any) -> Any:
    """A compiled value as plain JSON values, the same for equal values. TypeError for a kind it does not know."""
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, BaseModel):
        return canonical(value.model_dump())
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: canonical(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): canonical(inner) for key, inner in value.items()}
    if isinstance(value, (frozenset, set)):
        return sorted(canonical(inner) for inner in value)
    if isinstance(value, (tuple, list)):
        return [canonical(inner) for inner in value]
    if isinstance(value, (IPv4Network, IPv6Network)):
        return str(value)
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise TypeError(f"no canonical form for {type(value).__name__}")
