"""What no dialect parses (files, batches, audio, images, moderations, whatever comes next): it passes unread.

Such a request is identified, counted, limited by requests and bytes, and recorded; neither body is understood, and no byte is changed.
Two things are looked at. The end of an answer is kept back, so that it follows its record. And of a JSON answer the `id` is
read, from a bounded copy, so that the object it speaks of can belong to the key that made it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from gateway.dialects import anthropic_words, openai_words
from gateway.dialects.base import Answer, Edited, Headers, Relay, Seen
from gateway.dialects.decode import AnswerDecoder, answer_decoder
from gateway.dialects.problem import problem_answer
from gateway.dialects.relays import Uncut
from gateway.model.decision import Refusal
from gateway.model.limit import LimitState
from gateway.model.policy import FeatureCaps
from gateway.model.request import NO_USAGE, RequestFacts

__all__ = ["Opaque"]

_MAX_JSON = 256 * 1024
"""Bytes of an answer that are copied to find its `id`; the objects that have owners are described in a few kilobytes."""

_MAX_PIECE = 1024 * 1024
"""Bytes of an event or line that are kept together; a longer one passes in parts."""

_ENDINGS = {b"text/event-stream": (b"\n\n", b"\r\n\r\n", b"\r\r"), b"application/x-ndjson": (b"\n",), b"application/jsonl": (b"\n",)}
"""What ends an event or a line, for answers that clients read piece by piece."""

_LAST = re.compile(
    rb"\[DONE\]"
    rb"|^event:[^\r\n]*(?:done|completed|failed|incomplete|cancelled|expired|stop|error)[ \t]*\r?$"
    rb'|"type"\s*:\s*"[^"]*(?:done|completed|failed|incomplete|cancelled|expired|stop|error)"'
    rb'|"done"\s*:\s*true',
    re.MULTILINE,
)
"""Marks of a piece that may be a stream's last. One that is not after all waits only until the next has come."""


class Opaque:
    """Anything else. Its refusals are in OpenAI's shape, or in Anthropic's words where it is named `anthropic.opaque`."""

    operation = "opaque"
    routes: tuple[tuple[str, str], ...] = ()

    def __init__(self, name: str = "opaque") -> None:
        self.name = name

    def parse(self, body: bytes, *, length: int) -> RequestFacts:
        """Nothing but the length is known."""
        return RequestFacts(self.name, self.operation, body_size=length)

    def edit(self, body: bytes, facts: RequestFacts, caps: FeatureCaps, *, ask_usage: bool) -> Edited:
        """Never changes anything."""
        return Edited(body)

    def relay(self, facts: RequestFacts, status: int, headers: Headers, *, hide_usage: bool) -> Relay:
        """Piece by piece where clients read the answer so and nobody knows its length, else as bytes."""
        fields = dict(headers)
        media = fields.get(b"content-type", b"").partition(b";")[0].strip().lower()
        encoding = fields.get(b"content-encoding", b"")
        if media in _ENDINGS and encoding in {b"", b"identity"} and b"content-length" not in fields:
            return _Pieces(_ENDINGS[media])
        made = 200 <= status < 300 and media == b"application/json"
        return _Bytes(answer_decoder(encoding, _MAX_JSON) if made else None)

    def refuse(self, refusal: Refusal, *, request_id: str, problem: bool = False) -> Answer:
        """Problem details where they are asked for and the family has no body of its own."""
        if self.name.startswith("anthropic."):
            return anthropic_words.refuse(refusal, request_id=request_id)
        return (problem_answer if problem else openai_words.refuse)(refusal, request_id=request_id)

    def limit_headers(self, states: Sequence[LimitState], *, now_us: int) -> Headers:
        """In the family's own fields."""
        if self.name.startswith("anthropic."):
            return anthropic_words.limit_headers(states, now_us=now_us)
        return openai_words.limit_headers(states, now_us=now_us)


class _Bytes(Uncut):
    """Any answer, all but its last byte as it comes. `copy` unpacks what is to be read of it, None where nothing is."""

    def __init__(self, copy: AnswerDecoder | None) -> None:
        self._last = b""
        self._copy = copy
        self._document = bytearray()

    def feed(self, chunk: bytes) -> bytes:
        if not chunk:
            return b""
        if self._copy is not None:
            self._document += self._copy.feed(chunk)
        out, self._last = self._last + chunk[:-1], chunk[-1:]
        return out

    def finish(self) -> bytes:
        return self._last

    def fail(self, refusal: Refusal) -> bytes | None:
        return None

    def seen(self) -> Seen:
        return Seen(NO_USAGE, object_id=self._made())

    def _made(self) -> str:
        if self._copy is None or not self._copy.whole or not self._document.startswith(b"{"):
            return ""
        return _id_of(bytes(self._document))


class _Pieces(Uncut):
    """A stream of events or lines: each passes when it is whole, but one that looks like the last waits for what follows it."""

    def __init__(self, endings: tuple[bytes, ...]) -> None:
        self._endings = endings
        self._held = b""
        self._terminal = False

    def feed(self, chunk: bytes) -> bytes:
        data = self._held + chunk
        end = self._end(data, len(data))
        begin = self._end(data, end - 1)
        self._terminal = _LAST.search(data, begin, end) is not None
        keep = begin if self._terminal else end
        if len(data) - keep > _MAX_PIECE:
            keep = len(data) - 1
        self._held = data[keep:]
        return data[:keep]

    def _end(self, data: bytes, before: int) -> int:
        """Where the last whole piece before a place ends, 0 where none does."""
        ends = [at + len(ending) for ending in self._endings if (at := data.rfind(ending, 0, max(before, 0))) >= 0]
        return max(ends, default=0)

    def finish(self) -> bytes:
        return self._held

    def fail(self, refusal: Refusal) -> bytes | None:
        return None

    def seen(self) -> Seen:
        return Seen(NO_USAGE, terminal=self._terminal)


class _Object(msgspec.Struct):
    id: str = ""


def _id_of(document: bytes) -> str:
    """`id` at the top of a JSON object, "" where there is none that is a string."""
    try:
        return msgspec.json.decode(document, type=_Object).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
