"""What is known of a request along its road, and how it ended: the values that its record is made of."""

from __future__ import annotations

from msgspec import Struct

from gateway.core.alteration import Altering
from gateway.core.extending import Cover
from gateway.dialects.base import Dialect, Seen
from gateway.model.caller import ANONYMOUS, Caller
from gateway.model.decision import Decision, Refusal
from gateway.model.evidence import NO_VERDICT, Verdict
from gateway.model.limit import Hold, LimitState
from gateway.model.policy import Policy, Tier, UpstreamRule
from gateway.model.record import End, Opened
from gateway.model.request import NO_USAGE, Arrival, RequestFacts

__all__ = ["MOST_WEIGHED", "Outcome", "Trail"]

MOST_WEIGHED = 256 * 1024
"""Bytes of a body that detection reads; of a longer one it learns the facts alone."""


class Trail(Struct, frozen=True):
    """What is known of a request at some point of its road; grows by replacement, and becomes its record at the end."""

    arrival: Arrival
    policy: Policy
    dialect: Dialect
    route: str
    """`METHOD /path` without /v1."""
    caller: Caller | None = None
    tier: Tier | None = None
    rule: str = ""
    facts: RequestFacts | None = None
    verdict: Verdict = NO_VERDICT
    decision: Decision | None = None
    upstream: UpstreamRule | None = None
    body: bytes | None = None
    """What goes upstream, None where the body passes through unread."""
    asked: bytes | None = None
    """The body as the client wrote it, unpacked, for what is weighed at the end; None where it is longer than `MOST_WEIGHED`."""
    decoded: bool = False
    """`body` replaces a compressed one, so its content-encoding no longer holds."""
    changed: tuple[str, ...] = ()
    states: tuple[LimitState, ...] = ()
    hold: Hold | None = None
    cover: Cover | None = None
    """What the hold covers of a stream that may outrun it; None: nothing is to be watched."""
    challenged: bytes = b""
    """What a challenge to this request is bound to; empty where none is put."""
    spent: str = ""
    """Why a stream is to end here, at its budget: a reason code."""
    seed: bytes = b""
    """What the perturbations' secret is derived from: the deployment's. Never written anywhere."""
    altering: Altering | None = None
    """What perturbations make of the answer; None for whoever is below them."""

    def opened_line(self, now_us: int) -> Opened:
        caller, facts = self.caller or ANONYMOUS, self.facts
        return Opened(self.arrival.id, now_us, caller.key_id, caller.account, facts.model if facts else "")

    @property
    def hides_usage(self) -> bool:
        return "usage_asked" in self.changed

    @property
    def filters_models(self) -> bool:
        """The answer is the list of models behind a credential that all share: it is cut to those that the tier allows."""
        caller, tier = self.caller, self.tier
        if self.route != "GET /models" or caller is None or tier is None:
            return False
        return self.policy.mode == "enforce" and caller.source != "client" and not tier.open_to_all_models

    @property
    def alters_answer(self) -> bool:
        """The answer is changed as it passes: it must come uncompressed, and the length that it is told to have no longer holds."""
        return self.hides_usage or self.filters_models or self.may_end_early or self.altering is not None

    @property
    def may_end_early(self) -> bool:
        """The answer may be ended at its budget, by events that are written into it."""
        return self.cover is not None and any(state.claim.limit.ends_streams for state in self.states)


class Outcome(Struct, frozen=True):
    """How the road ended for the client, kept from the moment it is known until the record is written."""

    end: End
    status: int
    refusal: Refusal | None = None
    seen: Seen = Seen(NO_USAGE)
    upstream_status: int = 0
    bytes_in: int = 0
    """Of a body that passed through unread, as far as it came; others are measured where they are read."""
    bytes_out: int = 0
    first_byte_us: int | None = None
    fault: str = ""
    cooldown_us: int | None = None
    """How long the upstream asked to be left alone, in microseconds."""
    altered: tuple[str, ...] = ()
    """What perturbations made of the answer."""
    requests: int = 1
    """What the request counts as on request limits: 0 where nothing was asked of the upstream."""
