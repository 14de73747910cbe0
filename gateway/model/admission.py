"""A place at an upstream: what a request asks for, how it is told no, and what is learned of the upstream when it ends.

`Ask` and `Ended` are tuples, for every request makes one of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from gateway.model.limit import Priority
from gateway.model.policy import UpstreamRule

__all__ = ["Ask", "Ended", "Fate", "Group", "Saturated"]

Fate = Literal["success", "ignored", "dropped"]
"""What a request's end says of the upstream. `dropped`: it had no room (429, 503, 529, a timeout). `ignored`: nothing, for the client
left, we refused, or the upstream said no for a reason of the request's own."""


@dataclass(frozen=True, slots=True)
class Group:
    """Requests that an adaptive limit counts together: the limit's counter, the craft that estimates, and its ceiling."""

    key: str
    craft: str
    most: int


class Ask(NamedTuple):
    """One request that wants a place. `id` is the decision id; `caller` whose turn it is (the account); `weight` his share of turns.

    `acts` False: the policy only watches, and it neither waits nor is refused. `own_credential`: the upstream knows the caller as
    such, so its 429 is about him and nobody else.
    """

    id: str
    upstream: UpstreamRule
    model: str
    caller: str
    priority: Priority
    weight: float = 1.0
    groups: tuple[Group, ...] = ()
    acts: bool = True
    own_credential: bool = False


@dataclass(frozen=True, slots=True)
class Saturated:
    """No place. `full`: the queue was, and this caller had most in it. `late`: none came free in time. `cooling`: the upstream asked to
    be left alone for longer than anyone may wait. `retry_us`: when a place is likely, if no others come."""

    why: Literal["full", "late", "cooling"]
    retry_us: int


class Ended(NamedTuple):
    """How a request ended that had a place. `first_us`: from its arrival to the first byte of the answer, None where there was none.

    `tokens` of the answer, 0 where their pace says nothing. `cooldown_us`: the upstream's Retry-After, None where it gave none;
    `status` its answer's, 0 for none.
    """

    fate: Fate
    first_us: int | None = None
    tokens: int = 0
    stream: bool = False
    status: int = 0
    cooldown_us: int | None = None
