"""One HTTP request's two connections: reading from the client, forwarding upstream, relaying back, answering.

What starlette's gzip middleware does for one answer this does for the whole exchange: a responder per request whose
`http.response.start` waits until the headers are certain. A stream starts at once; any other answer starts with its first
bytes, so that an upstream that breaks before them is still answered with a clean error. The end of every answer is kept here
until the driver has the record on disk and says `answer`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from gateway.asgi.altered import altered
from gateway.asgi.even import evened
from gateway.asgi.fields import response_fields
from gateway.asgi.pace import paced
from gateway.core.alteration import Work
from gateway.core.exchange import Answer
from gateway.core.refusals import internal, upstream_refusal
from gateway.core.replies import Answered, Broken, NotRead, Outrun, Payload, Relayed
from gateway.core.trail import Trail
from gateway.dialects.base import Dialect, Relay
from gateway.dialects.decode import decode_request
from gateway.dialects.ietf import ietf_headers
from gateway.dialects.model_list import shown_to
from gateway.dialects.retry_after import retry_after_us
from gateway.dialects.traces import told_in
from gateway.errors import BadRequest, ResponseTruncated, UpstreamError, UpstreamFault
from gateway.model.decision import Refusal, RefusalKind
from gateway.model.record import End
from gateway.perturb.retelling import Retelling
from gateway.policy.match import allows_model
from gateway.ports import Headers, UpstreamAnswer, UpstreamRequest

if TYPE_CHECKING:
    from gateway.asgi.intake import Engine

__all__ = ["HttpDoor"]

Message = dict[str, Any]

_BODY_PATIENCE_S = 60.0
"""How long the next piece of a request's body may take to come."""

_BODY_DEADLINE_S = 600.0
"""How long a body that is read whole may take in all, however steadily it drips."""

_TOO_BUSY = frozenset({429, 503, 529})
"""Answers whose Retry-After is about the upstream and not about the request."""

_LONGEST_REQUEST_ID = 128

_OWN_LIMIT_FIELDS = (
    b"x-ratelimit-",
    b"anthropic-ratelimit-",
    b"ratelimit",
    b"openai-organization",
    b"openai-project",
    b"anthropic-organization-id",
)
"""Fields that tell the operator's own limits and names at its upstream: nobody's business behind an injected credential."""


class _ClientGone(Exception):
    """The client left while its body was passing through."""


