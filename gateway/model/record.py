"""What is written down: one audit record per request, made once, at its end."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from gateway.model.caller import Caller
from gateway.model.decision import Decision
from gateway.model.request import NO_USAGE, RequestFacts, Usage

__all__ = ["AuditRecord", "End", "Opened", "SettleOutcome"]

End = Literal["complete", "refused", "client_gone", "upstream_failed", "upstream_truncated", "interrupted", "fault", "shutdown"]
"""How a request ended. `interrupted` is written by recovery for streams whose process died."""

SettleOutcome = Literal["none", "settled", "repeated", "expired", "unknown_id", "unknown", "failed"]
"""`none`: no hold was taken. `unknown`: no answer in time. `failed`: the store refused. Others: see Settlement."""


class Opened(Struct, frozen=True):
    """Written before the first byte of a stream, so that a killed process leaves a trace of what it was handing out."""

    id: str
    at_us: int
    key_id: str
    account: str
    model: str


class AuditRecord(Struct, frozen=True):
    """One request, whole. Never holds prompt or answer text, nor any secret. Times in Unix microseconds, durations in microseconds."""

    id: str
    at_us: int
    ended_us: int
    method: str
    path: str
    peer: str
    caller: Caller | None
    facts: RequestFacts | None
    decision: Decision
    end: End
    status: int
    """What the client was told; 0 when it was gone before any status."""
    upstream: str = ""
    upstream_status: int = 0
    usage: Usage = NO_USAGE
    settle: SettleOutcome = "none"
    bytes_in: int = 0
    bytes_out: int = 0
    first_byte_us: int | None = None
    finish: str = ""
    fault: str = ""
    changed: tuple[str, ...] = ()
    """What the gateway changed in request or answer: `usage_asked`, `clipped.logprobs`, ..., and `cut` for a stream that it ended at
    its budget, whose `fault` is then the reason code of what was spent."""
    perturbed: tuple[str, ...] = ()
    """What perturbations made of the answer: `epoch=20781`, each one with its version (`logprobs@1`), what it asked otherwise upstream
    (`samples.n`), how often it altered something (`logprobs=120`), and its own notes. Empty below `perturb`."""
