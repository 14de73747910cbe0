"""What may be used: limits, a request's claims on them, and the hold that a store keeps until the answer is known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from gateway.model.request import Usage

__all__ = [
    "MAX_AMOUNT",
    "Amounts",
    "Claim",
    "Count",
    "Hold",
    "Limit",
    "LimitState",
    "LostMode",
    "Priority",
    "Settlement",
    "Subject",
    "Taken",
    "Window",
]

MAX_AMOUNT = 2**53
"""Amounts are doubles in Lua: beyond this they would no longer be exact. `policy check` refuses them."""

LostMode = Literal["allow", "degrade", "refuse"]
Window = Literal["sliding", "bucket", "slots"]
Priority = Literal["high", "normal", "low", "batch"]
"""Classes of requests that wait for an upstream, the first served most."""

Subject = Literal["key", "account", "model", "tier", "peer", "campaign", "everyone"]


class Count(StrEnum):
    """What a limit counts."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    INPUT_TOKENS = "input_tokens"
    OUTPUT_TOKENS = "output_tokens"
    BYTES = "bytes"
    CONCURRENT = "concurrent"


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of a tier, compiled.

    `amount` per `window_us` (sliding, bucket) or at once (slots, `window_us` is then the lease). `burst` is the bucket's depth.
    """

    id: str
    count: Count
    window: Window
    amount: int
    window_us: int
    per: tuple[Subject, ...]
    burst: int = 0
    shadow: bool = False
    when_state_is_lost: LostMode = "refuse"
    share_when_lost: float = 0.5
    """Under `degrade`, the share of the amount that each process gives out alone while the shared store is lost."""
    adaptive: str | None = None
    """Of slots: the craft that finds how many of them the upstream serves at once; `amount` is then the ceiling."""
    priority: Priority | None = None
    """The class of the requests that have a claim on this limit, where they wait for an upstream."""

    @property
    def capacity(self) -> int:
        """The most that a single request can ever take."""
        return self.burst if self.window == "bucket" else self.amount


@dataclass(frozen=True, slots=True)
class Claim:
    """A request's claim on one limit for one subject.

    `key` names the counter in a store: limit id, kind and subject, so that an edited amount keeps its usage and an edited
    kind starts anew. `slot` is the account: counters of one account live on one Cluster slot. `amount`, `burst` are the
    limit's own scaled by the ladder's share. `want` is what to hold, at least 0.
    """

    limit: Limit
    key: str
    slot: str
    amount: int
    burst: int
    want: int

    @property
    def capacity(self) -> int:
        return self.burst if self.limit.window == "bucket" else self.amount


@dataclass(frozen=True, slots=True)
class LimitState:
    """One limit as it stood right after a take: what a client may be told.

    `remaining` never negative. `reset_us` until it is whole again. `retry_us`: 0 when the claim fitted, else microseconds
    after which it would fit if nobody else took; -1 when it never can.
    """

    claim: Claim
    fitted: bool
    used: int
    remaining: int
    reset_us: int
    retry_us: int


@dataclass(frozen=True, slots=True)
class Taken:
    """Reply to a take: all claims or none. `held` False means nothing was charged. `settled`: the id had been settled before."""

    held: bool
    states: tuple[LimitState, ...]
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """What a store keeps for a request between take and settle. `id` is the decision id; `sure` False when the shared store may
    or may not have it; `degraded`: taken from the share that this process gives out alone while the shared store is lost."""

    id: str
    claims: tuple[Claim, ...]
    at_us: int
    sure: bool = True
    degraded: bool = False


@dataclass(frozen=True, slots=True)
class Amounts:
    """The truth a hold is settled by, per count."""

    requests: int
    input: int
    output: int
    bytes: int

    @classmethod
    def of(cls, usage: Usage, *, bytes_moved: int, requests: int = 1) -> Amounts:
        return cls(requests=requests, input=usage.input, output=usage.output, bytes=bytes_moved)

    def for_count(self, count: Count) -> int:
        match count:
            case Count.REQUESTS:
                return self.requests
            case Count.TOKENS:
                return self.input + self.output
            case Count.INPUT_TOKENS:
                return self.input
            case Count.OUTPUT_TOKENS:
                return self.output
            case Count.BYTES:
                return self.bytes
            case Count.CONCURRENT:
                return 0


@dataclass(frozen=True, slots=True)
class Settlement:
    """Reply to a settle. `settled`: charged to the truth now; `repeated`: had been before; `expired`: the lease was over and
    tokens stay charged as estimated; `unknown_id`: never taken here, and a tombstone now refuses a late take."""

    outcome: Literal["settled", "repeated", "expired", "unknown_id"]
