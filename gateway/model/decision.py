"""What is done about it: the ladder's actions and one request's decision."""

from __future__ import annotations

from enum import IntEnum
from typing import Literal

from msgspec import Struct

__all__ = ["Action", "Decision", "Outcome", "Refusal", "RefusalKind"]


class Action(IntEnum):
    """The ladder's actions, mildest first; they compare."""

    ALLOW = 0
    WATCH = 1
    THROTTLE = 2
    PERTURB = 3
    CHALLENGE = 4
    REFUSE = 5

    @property
    def word(self) -> str:
        return self.name.lower()


Outcome = Literal["forward", "refuse"]


class Decision(Struct, frozen=True):
    """One request's decision. `intended` is the action before shadow was applied. `reason` is a stable code such as
    `open`, `limit.free-rpm`, `caller.revoked`, `model.denied`; it never says that a caller is suspected to the caller itself.
    `policy` is `name@version#digest`. `observed` is what all evidence comes to in decibans, watched signals included."""

    outcome: Outcome
    action: Action
    intended: Action
    rung: str
    reason: str
    policy: str
    rule: str = ""
    tier: str = ""
    share: float = 1.0
    perturbations: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    shadowed: tuple[str, ...] = ()
    """Ids of limits and rungs that would have refused or acted if they were not in shadow."""
    observed: float = 0.0


RefusalKind = Literal[
    "credential_missing", "credential_invalid", "credential_revoked", "credential_expired",
    "caller_unknown", "caller_blocked", "model_denied", "route_denied", "feature_denied", "challenge",
    "body_invalid", "body_too_large", "encoding_unsupported", "method_unsupported",
    "limit_requests", "limit_tokens", "limit_concurrent", "limit_bytes", "limit_money", "limit_never_fits", "limit_spent",
    "abuse_door", "saturated", "state_lost", "audit_lost", "upstream_unreachable", "upstream_timeout", "upstream_broken",
    "shutting_down", "websocket", "internal",
]  # fmt: skip


class Refusal(Struct, frozen=True):
    """An answer of the gateway's own, before a dialect gives it a body.

    `retry_us` None: no Retry-After; `final`: retrying is pointless or would hang the SDK (x-should-retry: false).
    `message` is meant for the caller: it names what to do and never what we think of him.
    """

    kind: RefusalKind
    status: int
    message: str
    reason: str
    code: str | None = None
    param: str | None = None
    retry_us: int | None = None
    final: bool = False
    puzzle: str = ""
    """What the client may solve to be let through; told in a header."""
    unnamed: bool = False
    """The limit in the way may not be named to the caller: that it is kept per campaign would say that he is suspected."""
