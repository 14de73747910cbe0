"""The road of one request as frozen steps: each names one piece of I/O, and `next(reply)` says where its reply leads.

    Identify ─ Read ─ Assess ─ Own ─ Challenge ─ Reserve ─ Admit ─ Forward ─ Open ─ Relay ─ Keep ─ Leave ─ Settle ─ Record ─
    Answer ─ Done                                                                   ⤷ Extend, Rewrite ⤴
Parsing, matching and deciding are pure and happen between the steps. No step does I/O: `driver.py` awaits, replies, and asks for
the next one; where the I/O is cut short it asks `abort` instead. So it can be proved, for any replies and an abort at any step,
that there is exactly one Record, exactly one Settle if and only if a hold was taken or may have been, and exactly one Leave if and
only if a place was had: Admit comes before Forward, and Leave after.

The end of every road is: give the place back, settle what was held, write it down, and only then hand on the end of the answer.
"""

from __future__ import annotations

from typing import assert_never

from msgspec import Struct

from gateway.core.admitting import ask_of, ended
from gateway.core.challenging import bound, challenge, why_not_held
from gateway.core.claims import as_held, asked_for
from gateway.core.decide import decide
from gateway.core.extending import Slice, cover_by, ends_when_lost, further, in_the_way, next_slice, rest_slice
from gateway.core.noting import noted, reasoned, undecided, with_shadow_ends, with_shadow_limits
from gateway.core.outcomes import Abort, bytes_in, costed, cut, cut_off, expected, outcome_of
from gateway.core.owning import keeps, lists, refs
from gateway.core.perturbing import perturbed
from gateway.core.reading import caller_of, edited, facts_of
from gateway.core.refusals import audit_lost, no_upstream, not_listed, not_yours, saturated, state_lost, upstream_refusal
from gateway.core.replies import Answered, Broken, Found, Lost, NotRead, Outrun, Payload, Relayed, Trace
from gateway.core.trail import MOST_WEIGHED, Outcome, Trail
from gateway.dialects.base import Seen
from gateway.model.admission import Ask, Ended, Saturated
from gateway.model.caller import ANONYMOUS
from gateway.model.decision import Action, Decision, Refusal
from gateway.model.evidence import Verdict
from gateway.model.limit import Amounts, Hold, Taken
from gateway.model.record import AuditRecord, SettleOutcome
from gateway.model.value import replace
from gateway.policy.match import choose_upstream, match_caller
from gateway.risk.fading import as_of

__all__ = [
    "Abort", "Admit", "Answer", "Assess", "Challenge", "Done", "Extend", "Forward", "Identify", "Keep", "Leave", "Open", "Own", "Read",
    "Record", "Relay", "Reserve", "Rewrite", "Settle", "Step", "abort",
]  # fmt: skip


class Identify(Struct, frozen=True):
    """I/O: look the key up, where the caller presents an issued one.

    `refusal`: the door refuses already (framing, an abusive peer, a shutdown). `preflight`: a CORS preflight, which has no credential.
    """

    trail: Trail
    refusal: Refusal | None = None
    preflight: bool = False

    @property
    def lookup(self) -> str | None:
        arrival = self.trail.arrival
        return arrival.key_id if arrival.source == "issued" and self.refusal is None else None

    def next(self, reply: Found | Lost) -> Read | Assess | Admit | Record:
        trail = self.trail
        if self.refusal is not None:
            return _refused(trail, self.refusal)
        if self.preflight:
            return _preflight(trail)
        if isinstance(reply, Lost):
            return _refused(trail, state_lost("keys"))
        caller = caller_of(trail.arrival, reply)
        if isinstance(caller, Refusal):
            return _refused(trail, caller)
        matched = match_caller(trail.policy, caller)
        trail = replace(trail, caller=caller)
        if matched is None:
            refusal = Refusal(
                "caller_unknown", 403, "This key has no access here.", "caller.unmatched", code="request_forbidden", final=True
            )
            return _refused(trail, refusal)
        trail = replace(trail, tier=matched.tier, rule=matched.rule)
        if trail.dialect.operation == "opaque":
            length = -1 if trail.arrival.content_length is None else trail.arrival.content_length
            return Assess(replace(trail, facts=trail.dialect.parse(b"", length=length)))
        return Read(trail)


