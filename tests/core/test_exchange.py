"""The road, proved: whatever is replied and wherever it is cut, there is one record, and one settle exactly where a hold may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.exchange import (
    Abort,
    Admit,
    Answer,
    Assess,
    Challenge,
    Done,
    Extend,
    Forward,
    Identify,
    Keep,
    Leave,
    Open,
    Own,
    Read,
    Record,
    Relay,
    Reserve,
    Rewrite,
    Settle,
    abort,
)  # fmt: skip
from gateway.core.replies import Answered, Broken, Found, Lost, NotRead, Outrun, Payload, Relayed, Trace
from gateway.dialects.base import Seen
from gateway.model.admission import Saturated
from gateway.model.decision import Action, Refusal
from gateway.model.evidence import NO_VERDICT, Verdict
from gateway.model.limit import Count, LimitState, Taken
from gateway.model.policy import AuditRules, FeatureCaps, Price
from gateway.model.request import Usage

BODY = b'{"model":"m","messages":[{"role":"user","content":"hello"}],"max_tokens":5}'
STREAM = b'{"model":"m","messages":[{"role":"user","content":"hello"}],"stream":true}'
REFUSAL = Refusal("body_too_large", 413, "too large", "body.too_large")
SEEN = Seen(Usage(input=3, output=5, source="upstream"), "stop", terminal=True, object_id="resp_1")
LOST = [Lost("StoreUnavailable"), Lost("OutcomeUnknown", unknown=True)]


def states(hold, *, fitted):
    return tuple(LimitState(claim, fitted, 1, 1, 0, 0 if fitted else 5_000_000) for claim in hold.claims)


def replies(step, key):
    """All kinds of replies that a step's port may give."""
    match step:
        case Identify():
            expired = [Found(key(expires_us=1), 2), Found(key(revoked_us=1), 2)]
            return [Found(key(), 1), Found(None, 1), *expired, Lost("StoreUnavailable")]
        case Read():
            return [Payload(BODY, BODY), Payload(b"{", b"{"), NotRead(None), NotRead(REFUSAL)]
        case Assess():
            two = frozenset({"wording", "arrival"})
            return [
                NO_VERDICT,
                Verdict(25.0, two, high=25.0),
                Verdict(70.0, two, high=70.0),
                Verdict(70.0, frozenset({"wording"}), high=70.0),
            ]
        case Own():
            return [tuple(key().key_id for _ in step.refs), tuple(None for _ in step.refs), Lost("StoreUnavailable")]
        case Reserve():
            return [
                Taken(True, states(step.hold, fitted=True)),
                Taken(False, states(step.hold, fitted=False)),
                Taken(False, (), settled=True),
                *LOST,
            ]
        case Admit():
            return [None, Saturated("full", 2_000_000), Saturated("late", 2_000_000), Saturated("cooling", 70_000_000)]
        case Forward():
            return [
                Answered(429, False, 5_000_000),
                Answered(200, True),
                Answered(200, False),
                Answered(500, False),
                Broken("connect", False),
                Broken("broken", True),
                NotRead(None),
                NotRead(REFUSAL),
            ]
        case Open():
            return [None, Lost("AuditError")]
        case Relay():
            ends = ["complete", "client_gone", "upstream_truncated"]
            whole = [Relayed(SEEN, end, 10, started, 5, "") for end in ends for started in (True, False)]
            cut = [Relayed(SEEN, "complete", 10, True, cut=True)] if step.trail.spent else []
            return [*whole, *cut, *([Outrun(100)] if step.trail.cover else []), Trace(1000)]
        case Extend():
            told = {fitted: states(step.hold, fitted=fitted) for fitted in (True, False)}
            return [Taken(True, told[True]), Taken(True, told[False]), Taken(False, told[False]), Taken(False, (), settled=True), *LOST]
        case Keep() | Record():
            return [None, Lost("AuditError")]
        case Settle():
            return ["settled", "repeated", "expired", "unknown_id", "unknown", "failed"]
        case _:
            return [None]


LIMIT_SETS = [(), ("refuse",), ("allow",), ("degrade",), ("allow", "degrade")]


