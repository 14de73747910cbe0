"""How a road ends that is cut short: by a client that leaves, a cancellation, a fault of our own, or a shutdown."""

from __future__ import annotations

from typing import Literal

from gateway.core.pricing import priced
from gateway.core.refusals import internal
from gateway.core.replies import Relayed
from gateway.core.trail import Outcome, Trail
from gateway.dialects.base import Seen
from gateway.model.decision import Refusal
from gateway.model.record import End
from gateway.model.request import NO_USAGE, RequestFacts, Usage
from gateway.model.value import replace

__all__ = ["Abort", "bytes_in", "costed", "cut", "cut_off", "expected", "outcome_of"]

Abort = Literal["client_gone", "cancelled", "fault", "shutdown"]

_END: dict[Abort, End] = {"client_gone": "client_gone", "cancelled": "client_gone", "shutdown": "shutdown", "fault": "fault"}


def cut(reason: Abort, *, seen: Seen | None = None, requests: int = 1) -> Outcome:
    """The outcome of a road that is cut before its answer had a head. Who is still there is told; who has gone is not."""
    end = _END[reason]
    refusal = None if end == "client_gone" else internal(end)
    status = refusal.status if refusal else 0
    return Outcome(end, status, refusal, seen=seen or Seen(NO_USAGE), fault=reason, requests=requests)


def outcome_of(refusal: Refusal) -> Outcome:
    """The outcome of a road that a refusal ends before anything was asked of the upstream."""
    return Outcome("refused", refusal.status, refusal, requests=0)


def cut_off(trail: Trail, status: int, reason: Abort, so_far: Relayed | None) -> Outcome:
    """The outcome of an answer of that status that is cut while it passes: what the client has seen of it can't be taken back.

    `so_far` None: nobody knows what passed; what was expected is charged, for the upstream has been at work.
    """
    if so_far is None:
        return replace(cut(reason, seen=Seen(expected(trail.facts))), upstream_status=status)
    outcome = replace(
        cut(reason, seen=so_far.seen),
        upstream_status=status,
        bytes_in=so_far.bytes_in,
        bytes_out=so_far.bytes_out,
        first_byte_us=so_far.first_byte_us,
        altered=so_far.altered,
    )
    return replace(outcome, status=status, refusal=None) if so_far.started else outcome


def expected(facts: RequestFacts | None) -> Usage:
    """What the request was expected to use, for answers that nobody could count."""
    if facts is None:
        return NO_USAGE
    return Usage(input=facts.estimate.input, output=facts.estimate.output, source="estimated")


def costed(trail: Trail, outcome: Outcome) -> Outcome:
    """The outcome with what it costs, by the prices of the policy that the request runs under."""
    seen, prices = outcome.seen, trail.policy.prices
    if not prices or trail.facts is None:
        return outcome
    return replace(outcome, seen=replace(seen, usage=priced(seen.usage, prices, trail.facts.model)))


def bytes_in(trail: Trail, outcome: Outcome) -> int:
    """Bytes of the request's body: as announced, as read, or as passed through, for a chunked one announces nothing."""
    read = trail.facts.body_size if trail.facts else 0
    return max(trail.arrival.content_length or 0, read, outcome.bytes_in)
