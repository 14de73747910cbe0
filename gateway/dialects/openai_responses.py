"""OpenAI responses: `POST /responses`. Usage comes with the last event by itself, so nothing is ever asked for or hidden."""

from __future__ import annotations

import msgspec

from gateway.dialects.base import Edited, Seen
from gateway.dialects.estimate import input_tokens, text_tokens, tokens_of_bytes
from gateway.dialects.openai_base import OpenAIOperation
from gateway.dialects.openai_draft import Draft, Said
from gateway.dialects.openai_fields import (
    Changes,
    Number,
    RawField,
    asked_alternatives,
    bias_range,
    clip_alternatives,
    clip_bias,
    clip_number,
    is_set,
    output_bound,
    refs_in,
    texts,
)
from gateway.dialects.openai_usage import Told, counted, expected, told_in_edges, usage_told
from gateway.dialects.openai_words import error_event
from gateway.dialects.peek import Peek, whole
from gateway.dialects.relays import BodyCopy, Part, Reader, Watch
from gateway.dialects.sse import data_of
from gateway.dialects.textedit import edit_members
from gateway.model.decision import Refusal
from gateway.model.policy import FeatureCaps
from gateway.model.request import Estimate, RequestFacts, Usage

__all__ = ["OpenAIResponses"]

_LOGPROBS = "message.output_text.logprobs"
_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})


class _Fields(msgspec.Struct):
    model: str | None = None
    stream: bool | None = None
    max_output_tokens: Number = None
    top_logprobs: Number = None
    include: list[str] | None = None
    logit_bias: RawField = msgspec.UNSET
    input: RawField = msgspec.UNSET
    instructions: RawField = msgspec.UNSET
    tools: RawField = msgspec.UNSET
    store: bool | None = None
    previous_response_id: str | None = None
    conversation: RawField = msgspec.UNSET


class _Why(msgspec.Struct):
    reason: str | None = None


class _Response(msgspec.Struct):
    id: str | None = None
    status: str | None = None
    store: bool | None = None
    usage: Told | None = None
    incomplete_details: _Why | None = None
    output: RawField = msgspec.UNSET


class _Event(Said):
    type: str | None = None
    response: RawField = msgspec.UNSET
    sequence_number: int | None = None


_peek = Peek(_Fields)
_event = msgspec.json.Decoder(_Event).decode
_response = msgspec.json.Decoder(_Response).decode


class OpenAIResponses(OpenAIOperation):
    """See `base.Dialect`."""

    name = "openai.responses"
    operation = "responses"
    routes = (("POST", "/responses"),)
    max_output_default = 1024

    def parse(self, body: bytes, *, length: int) -> RequestFacts:
        """The facts of a body. An answer is stored unless `store` is false."""
        fields, why, names = _peek.read_with_names(body)
        bias, why_bias = bias_range(fields.logit_bias)
        bound = output_bound(whole(fields.max_output_tokens, "max_output_tokens"))
        top = whole(fields.top_logprobs, "top_logprobs")
        read = texts(fields.input, fields.instructions, fields.tools)
        return RequestFacts(
            dialect=self.name,
            operation=self.operation,
            model=fields.model or "",
            stream=fields.stream is True,
            logprobs=asked_alternatives(_LOGPROBS in (fields.include or ()), top or None),
            logit_bias=bias,
            max_output=bound,
            input_size=sum(map(len, read)),
            body_size=length,
            estimate=Estimate(input_tokens(body, *read), self.max_output_default if bound is None else bound, bound is not None),
            usage_asked=True,
            stored_refs=refs_in(body, names, items=True),
            stores=fields.store is not False,
            ambiguous=why or why_bias,
        )

    def edit(self, body: bytes, facts: RequestFacts, caps: FeatureCaps, *, ask_usage: bool) -> Edited:
        """The body under a tier's caps. Log probabilities are asked for in `include`; that entry alone leaves the list."""
        fields, _ = _peek.read(body)
        changes: Changes = {}
        notes: list[str] = []
        if caps.logprobs is not None and facts.logprobs > caps.logprobs:
            clip_alternatives(changes, caps.logprobs, (), {"top_logprobs": fields.top_logprobs})
            if caps.logprobs < 0 and fields.include and _LOGPROBS in fields.include:
                kept = [name for name in fields.include if name != _LOGPROBS]
                changes["include"] = msgspec.json.encode(kept) if kept else None
            notes.append("clipped.logprobs")
        if caps.max_output is not None and _clip_output(changes, fields.max_output_tokens, caps.max_output):
            notes.append("clipped.max_output")
        if clip_bias(changes, fields.logit_bias, caps, facts.logprobs):
            notes.append("stripped.logit_bias")
        return Edited(edit_members(body, changes), tuple(notes)) if notes else Edited(body)

    def watch(self, facts: RequestFacts, *, hide: bool) -> Watch:
        """Responses' own events."""
        return _ResponsesWatch(facts)

    def reader(self, facts: RequestFacts) -> Reader:
        """One response object."""
        return _ResponseReader(facts)


