"""What OpenAI's operations share: their own words, and which relay an answer gets."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.dialects import openai_words
from gateway.dialects.base import Answer, Headers, Relay
from gateway.dialects.openai_answers import ChunkWatch, CompletionReader
from gateway.dialects.relays import Reader, Unread, Watch, relay_of
from gateway.model.decision import Refusal
from gateway.model.limit import LimitState
from gateway.model.request import RequestFacts

__all__ = ["OpenAIOperation"]


class OpenAIOperation:
    """Refusals, limit headers and relays as all of OpenAI's operations have them. See `base.Dialect`."""

    name: str
    operation: str
    routes: tuple[tuple[str, str], ...]
    max_output_default: int
    """Tokens expected of an answer when the request sets no bound."""
    streams = True

    def relay(self, facts: RequestFacts, status: int, headers: Headers, *, hide_usage: bool) -> Relay:
        """The watcher of one answer: an error's is not read (nothing was used), an event stream by its events, others whole."""
        if not 200 <= status < 300:
            return relay_of(headers, events=None, whole=Unread)
        events = (lambda: self.watch(facts, hide=hide_usage)) if self.streams else None
        return relay_of(headers, events=events, whole=lambda: self.reader(facts))

    def watch(self, facts: RequestFacts, *, hide: bool) -> Watch:
        """What reads this operation's events."""
        return ChunkWatch(facts, hide=hide)

    def reader(self, facts: RequestFacts) -> Reader:
        """What reads this operation's whole answers."""
        return CompletionReader(facts)

    def refuse(self, refusal: Refusal, *, request_id: str, problem: bool = False) -> Answer:
        """OpenAI's own error body; it has one, so `problem` is not looked at."""
        return openai_words.refuse(refusal, request_id=request_id)

    def limit_headers(self, states: Sequence[LimitState], *, now_us: int) -> Headers:
        """`x-ratelimit-*`."""
        return openai_words.limit_headers(states, now_us=now_us)
