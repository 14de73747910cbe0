"""What is asked: the few facts of a request that anything decides by, and what it came to use."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

__all__ = ["NO_USAGE", "Arrival", "Estimate", "RequestFacts", "Usage", "UsageSource"]

UsageSource = Literal["upstream", "counted", "estimated", "none"]


class Arrival(Struct, frozen=True):
    """A request at the door, before anything is known of it. `id` becomes the audit record's id and `x-gateway-decision`."""

    id: str
    at_us: int
    method: str
    path: str
    peer: str
    key_id: str | None
    """Keyed hash of the credential presented, None when there was none."""
    source: Literal["issued", "client", "asserted", "anonymous"]
    account: str | None = None
    """Account, tier, tags and attributes that a trusted proxy asserts."""
    tier: str | None = None
    tags: frozenset[str] = frozenset()
    attributes: tuple[tuple[str, str], ...] = ()
    content_length: int | None = None
    solution: str = ""
    """`x-gateway-solution` and `x-gateway-grace`, what the client brings to be let past a challenge."""
    grace: str = ""
    agent: str = ""
    """The client's own `user-agent`, at most 256 characters of it: what it says of itself, which no policy matches."""


class Estimate(Struct, frozen=True):
    """Tokens expected before the answer is known. `output_given`: the client itself set the output bound."""

    input: int
    output: int
    output_given: bool


class RequestFacts(Struct, frozen=True):
    """What is acted on, read from the body once.

    `logprobs` is the number of alternatives asked for, -1 for none, 0 for the chosen token only.
    `logit_bias`: None absent, else (smallest, largest) bias. `choices` is n, or best_of where that is more. `max_output` in tokens,
    None unset.
    `input_size` and `body_size` in bytes (-1 unknown). `stored_refs`: ids of stored objects the request names.
    `ambiguous` says why parsers may read the body differently ("" when they cannot).
    """

    dialect: str
    operation: str
    model: str = ""
    stream: bool = False
    choices: int = 1
    logprobs: int = -1
    logit_bias: tuple[float, float] | None = None
    max_output: int | None = None
    input_size: int = 0
    body_size: int = 0
    estimate: Estimate = Estimate(0, 0, False)
    usage_asked: bool = False
    """The client asked for usage in the stream itself."""
    stored_refs: tuple[str, ...] = ()
    stores: bool = False
    """The upstream keeps the answer, to be fetched by its id later."""
    ambiguous: str = ""


class Usage(Struct, frozen=True):
    """Tokens and bytes that a request came to. `input` is the total input, cached tokens included; money in micro-units."""

    input: int = 0
    output: int = 0
    cached: int = 0
    reasoning: int = 0
    micro_cost: int = 0
    source: UsageSource = "none"

    @property
    def total(self) -> int:
        return self.input + self.output


NO_USAGE = Usage()
