"""What may be used: limits, a request's claims on them, and the hold that a store keeps until the answer is known.

Money is in micro-units of the policy's currency, and what a unit weighs in thousandths: all amounts are integers. What a request makes
of these is a tree, so the collector of cycles need not walk it (`gc=False`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from operator import attrgetter
from typing import Literal

from msgspec import Struct

from gateway.model.request import Usage

__all__ = [
    "MAX_AMOUNT",
    "MOVED_BY_OUTPUT",
    "PERIOD_US",
    "WEIGHT_ONE",
    "Amounts",
    "Claim",
    "Count",
    "Hold",
    "Limit",
    "LimitState",
    "LostMode",
    "Period",
    "Priority",
    "Settled",
    "Settlement",
    "Subject",
    "Taken",
    "WhenSpent",
    "Window",
]

MAX_AMOUNT = 2**53
"""Amounts are doubles in Lua: beyond this they would no longer be exact. `policy check` refuses them."""

LostMode = Literal["allow", "degrade", "refuse"]
WhenSpent = Literal["continue", "finish"]
Window = Literal["sliding", "bucket", "slots", "calendar", "lifetime"]
Period = Literal["day", "week", "month"]
"""Of a calendar window: a week begins on Monday (ISO 8601)."""

PERIOD_US: dict[Period, int] = {"day": 86_400_000_000, "week": 7 * 86_400_000_000, "month": 31 * 86_400_000_000}
"""How long a period is at most, but for the hour that some days have more."""

WEIGHT_ONE = 1_000
"""The weight of a model that a limit does not name: what it uses counts once."""

Priority = Literal["high", "normal", "low", "batch"]
"""Classes of requests that wait for an upstream, the first served most."""

Subject = Literal["key", "account", "model", "tier", "peer", "campaign", "everyone"]


class Count(StrEnum):
    """What a limit counts."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    INPUT_TOKENS = "input_tokens"
    OUTPUT_TOKENS = "output_tokens"
    CACHED_INPUT_TOKENS = "cached_input_tokens"
    REASONING_TOKENS = "reasoning_tokens"
    MONEY = "money"
    BYTES = "bytes"
    CONCURRENT = "concurrent"


MOVED_BY_OUTPUT = frozenset({Count.TOKENS, Count.OUTPUT_TOKENS, Count.MONEY})
"""The counts of which an answer uses more the longer it gets, token by token as it passes."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of a tier, compiled.

    `amount` per `window_us` (sliding, bucket), per `period` of the calendar in `zone` (`window_us` is then its longest length), for
    ever (lifetime, `window_us` 0) or at once (slots, `window_us` is then the lease). `burst` is the bucket's depth. An amount of money
    is in micro-units.
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
    when_spent: WhenSpent = "continue"
    """What becomes of a stream that needs more than is left: it ends there with all it has, or goes on and leaves a debt."""
    adaptive: str | None = None
    """Of slots: the craft that finds how many of them the upstream serves at once; `amount` is then the ceiling."""
    priority: Priority | None = None
    """The class of the requests that have a claim on this limit, where they wait for an upstream."""
    period: Period | None = None
    zone: str = "UTC"
    weights: tuple[tuple[str, int], ...] = ()
    """Globs of models with what a request or token of theirs counts, in thousandths; the first that fits. Others count once."""
    shared: Literal["exact", "leased"] = "exact"
    """How processes share it where the store is shared: each take asks the store, or they lease slices of it in advance."""
    hidden: bool = False
    """The gateway's own, of which no client is told."""

    @property
    def span(self) -> str:
        """What the window is, in a counter's name: another span is another counter."""
        return f"{self.period}@{self.zone}" if self.period else str(self.window_us)

    ends_streams: bool = field(init=False, repr=False, compare=False)
    """A stream that needs more than is left of this ends there."""
    untold: bool = field(init=False, repr=False, compare=False)
    """No client is told of it: it is in shadow, on money, kept per campaign, or the gateway's own."""

    def __post_init__(self) -> None:
        # Asked of each limit several times a request, so worked out once.
        object.__setattr__(self, "ends_streams", self.when_spent == "finish" and not self.shadow)
        object.__setattr__(self, "untold", self.hidden or self.shadow or self.count is Count.MONEY or "campaign" in self.per)

    @property
    def capacity(self) -> int:
        """The most that a single request can ever take."""
        return self.burst if self.window == "bucket" else self.amount


