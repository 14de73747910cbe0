"""What goes in and out of every API of the demo: a call, an answer in one piece or in events, and the two families' errors."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gateway.demo.ask import Body, Fault
from gateway.demo.kept import Kept
from gateway.demo.pace import Pace

__all__ = ["DONE", "Api", "Call", "Events", "Json", "Reply", "anthropic_error", "data", "event", "new_id", "openai_error"]

DONE = b"data: [DONE]\n\n"
"""The last event of OpenAI's older streams."""

_ANTHROPIC_TYPES = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error", 413: "request_too_large"}


@dataclass(frozen=True, slots=True)
class Call:
    """One request: the path's variable part (an id), query and header fields (names in lower case), the JSON body."""

    pace: Pace
    kept: Kept
    subject: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Json:
    """An answer in one piece."""

    value: Any
    status: int = 200

    def encode(self) -> bytes:
        """The body."""
        return msgspec.json.encode(self.value)


@dataclass(frozen=True, slots=True)
class Events:
    """An answer as server-sent events, each ready to send."""

    events: AsyncGenerator[bytes, None]


Reply = Json | Events
Api = Callable[[Call], Awaitable[Reply]]


def data(value: Any) -> bytes:
    """An event without a name."""
    return b"data: " + msgspec.json.encode(value) + b"\n\n"


def event(name: str, value: Any) -> bytes:
    """An event with its name."""
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(value) + b"\n\n"


def new_id(prefix: str) -> str:
    """An id that was not used before, also under a seed: `chatcmpl-` and 24 digits, say."""
    return prefix + secrets.token_hex(12)


def openai_error(fault: Fault) -> Json:
    """A refusal in OpenAI's shape."""
    error = {"message": fault.message, "type": "invalid_request_error", "param": fault.param, "code": fault.code}
    return Json({"error": error}, fault.status)


def anthropic_error(fault: Fault, request_id: str) -> Json:
    """A refusal in Anthropic's shape."""
    message = f"{fault.param}: {fault.message}" if fault.param and fault.param not in fault.message else fault.message
    error = {"type": _ANTHROPIC_TYPES.get(fault.status, "invalid_request_error"), "message": message}
    return Json({"type": "error", "error": error, "request_id": request_id}, fault.status)