class Read(Struct, frozen=True):
    """I/O: read the request's body whole, at most `max_body` bytes, decoded where it came compressed."""

    trail: Trail

    @property
    def max_body(self) -> int:
        return self.trail.policy.door.max_body

    def next(self, reply: Payload | NotRead) -> Assess | Record:
        trail = self.trail
        if isinstance(reply, NotRead):
            if reply.refusal is None:
                return Record(trail, Outcome("client_gone", 0, requests=0))
            return _refused(trail, reply.refusal)
        facts = facts_of(trail, reply)
        if isinstance(facts, Refusal):
            return _refused(trail, facts)
        asked = reply.plain if len(reply.plain) <= MOST_WEIGHED else None
        return Assess(replace(trail, facts=facts, body=reply.wire, asked=asked), reply.plain)


class Assess(Struct, frozen=True):
    """I/O: read the caller's standing verdict, which is local and never waits. The decision is formed on what is left of it."""

    trail: Trail
    plain: bytes = b""

    def next(self, reply: Verdict) -> Own | Challenge | Record:
        trail = self.trail
        caller, tier, facts = trail.caller, trail.tier, trail.facts
        assert caller is not None  # Identify comes first
        assert tier is not None
        assert facts is not None
        verdict = as_of(trail.policy, reply, trail.arrival.at_us)
        judgement = decide(trail.policy, trail.rule, tier, caller, facts, verdict, route=trail.route)
        upstream = choose_upstream(trail.policy, facts.model)
        trail = replace(trail, verdict=verdict, decision=judgement.decision, upstream=upstream)
        if judgement.refusal is not None:
            return _refused(trail, judgement.refusal)
        if upstream is None:
            return _refused(trail, no_upstream(facts))
        trail = edited(trail, tier, facts, self.plain)
        prepared = perturbed(trail, self.plain)
        if isinstance(prepared, Refusal):
            return _refused(trail, prepared)
        trail = prepared
        if lists(trail):
            return _refused(trail, not_listed(trail.route))
        names = refs(trail)
        trail = bound(trail, self.plain)
        return Own(trail, names) if names else Challenge(trail)


class Own(Struct, frozen=True):
    """I/O: ask whose the stored objects are that the request names. Only with a shared upstream credential."""

    trail: Trail
    refs: tuple[str, ...]

    def next(self, reply: tuple[str | None, ...] | Lost) -> Challenge | Record:
        trail = self.trail
        if isinstance(reply, Lost):
            return _refused(trail, state_lost("owners"))
        assert trail.caller is not None  # Identify comes first
        strange = [ref for ref, owner in zip(self.refs, reply, strict=True) if owner != trail.caller.key_id]
        return _refused(trail, not_yours(strange[0])) if strange else Challenge(trail)


class Challenge(Struct, frozen=True):
    """I/O: none; whoever has to show work first is told so, and a solution that came along is taken with the request's quota."""

    trail: Trail

    def next(self, reply: None = None) -> Reserve | Admit | Record:
        trail = self.trail
        caller, tier, facts, decision = trail.caller, trail.tier, trail.facts, trail.decision
        assert caller is not None  # Assess comes first
        assert tier is not None
        assert facts is not None
        assert decision is not None
        asked = asked_for(trail.policy, tier, caller, facts, decision, trail.verdict, at_us=trail.arrival.at_us)
        put = challenge(trail)
        if isinstance(put, Refusal):
            return _refused(trail, put)
        if put is not None:
            hold = Hold(trail.arrival.id, (*asked.claims, put), trail.arrival.at_us)
            return Reserve(replace(trail, decision=replace(decision, limits=asked.limits)), hold)
        if not asked.claims:
            return Admit(trail)
        hold = Hold(trail.arrival.id, asked.claims, trail.arrival.at_us, plan=asked.plan)
        return Reserve(replace(trail, decision=replace(decision, limits=asked.limits)), hold)


