"""Anthropic's messages: `POST /messages`.

There are no logprobs, no bias and no choices here, and usage always comes without asking; so a policy clips one field, the bound on
the output, and reasoning that was given a budget beyond it along with it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gateway.dialects import anthropic_words
from gateway.dialects.anthropic_answer import MessageReader, MessageWatch
from gateway.dialects.anthropic_refs import refs_in, refs_in_all
from gateway.dialects.base import Answer, Edited, Headers, Relay
from gateway.dialects.estimate import input_tokens
from gateway.dialects.peek import Peek, pairs_of, whole
from gateway.dialects.relays import Unread, relay_of
from gateway.dialects.textedit import edit_members, value_of
from gateway.model.decision import Refusal
from gateway.model.limit import LimitState
from gateway.model.policy import FeatureCaps
from gateway.model.request import Estimate, RequestFacts

__all__ = ["AnthropicMessages"]

_EXPECTED_OUTPUT = 1024
"""Tokens expected of an answer to a request without `max_tokens`, which compatible servers allow."""

_LEAST_BUDGET = 1024
"""The least budget for reasoning that the API takes."""

_NOTHING = msgspec.Raw(b"null")


class _Ask(msgspec.Struct):
    """What is acted on in a request."""

    model: str | None = None
    stream: bool | None = None
    max_tokens: int | float | None = None
    messages: msgspec.Raw = _NOTHING
    system: msgspec.Raw = _NOTHING
    tools: msgspec.Raw = _NOTHING
    thinking: msgspec.Raw = _NOTHING
    container: msgspec.Raw = _NOTHING


class AnthropicMessages:
    """See `base.Dialect`."""

    name = "anthropic.messages"
    operation = "messages"
    routes: tuple[tuple[str, str], ...] = (("POST", "/messages"),)
    _peek = Peek(_Ask)

    def parse(self, body: bytes, *, length: int) -> RequestFacts:
        """Model, bound on the output, streaming, and the files and the container that are named."""
        ask, ambiguous = self._peek.read(body)
        limit = whole(ask.max_tokens, "max_tokens")
        output = _EXPECTED_OUTPUT if limit is None else max(0, limit)
        read = [text for text in (bytes(ask.messages), bytes(ask.system), bytes(ask.tools)) if text != b"null"]
        return RequestFacts(
            self.name,
            self.operation,
            model=ask.model or "",
            stream=bool(ask.stream),
            max_output=limit,
            input_size=sum(map(len, read)),
            body_size=length,
            estimate=Estimate(input_tokens(body, *read), output, output_given=limit is not None),
            stored_refs=refs_in_all(body) if ambiguous else refs_in(bytes(ask.container), bytes(ask.messages)),
            ambiguous=ambiguous,
        )

    def edit(self, body: bytes, facts: RequestFacts, caps: FeatureCaps, *, ask_usage: bool) -> Edited:
        """`max_tokens` clipped to the cap, or written where it is missing."""
        cap = caps.max_output
        if cap is None or (facts.max_output is not None and facts.max_output <= cap):
            return Edited(body)
        changes: dict[str, bytes | None] = {"max_tokens": b"%d" % cap}
        thinking = value_of(body, "thinking")
        if thinking is not None and _budget(thinking) >= cap:
            changes["thinking"] = edit_members(thinking, {"budget_tokens": b"%d" % max(_LEAST_BUDGET, cap - 1)})
        return Edited(edit_members(body, changes), ("clipped.max_output",))

    def relay(self, facts: RequestFacts, status: int, headers: Headers, *, hide_usage: bool) -> Relay:
        """Events up to `message_stop`, or one message; nothing is looked for in an error."""
        if not 200 <= status < 300:
            return relay_of(headers, events=None, whole=Unread)
        return relay_of(headers, events=lambda: MessageWatch(facts), whole=lambda: MessageReader(facts))

    def refuse(self, refusal: Refusal, *, request_id: str, problem: bool = False) -> Answer:
        """In Anthropic's envelope, always: its SDK reads no other."""
        return anthropic_words.refuse(refusal, request_id=request_id)

    def limit_headers(self, states: Sequence[LimitState], *, now_us: int) -> Headers:
        """`anthropic-ratelimit-*`."""
        return anthropic_words.limit_headers(states, now_us=now_us)


def _budget(thinking: bytes) -> int:
    budgets = [value for key, value in pairs_of(thinking) or [] if key == "budget_tokens" and isinstance(value, int)]
    return max(budgets, default=-1)