@st.composite
def journeys(draw):
    return draw(st.sampled_from(LIMIT_SETS)), draw(st.sampled_from(["allow", "refuse"])), draw(st.booleans()), draw(st.data())


@given(
    journey=journeys(), cut_at=st.none() | st.integers(0, 16), reason=st.sampled_from(["client_gone", "cancelled", "fault", "shutdown"])
)
def test_one_record_one_settle_exactly_where_a_hold_may_be_and_one_leave_exactly_where_a_place_was_had(make, journey, cut_at, reason):
    modes, when_lost, opaque, data = journey
    limits = tuple(make.limit(f"l{i}", when_state_is_lost=mode) for i, mode in enumerate(modes))
    policy = make.policy(*limits, audit=AuditRules(when_lost=when_lost))
    where = {"operation": "opaque", "route": "POST /files"} if opaque else {}
    proven(make, data, make.door(policy, **where), cut_at, reason)


@given(data=st.data(), cut_at=st.none() | st.integers(8, 30), reason=st.sampled_from(["client_gone", "cancelled", "fault", "shutdown"]))
def test_a_stream_that_is_extended_or_cut_is_settled_and_recorded_once_all_the_same(make, data, cut_at, reason):
    modes = data.draw(st.lists(st.tuples(st.sampled_from(["finish", "continue"]), st.sampled_from(["refuse", "allow"])), min_size=1))
    limits = [
        make.limit(f"l{i}", Count.TOKENS, 1000, when_spent=spent, when_state_is_lost=lost) for i, (spent, lost) in enumerate(modes[:3])
    ]
    step = walk(make.door(make.policy(*limits)), Found(make.key(), 1), Payload(STREAM, STREAM), NO_VERDICT)
    taken = Taken(True, states(step.hold, fitted=True))
    step = step.next(taken).next(None).next(Answered(200, True)).next()
    proven(make, data, step, cut_at, reason, walked=[Reserve, Admit], maybe_held=True, placed=True, most=12)


def proven(make, data, step, cut_at, reason, *, walked=(), maybe_held=False, placed=False, most=3):
    """Walk on by any replies, cut short anywhere, and see how the road ended."""
    walked, taken_after_settle, settle_reply, extends = list(walked), False, None, 0
    for number in range(60):
        walked.append(type(step))
        if isinstance(step, Done):
            break
        if number == cut_at:
            maybe_held = maybe_held or isinstance(step, Reserve)
            if isinstance(step, Settle):
                settle_reply = "unknown"
            step = abort(step, reason, Relayed(SEEN, "client_gone", 7, True))
            continue
        reply = data.draw(st.sampled_from(replies(step, make.key)), label=type(step).__name__)
        if isinstance(step, Relay) and isinstance(reply, Outrun | Trace):
            extends += 1
            reply = reply if extends < most else Relayed(SEEN, "complete", 1, True)
        if isinstance(step, Reserve):
            maybe_held = maybe_held or (isinstance(reply, Taken) and reply.held) or (isinstance(reply, Lost) and reply.unknown)
        if isinstance(step, Settle):
            settle_reply = reply
        placed = placed or (isinstance(step, Admit) and reply is None)
        if isinstance(step, Record):
            assert step.record(5_000_000).settle == (settle_reply if maybe_held else "none")
        taken_after_settle = taken_after_settle or (Settle in walked and isinstance(step, Reserve))
        step = step.next(reply)
    assert walked[-1] is Done
    assert walked.count(Record) == 1
    assert walked.count(Settle) == (1 if maybe_held else 0)
    assert walked.count(Leave) == (1 if placed else 0)
    assert Leave not in walked[: walked.index(Admit)] if Admit in walked else Leave not in walked
    assert not taken_after_settle


def walk(step, *wanted):
    """Take the road by the given replies; steps that pass straight through are passed."""
    replies = list(wanted)
    while not isinstance(step, Done):
        if isinstance(step, Challenge | Rewrite | Keep | Leave):
            step = step.next()
        elif isinstance(step, Admit):
            step = step.next(None)
        elif replies:
            step = step.next(replies.pop(0))
        else:
            return step
    return step