class Reserve(Struct, frozen=True):
    """I/O: take all claims of the hold, or none; where `hold.degraded`, from this process's own share."""

    trail: Trail
    hold: Hold

    def next(self, reply: Taken | Lost) -> Reserve | Admit | Settle | Record:
        trail, hold = self.trail, self.hold
        if isinstance(reply, Lost):
            return _without_state(trail, hold, reply)
        facts = trail.facts
        assert facts is not None  # Assess comes first
        if reply.held:
            cover = cover_by(reply.states, facts, trail.policy.prices)
            return Admit(with_shadow_limits(replace(trail, states=reply.states, hold=as_held(hold, reply), cover=cover)))
        trail = replace(trail, states=reply.states)
        refusal = state_lost("quota") if reply.settled else why_not_held(trail, reply.states, facts)
        if hold.sure:
            return _refused(trail, refusal)
        return Settle(reasoned(trail, refusal), hold, outcome_of(refusal))


class Admit(Struct, frozen=True):
    """I/O: wait for a place at the upstream, in the fair queue where there is none. An abort here leaves no place taken."""

    trail: Trail

    @property
    def ask(self) -> Ask:
        return ask_of(self.trail)

    def next(self, reply: Saturated | None) -> Forward | Settle | Record:
        return Forward(self.trail) if reply is None else _wind_up(self.trail, outcome_of(saturated(reply)))


class Forward(Struct, frozen=True):
    """I/O: send the request to the upstream and wait for the head of its answer."""

    trail: Trail

    def next(self, reply: Answered | Broken | NotRead) -> Open | Relay | Leave:
        trail = self.trail
        if isinstance(reply, NotRead):
            # The body was passing through unread and the client broke off or sent too much.
            if reply.refusal is None:
                return Leave(trail, Outcome("client_gone", 0))
            return Leave(trail, Outcome("refused", reply.refusal.status, reply.refusal))
        if isinstance(reply, Broken):
            refusal = upstream_refusal(reply.kind)
            requests = 1 if reply.sent else 0
            return Leave(trail, Outcome("upstream_failed", refusal.status, refusal, fault=reply.kind, requests=requests))
        return Open(trail, reply) if reply.stream else Relay(trail, reply)


class Open(Struct, frozen=True):
    """I/O: write the `opened` line of a stream, before its first byte is handed on."""

    trail: Trail
    head: Answered

    def next(self, reply: None | Lost = None) -> Relay | Leave:
        if isinstance(reply, Lost) and self.trail.policy.audit.when_lost == "refuse":
            refusal = audit_lost()
            return Leave(self.trail, Outcome("refused", refusal.status, refusal, upstream_status=self.head.status, fault="audit"))
        return Relay(self.trail, self.head)


class Relay(Struct, frozen=True):
    """I/O: hand the answer on as it comes, all but its end."""

    trail: Trail
    head: Answered

    def next(self, reply: Relayed | Outrun | Trace) -> Extend | Rewrite | Keep | Leave:
        if isinstance(reply, Outrun):
            return Extend(self, _next_slice(self.trail, reply.tokens))
        if isinstance(reply, Trace):
            return Rewrite(self, reply.size)
        if reply.cut and "cut" not in self.trail.changed:
            return replace(self, trail=replace(self.trail, changed=(*self.trail.changed, "cut"))).next(reply)
        outcome = Outcome(
            reply.end,
            self.head.status,
            upstream_refusal(reply.fault) if reply.end == "upstream_truncated" and not reply.started else None,
            seen=reply.seen,
            upstream_status=self.head.status,
            bytes_in=reply.bytes_in,
            bytes_out=reply.bytes_out,
            first_byte_us=reply.first_byte_us,
            fault=self.trail.spent if reply.cut else reply.fault,
            cooldown_us=self.head.retry_after_us,
            altered=reply.altered,
        )
        if outcome.refusal is not None:
            outcome = replace(outcome, status=outcome.refusal.status, end="upstream_failed")
        elif reply.end == "complete" and keeps(self.trail, reply.seen.object_id):
            return Keep(self.trail, outcome)
        return Leave(self.trail, outcome)


