"""What the world replies to the steps of the road. `Lost` fits every step that asks a store or a sink."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from gateway.dialects.base import Seen
from gateway.errors import UpstreamFault
from gateway.model.caller import KeyRecord
from gateway.model.decision import Refusal
from gateway.model.record import End

__all__ = ["Answered", "Broken", "Found", "Lost", "NotRead", "Outrun", "Payload", "Relayed", "Trace"]


class Found(Struct, frozen=True):
    """Reply to Identify: the key's record, or None where none was looked up or there is none."""

    record: KeyRecord | None
    now_us: int


class Lost(Struct, frozen=True):
    """A store, sink or endpoint gave no answer. `unknown`: it may have done what was asked."""

    why: str
    unknown: bool = False


class Payload(Struct, frozen=True):
    """Reply to Read: the body as on the wire and, where it was compressed, as it reads."""

    wire: bytes
    plain: bytes


class NotRead(Struct, frozen=True):
    """Reply to Read: the body could not be had. `refusal` None means that the client left."""

    refusal: Refusal | None


class Answered(Struct, frozen=True):
    """Reply to Forward: the head of the upstream's answer. `stream`: events, not one document. `retry_after_us`: how long the upstream
    asks to be left alone, where it is too busy."""

    status: int
    stream: bool
    retry_after_us: int | None = None


class Broken(Struct, frozen=True):
    """Reply to Forward: no head came."""

    kind: UpstreamFault
    sent: bool


class Relayed(Struct, frozen=True):
    """Reply to Relay: how the passing of the answer ended. The answer's end is still held back when `end` is complete.

    `started`: the client was told a status already. `bytes_in`: of a request's body that passed through unread. `cut`: the answer was
    ended at its budget, and the end held back is the dialect's own for that.
    """

    seen: Seen
    end: End
    bytes_out: int
    started: bool
    first_byte_us: int | None = None
    fault: UpstreamFault | Literal[""] = ""
    bytes_in: int = 0
    cut: bool = False
    altered: tuple[str, ...] = ()
    """What perturbations made of the answer so far."""


class Outrun(Struct, frozen=True):
    """Reply to Relay: the stream has outrun its cover; `tokens` of output were counted so far."""

    tokens: int


class Trace(Struct, frozen=True):
    """Reply to Relay: a reasoning trace is complete in the buffer and may be rewritten before it is handed on."""

    size: int