def test_an_ordinary_request_is_settled_by_the_truth(make):
    step = walk(
        make.door(make.policy(make.limit(count=Count.TOKENS, amount=1000))), Found(make.key(), 1), Payload(BODY, BODY), NO_VERDICT
    )
    assert isinstance(step, Reserve)
    taken = Taken(True, states(step.hold, fitted=True))
    step = walk(step, taken, Answered(200, False), Relayed(SEEN, "complete", 99, True, 7))
    assert isinstance(step, Settle)
    assert (step.amounts.input, step.amounts.output, step.amounts.requests) == (3, 5, 1)
    step = step.next("settled")
    assert isinstance(step, Record)
    record = step.record(2_000_000)
    assert (record.end, record.status, record.settle, record.usage.source) == ("complete", 200, "settled", "upstream")
    assert record.decision.limits == ("rpm",)


def test_a_request_costs_what_the_prices_say_that_it_runs_under(make):
    policy = make.policy(make.limit(count=Count.MONEY, amount=1000), prices=(Price("m", 2_000_000, 7_000_000),))
    step = walk(make.door(policy), Found(make.key(), 1), Payload(BODY, BODY), NO_VERDICT)
    step = walk(step, Taken(True, states(step.hold, fitted=True)), Answered(200, False), Relayed(SEEN, "complete", 99, True, 7))
    assert step.amounts.micro_cost == step.amounts.for_claim(step.hold.claims[0]) == 3 * 2 + 5 * 7
    assert step.next("settled").record(2_000_000).usage.micro_cost == 41


def test_a_request_without_a_limit_is_recorded_with_its_cost_too(make):
    policy = make.policy(prices=(Price("m", 2_000_000, 7_000_000),))
    step = walk(make.door(policy), Found(make.key(), 1), Payload(BODY, BODY), NO_VERDICT, Answered(200, False))
    step = walk(step, Relayed(SEEN, "complete", 99, True, 7))
    assert step.record(2_000_000).usage.micro_cost == 41


def test_a_request_whose_clipped_form_fits_is_not_refused_for_what_was_clipped(make):
    policy = make.policy(make.limit(count=Count.TOKENS, amount=1000))
    tier = make.replace(policy.tiers["standard"], features=FeatureCaps(max_output=100))
    policy = make.replace(policy, tiers={"standard": tier})
    body = BODY.replace(b":5}", b":50000}")
    step = walk(make.door(policy), Found(make.key(), 1), Payload(body, body), NO_VERDICT)
    assert step.hold.claims[0].want <= 1000


def admitting(make, *limits):
    step = walk(make.door(make.policy(*limits)), Found(make.key(), 1), Payload(BODY, BODY))
    step = step.next(NO_VERDICT).next()
    return step.next(Taken(True, states(step.hold, fitted=True))) if isinstance(step, Reserve) else step


def test_without_a_place_what_was_held_is_given_back_and_the_caller_is_told_when_to_come_again(make):
    step = admitting(make, make.limit(count=Count.TOKENS, amount=1000))
    assert isinstance(step, Admit)
    step = step.next(Saturated("full", 3_000_000))
    assert isinstance(step, Settle)
    assert (step.amounts.requests, step.amounts.output) == (0, 0)
    refusal = step.outcome.refusal
    assert (refusal.status, refusal.reason, refusal.retry_us) == (503, "saturated.full", 3_000_000)


def test_who_leaves_the_queue_had_no_place_to_give_back(make):
    assert isinstance(abort(admitting(make), "client_gone"), Record)


@pytest.mark.parametrize("reason", Abort.__args__)
@pytest.mark.parametrize("stream", [True, False])
def test_wherever_a_road_is_cut_its_place_is_given_back_once_if_it_had_one(make, stream, reason):
    taken = {Admit: None, Forward: Answered(200, stream), Relay: Relayed(SEEN, "complete", 1, True), Settle: "settled"}
    for cut_at in range(16):
        step, walked = make.door(make.policy(make.limit())), []
        while not isinstance(step, Done):
            walked.append(type(step))
            if len(walked) - 1 == cut_at:
                step = abort(step, reason, Relayed(SEEN, "client_gone", 7, True))
            elif isinstance(step, Reserve):
                step = step.next(Taken(True, states(step.hold, fitted=True)))
            else:
                before = {Identify: Found(make.key(), 1), Read: Payload(BODY, BODY), Assess: NO_VERDICT}
                step = step.next({**before, **taken}.get(type(step)))
        assert walked.count(Leave) == (Forward in walked)