class Extend(Struct, frozen=True):
    """I/O: charge the hold of a stream that outruns it a further slice; see `extending`. Then it is relayed on, or to its end here."""

    relay: Relay
    slice: Slice

    @property
    def hold(self) -> Hold:
        assert self.relay.trail.hold is not None  # only what is held can be outrun
        return self.relay.trail.hold

    def next(self, reply: Taken | Lost) -> Relay | Extend:
        trail, facts = self.relay.trail, self.relay.trail.facts
        assert facts is not None  # Assess comes first
        if isinstance(reply, Lost) or reply.settled:
            trail = noted(trail, "state.lost")
            if ends_when_lost(self.slice, trail.states):
                return self._ended(trail, "state.quota")
        elif reply.held:
            trail = with_shadow_ends(trail, reply.states)
        else:
            rest = rest_slice(self.slice, reply.states, facts, trail.policy.prices)
            return self._ended(trail, in_the_way(reply.states)) if rest is None else replace(self, slice=rest)
        return replace(self.relay, trail=replace(trail, cover=further(self.slice, facts)))

    def _ended(self, trail: Trail, reason: str) -> Relay:
        return replace(self.relay, trail=replace(trail, spent=reason, cover=None))


class Rewrite(Struct, frozen=True):
    """I/O: have a reasoning trace rewritten. Answers that are rewritten are held whole by the relay itself, so that it passes on."""

    relay: Relay
    size: int

    def next(self, reply: None = None) -> Relay:
        return self.relay


class Keep(Struct, frozen=True):
    """I/O: remember which key made the stored object that the answer names."""

    trail: Trail
    outcome: Outcome

    def next(self, reply: None | Lost = None) -> Leave:
        return Leave(self.trail, replace(self.outcome, fault="owner.unknown") if isinstance(reply, Lost) else self.outcome)


class Leave(Struct, frozen=True):
    """I/O: give the place back, with what the request's end says of the upstream. Local, never waits and never fails."""

    trail: Trail
    outcome: Outcome

    @property
    def ended(self) -> Ended:
        return ended(self.trail, self.outcome)

    def next(self, reply: None = None) -> Settle | Record:
        return _wind_up(self.trail, self.outcome)


class Settle(Struct, frozen=True):
    """I/O: settle the hold by the truth. Shielded from cancellation, with a deadline."""

    trail: Trail
    hold: Hold
    outcome: Outcome

    @property
    def amounts(self) -> Amounts:
        moved = bytes_in(self.trail, self.outcome) + self.outcome.bytes_out
        return Amounts.of(self.outcome.seen.usage, bytes_moved=moved, requests=self.outcome.requests)

    def next(self, reply: SettleOutcome) -> Record:
        return Record(self.trail, self.outcome, reply)


class Record(Struct, frozen=True):
    """I/O: write the one record of this request. Shielded from cancellation, with a deadline."""

    trail: Trail
    outcome: Outcome
    settle: SettleOutcome = "none"

    def record(self, now_us: int) -> AuditRecord:
        trail, outcome = self.trail, self.outcome
        return AuditRecord(
            id=trail.arrival.id,
            at_us=trail.arrival.at_us,
            ended_us=now_us,
            method=trail.arrival.method,
            path=trail.arrival.path,
            peer=trail.arrival.peer,
            caller=trail.caller,
            facts=trail.facts,
            decision=trail.decision or undecided(trail, outcome),
            end=outcome.end,
            status=outcome.status,
            upstream=trail.upstream.id if trail.upstream else "",
            upstream_status=outcome.upstream_status,
            usage=outcome.seen.usage,
            settle=self.settle,
            bytes_in=bytes_in(trail, outcome),
            bytes_out=outcome.bytes_out,
            first_byte_us=outcome.first_byte_us,
            finish=outcome.seen.finish,
            fault=outcome.fault,
            changed=trail.changed,
            perturbed=outcome.altered or (trail.altering.told() if trail.altering and outcome.upstream_status else ()),
        )

    def next(self, reply: None | Lost = None) -> Answer:
        lost = isinstance(reply, Lost)
        refused_for_it = lost and self.trail.policy.audit.when_lost == "refuse"
        return Answer(self.trail, self.outcome, audit_lost() if refused_for_it else self.outcome.refusal, withhold=refused_for_it)