class Claim(Struct, frozen=True, gc=False):
    """A request's claim on one limit for one subject.

    `key` names the counter in a store: limit id, kind and subject, so that an edited amount keeps its usage and an edited
    kind starts anew. `slot` is the account: counters of one account live on one Cluster slot. `amount`, `burst` are the
    limit's own, or the caller's own, scaled by the ladder's share. `want` is what to hold, at least 0.
    `periods` are the starts of calendar periods around the request's arrival in Unix microseconds, ascending: of the one before, its
    own and the next two, of which the store takes the one that its own clock is in. `weight` is what one unit counts, in thousandths.
    `guess` is the part of `want` that nobody said: where the whole does not fit, the store holds what is left, but for the rest of it.
    """

    limit: Limit
    key: str
    slot: str
    amount: int
    burst: int
    want: int
    periods: tuple[int, ...] = ()
    weight: int = WEIGHT_ONE
    guess: int = 0

    @property
    def capacity(self) -> int:
        return self.burst if self.limit.window == "bucket" else self.amount

    @property
    def least(self) -> int:
        """The least that must fit: of a guess, something."""
        return max(self.want - self.guess, 1) if self.guess else self.want

    @property
    def window_us(self) -> int:
        """How long the window is: of a calendar the period that the request arrived in, of a lifetime 0."""
        return self.periods[2] - self.periods[1] if self.periods else self.limit.window_us


class LimitState(Struct, frozen=True, gc=False):
    """One limit as it stood right after a take: what a client may be told. The claim wants what was held, where a guess was cut.

    `remaining` never negative. `reset_us` until it is whole again, -1 when it never will be. `retry_us`: 0 when the claim fitted,
    else microseconds after which it would fit if nobody else took; -1 when it never can.
    """

    claim: Claim
    fitted: bool
    used: int
    remaining: int
    reset_us: int
    retry_us: int


class Taken(Struct, frozen=True, gc=False):
    """Reply to a take: all claims or none. `held` False means nothing was charged. `settled`: the id had been settled before."""

    held: bool
    states: tuple[LimitState, ...]
    settled: bool = False


class Hold(Struct, frozen=True, gc=False):
    """What a store keeps for a request between take and settle. `id` is the decision id; `sure` False when the shared store may
    or may not have it; `degraded`: taken from the share that this process gives out alone while the shared store is lost. `plan`: holds
    with the same one, but 0, have claims that differ in what they want alone, so a store may keep what it made of the rest."""

    id: str
    claims: tuple[Claim, ...]
    at_us: int
    sure: bool = True
    degraded: bool = False
    plan: int = 0


class Amounts(Struct, frozen=True, gc=False):
    """The truth a hold is settled by, per count. `cached` is part of `input`, `reasoning` of `output`; money in micro-units."""

    requests: int
    input: int
    output: int
    bytes: int
    cached: int = 0
    reasoning: int = 0
    micro_cost: int = 0

    @classmethod
    def of(cls, usage: Usage, *, bytes_moved: int, requests: int = 1) -> Amounts:
        return cls(requests, usage.input, usage.output, bytes_moved, usage.cached, usage.reasoning, usage.micro_cost)

    def for_claim(self, claim: Claim) -> int:
        """What the claim is charged: the amount for its limit's count by the claim's weight, rounded up."""
        amount = _COUNTED[claim.limit.count](self)
        return amount if claim.weight == WEIGHT_ONE else -(-amount * claim.weight // WEIGHT_ONE)

    def for_count(self, count: Count) -> int:
        return _COUNTED[count](self)


_COUNTED: dict[Count, Callable[[Amounts], int]] = {
    Count.REQUESTS: attrgetter("requests"),
    Count.TOKENS: lambda amounts: amounts.input + amounts.output,
    Count.INPUT_TOKENS: attrgetter("input"),
    Count.OUTPUT_TOKENS: attrgetter("output"),
    Count.CACHED_INPUT_TOKENS: attrgetter("cached"),
    Count.REASONING_TOKENS: attrgetter("reasoning"),
    Count.MONEY: attrgetter("micro_cost"),
    Count.BYTES: attrgetter("bytes"),
    Count.CONCURRENT: lambda amounts: 0,
}


Settled = Literal["settled", "repeated", "expired", "unknown_id"]


class Settlement(Struct, frozen=True, gc=False):
    """Reply to a settle. `settled`: charged to the truth now; `repeated`: had been before; `expired`: the lease was over and
    tokens stay charged as estimated; `unknown_id`: never taken here, and a tombstone now refuses a late take."""

    outcome: Settled