def test_the_place_is_given_back_before_the_quota_is_settled(make):
    step = admitting(make, make.limit()).next(None)
    step = step.next(Answered(200, False)).next(Relayed(SEEN, "complete", 99, True, 90)).next()
    assert isinstance(step, Leave)
    assert (step.ended.fate, step.ended.first_us, step.ended.tokens) == ("success", 90, 5)
    assert isinstance(step.next(), Settle)


def test_a_refused_take_holds_nothing_and_names_the_limit(make):
    step = walk(make.door(make.policy(make.limit())), Found(make.key(), 1), Payload(BODY, BODY), NO_VERDICT)
    step = walk(step, Taken(False, states(step.hold, fitted=False)))
    assert isinstance(step, Record)
    assert (step.outcome.status, step.record(1).decision.reason) == (429, "limit.rpm")


@pytest.mark.parametrize(("key", "code"), [("revoked_us", "caller.revoked"), ("expires_us", "caller.expired")])
def test_a_key_that_is_over_is_told_so(make, key, code):
    step = walk(make.door(make.policy()), Found(make.key(**{key: 5}), 6))
    assert isinstance(step, Record)
    assert (step.outcome.status, step.record(1).decision.reason) == (401, code)


def test_a_departed_client_is_charged_what_was_expected_while_the_upstream_worked(make):
    step = walk(
        make.door(make.policy(make.limit(count=Count.TOKENS, amount=1000))), Found(make.key(), 1), Payload(BODY, BODY), NO_VERDICT
    )
    step = walk(step, Taken(True, states(step.hold, fitted=True)))
    assert isinstance(step, Forward)
    step = walk(abort(step, "client_gone"))
    assert isinstance(step, Settle)
    assert step.amounts.output == 5
    assert step.outcome.seen.usage.source == "estimated"


def test_a_take_without_an_answer_is_settled_so_that_nothing_leaks(make):
    step = walk(make.door(make.policy(make.limit(when_state_is_lost="refuse"))), Found(make.key(), 1), Payload(BODY, BODY), NO_VERDICT)
    step = walk(step, Lost("OutcomeUnknown", unknown=True))
    assert isinstance(step, Settle)
    assert not step.hold.sure
    assert step.outcome.status == 503


def test_degrade_takes_from_this_process_s_own_share(make):
    step = walk(make.door(make.policy(make.limit(when_state_is_lost="degrade"))), Found(make.key(), 1), Payload(BODY, BODY), NO_VERDICT)
    step = walk(step, Lost("StoreUnavailable"))
    assert isinstance(step, Reserve)
    assert step.hold.degraded
    step = walk(step, Taken(True, states(step.hold, fitted=True)))
    assert isinstance(step, Forward)
    assert step.trail.hold is not None
    assert "state.lost" in step.trail.decision.shadowed


def test_another_key_s_stored_object_does_not_exist(make):
    door = make.door(make.policy(), operation="opaque", route="GET /files/file-1")
    step = walk(door, Found(make.key(), 1), NO_VERDICT)
    assert isinstance(step, Own)
    assert step.refs == ("file-1",)
    step = step.next(("someone else",))
    assert isinstance(step, Record)
    assert step.outcome.status == 404


def test_a_body_that_reads_two_ways_passes_only_where_nothing_hangs_on_it(make):
    twice = b'{"model":"m","model":"n","messages":[]}'
    free = walk(make.door(make.policy(), source="client"), Found(None, 1), Payload(twice, twice), NO_VERDICT)
    assert isinstance(free, Forward)
    assert free.trail.body is twice
    policy = make.policy()
    policy.tiers["standard"] = make.replace(policy.tiers["standard"], models=("m",))
    capped = walk(make.door(policy, source="client"), Found(None, 1), Payload(twice, twice))
    shared = walk(make.door(make.policy()), Found(make.key(), 1), Payload(twice, twice))
    for refused in (capped, shared):
        assert isinstance(refused, Record)
        assert refused.outcome.status == 400


