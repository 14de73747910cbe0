"""What a dialect is: the only place that knows how a family of clients and models speak.

A dialect parses what is acted on, edits the body where the policy clips or asks, watches the answer pass by, and says the
gateway's own words (refusals, limit headers, mid-stream errors) so that the official SDKs understand them. Pure: bytes in, bytes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from gateway.model.decision import Refusal
from gateway.model.limit import LimitState
from gateway.model.policy import FeatureCaps
from gateway.model.request import RequestFacts, Usage

__all__ = ["Answer", "Dialect", "Edited", "Relay", "Seen"]

Headers = list[tuple[bytes, bytes]]


class Answer(Struct, frozen=True):
    """A whole answer of the gateway's own."""

    status: int
    headers: Headers
    body: bytes


class Edited(Struct, frozen=True):
    """A body after the policy's edits. `body` is the very same object when nothing was changed. `changed` names the edits
    (`clipped.logprobs`, `clipped.choices`, `clipped.max_output`, `stripped.logit_bias`, `usage_asked`)."""

    body: bytes
    changed: tuple[str, ...] = ()


class Seen(Struct, frozen=True):
    """What a relay saw so far. `terminal`: the dialect's own end came. `error`: the upstream itself sent an error in the stream."""

    usage: Usage
    finish: str = ""
    terminal: bool = False
    error: bool = False
    object_id: str = ""
    """Id of a stored object in the answer (`id` of a response, file, batch), for ownership."""


class Relay(Protocol):
    """One answer passing by, in whatever chunks it comes; the bytes handed on, put together, do not depend on the chunks.

    `feed` takes what came and returns what may be handed on now, keeping the end back: a stream's terminal event; of
    other answers their last bytes (never nothing once any byte came). `finish` returns that end once the upstream
    ended well. `fail(refusal)` returns what to send instead when it broke: for a stream the dialect's own error event (after
    completing nothing: bytes of a half event that were not handed on are dropped), or None when only cutting the
    connection tells the truth. `seen()` may be asked at any time and counts what was handed on if the upstream did not say.

    Where an answer may be ended early (an event stream that is not compressed), `go_on(bound)` lets it go on until more than `bound`
    output tokens are counted, None for no bound, and returns what may be handed on of what had come already. The event that
    exceeds the bound is the last that is handed on; from then on `waits` is True, nothing may be fed, and the answer is either let go
    on or `cut()`: that returns the dialect's own end for an answer that ran into its length (what was kept back, whatever closes
    what is open, finish reason, usage, terminal event), and is the last that the relay gives out. None where only the rest can
    end it. Other answers never wait. `counted()` is the output counted so far.
    """

    @property
    def waits(self) -> bool: ...
    def go_on(self, bound: int | None) -> bytes: ...
    def counted(self) -> int: ...
    def cut(self) -> bytes | None: ...
    def feed(self, chunk: bytes) -> bytes: ...
    def finish(self) -> bytes: ...
    def fail(self, refusal: Refusal) -> bytes | None: ...
    def seen(self) -> Seen: ...


class Dialect(Protocol):
    """One operation of one family (`openai.chat`, `anthropic.messages`, `opaque`, ...).

    - `routes`: (METHOD, path without /v1) pairs that are this operation; the opaque dialect has none.
    - `parse(body)` reads only what is acted on; `length` is the wire length. BadRequest when the body is not
      what the operation takes; `RequestFacts.ambiguous` says why when parsers may differ on it.
    - `edit(body, facts, caps, ask_usage)` clips by text so that all other bytes stay; refusing over-cap features is not its work.
    - `relay(facts, status, headers, hide_usage)` makes the watcher of one answer. `headers` are the answer's, lower-case names; it
      minds content-type and content-encoding. `hide_usage`: `edit` asked for usage on the client's behalf, take it out again.
    - `refuse(refusal, request_id, problem)` is the dialect's own status, headers and body; `problem` where the client accepts
      application/problem+json and the dialect has no body of its own.
    - `limit_headers(states)` tells limits in the dialect's own headers (the IETF fields are common to all and not its work).
    - `max_output_default`: tokens expected of an answer when the request sets no bound.
    """

    name: str
    operation: str
    routes: tuple[tuple[str, str], ...]

    def parse(self, body: bytes, *, length: int) -> RequestFacts: ...
    def edit(self, body: bytes, facts: RequestFacts, caps: FeatureCaps, *, ask_usage: bool) -> Edited: ...
    def relay(self, facts: RequestFacts, status: int, headers: Headers, *, hide_usage: bool) -> Relay: ...
    def refuse(self, refusal: Refusal, *, request_id: str, problem: bool = False) -> Answer: ...
    def limit_headers(self, states: Sequence[LimitState], *, now_us: int) -> Headers: ...