def _clip_output(changes: Changes, bound: Number, cap: int) -> bool:
    """A bound that the client did not set is set, or the cap would be none."""
    if bound is None:
        changes["max_output_tokens"] = b"%d" % cap
        return True
    return clip_number(changes, "max_output_tokens", bound, cap)


class _ResponsesWatch:
    """Reads the events of one stream. See `relays.Watch`."""

    def __init__(self, facts: RequestFacts) -> None:
        self._facts = facts
        self._response = _Response()
        self._draft = Draft()
        self._told = b""
        """The response as an event had it last."""
        self._cut = False
        self._usage: Usage | None = None
        self._output = 0
        self._reasoning = 0
        self._sequence = -1
        self._terminal = False
        self._error = False

    def event(self, raw: bytes) -> tuple[bytes, Part]:
        data = data_of(raw)
        if not data.startswith(b"{"):
            return raw, Part.ON
        try:
            event = _event(data)
            told = bytes(event.response) if isinstance(event.response, msgspec.Raw) and is_set(event.response) else b""
            response = _response(told) if told else None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return raw, Part.ON
        kind = event.type or ""
        if event.sequence_number is not None:
            self._sequence = event.sequence_number
        if isinstance(event.delta, str):
            self._count(kind, event.delta)
        self._draft.take(kind, event)
        if response is not None:
            self._response, self._told = response, told
            self._usage = usage_told(response.usage) or self._usage
        if kind == "error":
            self._error = True
            return raw, Part.LAST
        if kind not in _ENDS:
            return raw, Part.ON
        self._terminal = True
        self._error = self._error or kind == "response.failed"
        return raw, Part.END

    def _count(self, kind: str, delta: str) -> None:
        """Deltas of text, reasoning, refusals and arguments are tokens; those of audio are base64, and their transcript is counted."""
        if not kind.endswith(".delta") or kind in {"response.audio.delta", "response.output_audio.delta"}:
            return
        tokens = text_tokens(delta)
        self._output += tokens
        if ".reasoning" in kind:
            self._reasoning += tokens

    def seen(self) -> Seen:
        response = self._response
        usage = self._usage
        if usage is None:
            nothing = self._error and not self._output
            usage = Usage() if nothing else counted(self._facts, self._output, reasoning=self._reasoning)
        finish = "max_output_tokens" if self._cut else _finish(response) if self._terminal else ""
        return Seen(usage, finish, self._terminal, self._error, _stored_id(response, self._facts))

    def counted(self) -> int:
        return self._output

    def ending(self) -> bytes | None:
        events = self._draft.ending(self._told, self.seen().usage, self._sequence + 1)
        self._cut = self._terminal = events is not None
        return events

    def error_event(self, refusal: Refusal) -> bytes:
        return error_event(refusal, kind="responses", sequence=self._sequence + 1)


class _ResponseReader:
    """Reads one response object. See `relays.Reader`."""

    def __init__(self, facts: RequestFacts) -> None:
        self._facts = facts
        self._copy = BodyCopy()

    def take(self, chunk: bytes) -> None:
        self._copy.add(chunk)

    def seen(self, *, finished: bool) -> Seen:
        copy, facts = self._copy, self._facts
        if not copy.size:
            return Seen(Usage() if finished else expected(facts), terminal=finished)
        edges = (b"", copy.body()) if copy.whole else copy.edges()
        try:
            response = _response(copy.body())
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Seen(told_in_edges(*edges) or counted(facts, copy.size // 4), terminal=finished and not copy.whole)
        usage = usage_told(response.usage) or counted(facts, _size_of(response.output))
        return Seen(usage, _finish(response), terminal=finished, object_id=_stored_id(response, facts))


def _size_of(output: RawField) -> int:
    text = bytes(output) if isinstance(output, msgspec.Raw) else b""
    return tokens_of_bytes(text) if text not in {b"", b"null", b"[]"} else 0


def _finish(response: _Response) -> str:
    """Why it ended: the reason where it is incomplete, else its status."""
    why = response.incomplete_details
    return (why.reason if why else None) or response.status or ""


def _stored_id(response: _Response, facts: RequestFacts) -> str:
    return (response.id or "") if facts.stores and response.store is not False else ""