class Answer(Struct, frozen=True):
    """I/O: hand on the end that was held back, or the refusal. `withhold`: the end may not go out, the record is missing."""

    trail: Trail
    outcome: Outcome
    refusal: Refusal | None
    withhold: bool = False

    def next(self, reply: None = None) -> Done:
        return Done()


class Done(Struct, frozen=True):
    """The end of the road."""


Step = (
    Identify | Read | Assess | Own | Challenge | Reserve | Admit | Forward | Open | Relay | Extend | Rewrite | Keep | Leave | Settle
    | Record | Answer | Done
)  # fmt: skip


def abort(step: Step, reason: Abort, so_far: Relayed | None = None) -> Step:
    """Where a cancellation or a fault leads from each step. `so_far`: what a relay had handed on and counted by then."""
    match step:
        case Identify() | Read() | Assess() | Own() | Challenge():
            return Record(step.trail, cut(reason, requests=0))
        case Reserve():
            # No answer came: it may have been taken. Settling an unknown id is harmless and refuses a late take.
            hold = replace(step.hold, sure=False)
            return Settle(step.trail, hold, cut(reason, requests=0))
        case Admit():
            return _wind_up(step.trail, cut(reason, requests=0))
        case Forward():
            # The upstream may have been at work on an answer that nobody will see, and bills it: charge what was expected.
            return Leave(step.trail, cut(reason, seen=Seen(expected(step.trail.facts))))
        case Open():
            return Leave(step.trail, cut(reason, seen=Seen(expected(step.trail.facts))))
        case Relay():
            return Leave(step.trail, cut_off(step.trail, step.head.status, reason, so_far))
        case Extend() | Rewrite():
            return abort(step.relay, reason, so_far)
        case Keep():
            return step.next(Lost(reason))
        case Leave():
            return step.next()
        case Settle():
            return Record(step.trail, step.outcome, "unknown")
        case Record():
            return step.next(Lost(reason))
        case Answer() | Done():
            return Done()
        case _:
            assert_never(step)


# ── Between the steps ─────────────────────────────────────────────────────────────────────────────


def _preflight(trail: Trail) -> Admit | Record:
    facts = trail.dialect.parse(b"", length=0)
    decision = Decision("forward", Action.ALLOW, Action.ALLOW, "", "preflight", trail.policy.label)
    upstream = choose_upstream(trail.policy, "")
    trail = replace(trail, caller=ANONYMOUS, facts=facts, decision=decision, upstream=upstream, body=b"")
    return Admit(trail) if upstream else _refused(trail, no_upstream(facts))


def _without_state(trail: Trail, hold: Hold, lost: Lost) -> Reserve | Admit | Settle | Record:
    """The quota store gave no answer: each limit's own mode says what now.

    1. One limit that says `refuse` refuses.
    2. Else those that say `degrade` are taken from the share that this process may give out alone.
    3. Those that say `allow` are let go, and the record says so.
    """
    unsure = replace(hold, sure=hold.sure and not lost.unknown)
    if any(claim.limit.when_state_is_lost == "refuse" and not claim.limit.shadow for claim in hold.claims):
        refusal = state_lost("quota")
        return _refused(trail, refusal) if unsure.sure else Settle(reasoned(trail, refusal), unsure, outcome_of(refusal))
    trail = noted(trail, "state.lost")
    if not hold.degraded and any(claim.limit.when_state_is_lost == "degrade" for claim in hold.claims):
        return Reserve(trail, replace(unsure, degraded=True))
    return Admit(trail if unsure.sure else replace(trail, hold=unsure))


def _next_slice(trail: Trail, counted: int) -> Slice:
    assert trail.cover is not None  # only a stream with a cover is bound
    assert trail.facts is not None
    return next_slice(trail.cover, trail.states, trail.facts, trail.policy.prices, counted)


def _wind_up(trail: Trail, outcome: Outcome) -> Settle | Record:
    if outcome.refusal is not None:
        trail = reasoned(trail, outcome.refusal)
    outcome = costed(trail, outcome)
    return Record(trail, outcome) if trail.hold is None else Settle(trail, trail.hold, outcome)


def _refused(trail: Trail, refusal: Refusal) -> Record:
    return Record(reasoned(trail, refusal), outcome_of(refusal))