class HttpDoor:
    """See `gateway.driver.Door` for the contract."""

    def __init__(self, engine: Engine, scope: Message, receive: Any, send: Any, dialect: Dialect) -> None:
        self.gone = False
        self._engine = engine
        self._scope = scope
        self._headers: Headers = scope["headers"]
        self._receive = receive
        self._send = send
        self._dialect = dialect
        self._task = asyncio.current_task()
        self._watcher: asyncio.Task[None] | None = None
        self._interruptible = False
        self._cancelled = False
        self._body_refusal: Refusal | None = None
        self._answer: UpstreamAnswer | None = None
        self._relay: Relay | None = None
        self._work: Work | None = None
        self._fields: Headers = []
        self._status = 0
        self._started = False
        self._tail = b""
        self._bytes_in = 0
        self._bytes_out = 0
        self._first_byte: float | None = None
        self._broke: UpstreamFault | None = None
        self._error: Exception | None = None
        self.began = asyncio.get_running_loop().time()

    # ── The client's body ───────────────────────────────────────────────────────────────────────

    async def read_body(self, limit: int) -> Payload | NotRead:
        message = await self._receive()  # mostly here already; the server keeps a deadline on the head and on the first piece
        wire: bytes = message.get("body", b"")
        if message["type"] == "http.request" and message.get("more_body", False) and len(wire) <= limit:
            collected = bytearray(wire)
            try:
                async with asyncio.timeout(_BODY_DEADLINE_S):
                    while message.get("more_body", False) and len(collected) <= limit:
                        message = await asyncio.wait_for(self._receive(), _BODY_PATIENCE_S)
                        collected += message.get("body", b"")
            except TimeoutError:
                return NotRead(_too_slow())
            wire = bytes(collected)
        if message["type"] == "http.disconnect":
            self.gone = True
            return NotRead(None)
        if len(wire) > limit:
            return NotRead(_too_large(limit))
        encoding = _field(self._headers, b"content-encoding")
        if not encoding or not wire:
            return Payload(wire, wire)
        try:
            return Payload(wire, decode_request(wire, encoding.decode("latin-1"), limit))
        except BadRequest as error:
            kind: RefusalKind = "body_too_large" if error.status == 413 else "encoding_unsupported"
            return NotRead(Refusal(kind, error.status, str(error), f"body.{kind}", code=error.code, final=True))

    async def _passing_body(self, limit: int) -> AsyncIterator[bytes]:
        """A body handed on as it comes, unread: uploads of what no dialect parses."""
        while True:
            try:
                message = await asyncio.wait_for(self._receive(), _BODY_PATIENCE_S)
            except TimeoutError:
                self._body_refusal = _too_slow()
                raise _ClientGone from None
            if message["type"] == "http.disconnect":
                self.gone = True
                raise _ClientGone
            chunk: bytes = message.get("body", b"")
            self._bytes_in += len(chunk)
            if self._bytes_in > limit:
                self._body_refusal = _too_large(limit)
                raise _ClientGone
            if chunk:
                yield chunk
            if not message.get("more_body", False):
                break
        self._watch()

    # ── The upstream ────────────────────────────────────────────────────────────────────────────

    def watch(self, trail: Trail) -> None:
        """Notice a client that leaves from now on. One whose body passes through unread is noticed by reading that."""
        if not self._passes_unread(trail):
            self._watch()

    def _passes_unread(self, trail: Trail) -> bool:
        framed = bool(trail.arrival.content_length) or _field(self._headers, b"transfer-encoding") is not None
        return trail.body is None and framed

    async def forward(self, trail: Trail) -> Answered | Broken | NotRead:
        request = self._request(trail)
        if isinstance(request.body, bytes):
            self._watch()
        sent = asyncio.get_running_loop().time()
        try:
            answer = await self._engine.upstream_for(trail, self._scope).send(request)
        except (UpstreamError, _ClientGone) as error:
            if self._body_refusal is not None or self.gone:
                return NotRead(self._body_refusal)
            if isinstance(error, UpstreamError):
                return Broken(error.kind, error.sent)
            raise
        if trail.altering is not None:
            self._work = trail.altering.work()
            retelling = trail.altering.retelling
            retell = partial(self._retell, self._work, retelling) if retelling is not None else None
            answer = altered(evened(answer, trail.altering.pace, sent), self._work, retell)  # the pace counts the model's own events
        self._answer = paced(answer, trail.decision.share if trail.decision else 1.0, sent)
        stream = self._scope["method"] != "HEAD" and (_field(answer.headers, b"content-type") or b"").startswith(b"text/event-stream")
        self._fields = self._answer_fields(trail, answer)
        self._status = answer.status
        asked = retry_after_us(answer.headers, self._engine.clock.now()) if answer.status in _TOO_BUSY else None
        return Answered(answer.status, stream, asked)

    async def _retell(self, work: Work, retelling: Retelling, body: bytes | None, stream: bool) -> None:
        """Have the reasoning of an answer told again; see `altered.Retell`."""
        rewriter = self._engine.rewriter
        if body is None or rewriter is None:
            return work.retell(None, "withheld.broken")
        told = told_in(body, stream=stream)
        return work.retell(*await rewriter.retold(retelling, told.trace, told.answer))

    def _request(self, trail: Trail) -> UpstreamRequest:
        rule = trail.upstream
        assert rule is not None  # the core has chosen one
        arrival = trail.arrival
        fields = self._engine.request_fields(trail, self._headers)
        if trail.alters_answer:
            fields = [field for field in fields if field[0] != b"accept-encoding"] + [(b"accept-encoding", b"identity")]
        if trail.decoded:
            fields = [field for field in fields if field[0] != b"content-encoding"]
        body, length = self._outgoing_body(trail)
        if length is not None:
            fields.append((b"content-length", str(length).encode()))
        return UpstreamRequest(
            method=arrival.method,
            url=self._engine.url(rule, self._scope),
            headers=fields,
            body=body,
            connect_timeout_us=rule.connect_timeout_us,
            first_byte_timeout_us=rule.first_byte_timeout_us,
            idle_timeout_us=rule.idle_timeout_us,
        )

    def _outgoing_body(self, trail: Trail) -> tuple[bytes | AsyncIterator[bytes], int | None]:
        """The body, and what is said of its length where the way upstream can't tell: a stream's if the client knew it, and none
        of an empty one unless the client framed it (a DELETE with `content-length: 0` is not what it is without)."""
        said = trail.arrival.content_length
        chunked = _field(self._headers, b"transfer-encoding") is not None
        if trail.body:
            return trail.body, None
        if trail.body is None and (said or chunked):
            return self._passing_body(trail.policy.door.max_upload), said
        return b"", 0 if chunked or said is not None else None

    def _answer_fields(self, trail: Trail, answer: UpstreamAnswer) -> Headers:
        fields = response_fields(answer.headers)
        if trail.caller is None or trail.caller.source != "client":
            fields = [field for field in fields if not field[0].startswith(_OWN_LIMIT_FIELDS)]
        if trail.alters_answer:
            fields = [field for field in fields if field[0] != b"content-length"]
        return fields + self._told(trail, {name for name, _ in fields})

    def _told(self, trail: Trail, present: set[bytes]) -> Headers:
        """The decision's id, and the limits as they stand, where the answer does not speak of them already."""
        told: Headers = [(b"x-gateway-decision", trail.arrival.id.encode())]
        states = trail.states
        if states:
            now = self._engine.clock.now()
            told += [field for field in self._dialect.limit_headers(states, now_us=now) if field[0] not in present]
            told += [field for field in ietf_headers(states, now_us=now) if field[0] not in present]
        return told

    # ── The answer passing by ───────────────────────────────────────────────────────────────────

    async def relay(self, trail: Trail) -> Relayed | Outrun:
        answer = self._answer
        assert answer is not None  # forward came first
        relay = self._relay or await self._begin(trail, answer)
        try:
            if trail.spent and (end := relay.cut()) is not None:
                await answer.aclose()
                return self._whole(relay, end, cut=True)
            if out := relay.go_on(trail.cover.tokens if trail.cover else None):
                await self._hand_on(out)
            while not relay.waits and (chunk := await answer.read()):
                if out := relay.feed(chunk):
                    await self._hand_on(out)
        except UpstreamError as error:
            if not relay.seen().terminal:
                self._broke = error.kind
                return self._relayed(relay, "upstream_truncated", error.kind)
            # The dialect's own end has come: how the connection was closed after it is nobody's loss.
        except OSError:
            self.gone = True
            return self._relayed(relay, "client_gone", "")
        return Outrun(relay.counted()) if relay.waits else self._whole(relay, relay.finish())

    async def _begin(self, trail: Trail, answer: UpstreamAnswer) -> Relay:
        assert trail.facts is not None  # the core has read it
        relay = self._dialect.relay(trail.facts, self._status, answer.headers, hide_usage=trail.hides_usage)
        if trail.filters_models and (tier := trail.tier) is not None:
            relay = shown_to(lambda model: allows_model(tier, model), relay, self._status, answer.headers)
        self._relay = relay
        if (_field(answer.headers, b"content-type") or b"").startswith(b"text/event-stream"):
            await self._start()
        return relay

    def _whole(self, relay: Relay, end: bytes, *, cut: bool = False) -> Relayed:
        self._tail = end
        self._bytes_out += len(end)
        return self._relayed(relay, "complete", "", cut=cut)

    def _relayed(self, relay: Relay, end: End, fault: UpstreamFault | Literal[""], *, cut: bool = False) -> Relayed:
        first = None if self._first_byte is None else int((self._first_byte - self.began) * 1e6)
        told = () if self._work is None else self._work.told()
        return Relayed(relay.seen(), end, self._bytes_out, self._started, first, fault, self._bytes_in, cut, told)

    async def _start(self) -> None:
        if not self._started and not self.gone:
            self._started = True
            await self._send({"type": "http.response.start", "status": self._status, "headers": self._fields})

    async def _hand_on(self, data: bytes) -> None:
        if self._first_byte is None:
            self._first_byte = asyncio.get_running_loop().time()
        self._bytes_out += len(data)
        if not self._started:
            await self._start()
        if not self.gone:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})

    def so_far(self) -> Relayed | None:
        return self._relayed(self._relay, "client_gone", "") if self._relay is not None else None

    # ── The end ─────────────────────────────────────────────────────────────────────────────────

    async def answer(self, step: Answer) -> None:
        if self._error is not None and self._engine.in_process:
            # The application's own error: its framework, outside of us, knows how to show it.
            raise self._error
        if self.gone:
            return
        if not self._started and step.refusal is not None:
            await self._refuse(step.trail, step.refusal)
        elif step.outcome.end == "complete" and not step.withhold:
            await self._start()
            await self._send({"type": "http.response.body", "body": self._tail, "more_body": False})
        else:
            await self._break_off(step)

    async def _refuse(self, trail: Trail, refusal: Refusal) -> None:
        self._started = True
        self._engine.noticed(trail.arrival.peer, refusal)
        request_id = (_field(self._headers, b"x-request-id") or trail.arrival.id.encode()).decode("latin-1")[:_LONGEST_REQUEST_ID]
        problem = b"application/problem+json" in (_field(self._headers, b"accept") or b"")
        answer = self._dialect.refuse(refusal, request_id=request_id, problem=problem)
        headers = answer.headers + self._told(trail, {name for name, _ in answer.headers})
        if refusal.puzzle:
            headers.append((b"x-gateway-challenge", refusal.puzzle.encode()))
        if _field(headers, b"content-length") is None:
            headers.append((b"content-length", str(len(answer.body)).encode()))
        body = b"" if self._scope["method"] == "HEAD" else answer.body
        await self._send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def _break_off(self, step: Answer) -> None:
        """End an answer under way that has no good end: by the dialect's own error event, or by cutting the connection."""
        refusal = step.refusal or (upstream_refusal(self._broke) if self._broke else internal(step.outcome.end))
        last = self._relay.fail(refusal) if self._relay else None
        if last is None:
            raise ResponseTruncated("the rest of the answer is missing")
        await self._send({"type": "http.response.body", "body": last, "more_body": False})

    def fail(self, error: Exception) -> None:
        self._error = error

    async def release(self) -> None:
        """Give both connections back; the upstream's is closed where its answer was not read to its end."""
        if self._watcher is not None:
            self._watcher.cancel()
        if self._answer is not None:
            await self._answer.aclose()

    # ── A client that leaves ────────────────────────────────────────────────────────────────────

    def pardon(self, *, interruptible: bool) -> None:
        self._interruptible = interruptible

    def absorbs_cancel(self) -> bool:
        if not self._cancelled:
            return False
        self._cancelled = False
        if self._task is not None:
            self._task.uncancel()
        return True

    def _watch(self) -> None:
        if self._watcher is None:
            self._watcher = asyncio.get_running_loop().create_task(self._await_disconnect())

    async def _await_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        if self._interruptible and self._task is not None:
            self._cancelled = True
            self._task.cancel()


def _too_large(limit: int) -> Refusal:
    message = f"The request is larger than {limit} bytes."
    return Refusal("body_too_large", 413, message, "body.too_large", code="request_too_large", final=True)


def _too_slow() -> Refusal:
    return Refusal("body_invalid", 408, "The request's body did not come in time.", "body.too_slow", code="request_timeout")


def _field(headers: Headers, name: bytes) -> bytes | None:
    for key, value in headers:
        if key == name:
            return value
    return None
