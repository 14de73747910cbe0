"""Anthropic's token counter: `POST /messages/count_tokens`. It answers how many tokens a message would have, and costs none itself.

The `input_tokens` in its answer are therefore no usage; limits on requests and bytes hold for it, and the model must be allowed.
"""

from __future__ import annotations

from gateway.dialects.anthropic_messages import AnthropicMessages
from gateway.dialects.base import Edited, Headers, Relay
from gateway.dialects.relays import Unread, relay_of
from gateway.model.policy import FeatureCaps
from gateway.model.request import Estimate, RequestFacts
from gateway.model.value import replace

__all__ = ["AnthropicCountTokens"]


class AnthropicCountTokens(AnthropicMessages):
    """Reads what a message says, and expects and counts nothing."""

    name = "anthropic.count_tokens"
    operation = "count_tokens"
    routes = (("POST", "/messages/count_tokens"),)

    def parse(self, body: bytes, *, length: int) -> RequestFacts:
        """As a message, but no token is expected and none is bounded."""
        facts = super().parse(body, length=length)
        return replace(facts, stream=False, max_output=None, estimate=Estimate(0, 0, output_given=False))

    def edit(self, body: bytes, facts: RequestFacts, caps: FeatureCaps, *, ask_usage: bool) -> Edited:
        """Nothing is produced, so there is nothing to clip."""
        return Edited(body)

    def relay(self, facts: RequestFacts, status: int, headers: Headers, *, hide_usage: bool) -> Relay:
        """Passes unread."""
        return relay_of(headers, events=None, whole=Unread)