def test_in_shadow_the_refusal_is_written_down_and_the_request_goes_on(make):
    policy = make.policy(make.limit(), mode="shadow")
    policy.tiers["standard"] = make.replace(policy.tiers["standard"], models=("other",))
    step = walk(make.door(policy), Found(make.key(), 1), Payload(BODY, BODY), NO_VERDICT)
    assert isinstance(step, Reserve)
    assert step.hold.claims[0].limit.shadow
    assert step.trail.decision.shadowed == ("model.denied",)


@pytest.mark.parametrize("when_lost", ["allow", "refuse"])
def test_an_answer_whose_record_is_lost_is_withheld_only_where_the_policy_says_so(make, when_lost):
    step = walk(make.door(make.policy(audit=AuditRules(when_lost=when_lost))), Found(make.key(), 1), Payload(BODY, BODY), NO_VERDICT)
    step = walk(step, Answered(200, False), Relayed(SEEN, "complete", 1, False), Lost("AuditError"))
    assert isinstance(step, Answer)
    assert step.withhold is (when_lost == "refuse")


def test_an_upstream_that_breaks_before_the_first_byte_is_a_clean_502(make):
    step = walk(make.door(make.policy()), Found(make.key(), 1), Payload(BODY, BODY), NO_VERDICT, Answered(200, False))
    step = walk(step, Relayed(SEEN, "upstream_truncated", 0, False))
    assert isinstance(step, Record)
    assert (step.outcome.status, step.outcome.end) == (502, "upstream_failed")


def test_a_preflight_passes_without_a_credential(make):
    door = make.replace(make.door(make.policy(make.limit()), operation="opaque", route="OPTIONS /chat/completions"), preflight=True)
    step = walk(door, Found(None, 1))
    assert isinstance(step, Forward)
    assert step.trail.decision.action is Action.ALLOW


def test_every_reason_to_abort_has_an_end(make):
    for reason in Abort.__args__:
        assert isinstance(abort(make.door(make.policy()), reason), Record)


def relaying(make, *limits, **policy):
    step = walk(make.door(make.policy(*limits, **policy)), Found(make.key(), 1), Payload(BODY, BODY), NO_VERDICT)
    if isinstance(step, Reserve):
        step = walk(step, Taken(True, states(step.hold, fitted=True)))
    return walk(step, Answered(200, False))


def test_a_client_that_leaves_before_the_first_byte_is_no_failure_of_the_upstream(make):
    step = walk(relaying(make).next(Relayed(SEEN, "client_gone", 0, False)))
    assert isinstance(step, Record)
    assert (step.outcome.end, step.outcome.refusal) == ("client_gone", None)


def test_an_upstream_that_falls_silent_before_the_first_byte_is_a_504(make):
    step = walk(relaying(make).next(Relayed(SEEN, "upstream_truncated", 0, False, fault="idle_timeout")))
    assert isinstance(step, Record)
    assert (step.outcome.status, step.outcome.refusal.reason) == (504, "upstream.idle_timeout")


def test_bytes_that_had_passed_when_the_road_was_cut_are_charged_and_recorded(make):
    cut = abort(relaying(make, make.limit(count=Count.BYTES, amount=1000)), "client_gone", Relayed(SEEN, "client_gone", 17, True, 900))
    step = walk(cut)
    assert isinstance(step, Settle)
    assert step.amounts.bytes == len(BODY) + 17
    record = step.next("settled").record(2_000_000)
    assert (record.status, record.bytes_in, record.bytes_out, record.first_byte_us) == (200, len(BODY), 17, 900)


# ── Streams that outrun what is held ────────────────────────────────────────────────────────────


def streaming(make, *limits, body=STREAM, **policy):
    """At the relay of a stream whose limits were all taken."""
    step = walk(make.door(make.policy(*limits, **policy)), Found(make.key(), 1), Payload(body, body), NO_VERDICT)
    return walk(step, Taken(True, states(step.hold, fitted=True)), Answered(200, True), None)


def tpm(make, amount=1000, **more):
    return make.limit("tpm", Count.TOKENS, amount, **{"when_spent": "finish", **more})


def told(step, *, fitted, remaining=0):
    return tuple(make_state(claim, fitted, remaining) for claim in step.hold.claims)


def make_state(claim, fitted, remaining):
    return LimitState(claim, fitted, claim.amount - remaining, remaining, 9, 0 if fitted else 9_000_000)


def test_a_stream_that_outruns_its_hold_asks_for_a_slice_and_goes_on(make):
    step = streaming(make, tpm(make))
    held = step.trail.cover.tokens
    step = step.next(Outrun(held + 3))
    assert isinstance(step, Extend)
    assert (step.slice.number, step.slice.wants) == (1, (3 + 64,))
    step = step.next(Taken(True, told(step, fitted=True)))
    assert isinstance(step, Relay)
    assert (step.trail.cover.tokens, step.trail.cover.number, step.trail.spent) == (held + 67, 1, "")
    assert step.next(Outrun(held + 70)).slice.number == 2


def test_what_is_left_is_asked_for_once_and_then_the_stream_ends_and_says_why(make):
    step = streaming(make, tpm(make))
    held = step.trail.cover.tokens
    step = step.next(Outrun(held + 1)).next(Taken(False, told(step.trail, fitted=False, remaining=40)))
    assert isinstance(step, Extend)
    assert (step.slice.number, step.slice.wants) == (1, (40,))
    step = step.next(Taken(True, told(step, fitted=True))).next(Outrun(held + 41))
    step = step.next(Taken(False, told(step, fitted=False, remaining=40)))
    assert isinstance(step, Relay)
    assert (step.trail.spent, step.trail.cover) == ("limit.tpm", None)
    step = walk(step, Relayed(Seen(Usage(3, 9, source="counted"), "length", True), "complete", 50, True, cut=True))
    assert isinstance(step, Settle)
    assert step.amounts.output == 9
    record = step.next("settled").record(2_000_000)
    assert (record.end, record.status, record.finish, record.fault, record.changed) == (
        "complete",
        200,
        "length",
        "limit.tpm",
        ("cut",),
    )


def test_a_stream_that_could_not_be_cut_after_all_is_an_ordinary_one(make):
    step = streaming(make, tpm(make))
    step = step.next(Outrun(500))
    step = step.next(Taken(False, told(step, fitted=False)))
    record = walk(step, Relayed(SEEN, "complete", 50, True), "settled").record(2_000_000)
    assert (record.fault, record.changed) == ("", ())


@pytest.mark.parametrize(
    ("limit", "spent"),
    [({}, "state.quota"), ({"when_state_is_lost": "allow"}, ""), ({"when_spent": "continue"}, ""), ({"shadow": True}, "")],
)
@pytest.mark.parametrize("reply", [*LOST, Taken(False, (), settled=True)])
def test_while_the_state_is_lost_only_what_may_neither_be_spent_nor_unknown_ends_a_stream(make, limit, spent, reply):
    step = streaming(make, tpm(make, **limit)).next(Outrun(500)).next(reply)
    assert isinstance(step, Relay)
    assert step.trail.spent == spent
    assert "state.lost" in step.trail.decision.shadowed


def test_a_limit_in_shadow_that_would_have_ended_the_stream_is_named_once(make):
    step = streaming(make, tpm(make, shadow=True))
    for counted in (500, 700):
        step = step.next(Outrun(counted))
        step = step.next(Taken(True, told(step, fitted=False)))
    assert step.trail.decision.shadowed == ("limit.tpm",)


def test_only_a_stream_that_may_be_cut_asks_for_an_answer_that_can_be_written_into(make):
    assert streaming(make, tpm(make)).trail.alters_answer
    assert not streaming(make, tpm(make, when_spent="continue")).trail.alters_answer
    assert not streaming(make, make.limit(when_spent="finish")).trail.alters_answer
    assert streaming(make, tpm(make), body=BODY).trail.cover is None
