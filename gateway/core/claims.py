"""What a request asks of each limit: one claim per limit that applies, scaled by the ladder's share; and the words of a refusal.

Estimates follow one rule. What the client set itself is taken at its word: if that can never fit, the request is refused and
told so. What we guess (an answer without a bound, and how much of a request is cached or reasoning: all of it) is cut to the whole
limit here and to what is left of it by the store, so that a guess alone refuses nobody while anything is left. The truth is charged
in the end.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from itertools import count
from typing import NamedTuple

from gateway.core.pricing import micro_cost, price_of
from gateway.model.caller import Caller
from gateway.model.decision import Decision, Refusal, RefusalKind
from gateway.model.evidence import Verdict
from gateway.model.limit import MAX_AMOUNT, WEIGHT_ONE, Claim, Count, Hold, Limit, LimitState, Subject, Taken
from gateway.model.policy import Policy, Price, Tier
from gateway.model.request import RequestFacts
from gateway.model.value import replace
from gateway.policy.match import fits
from gateway.quota.calendar import period_starts

__all__ = ["Asked", "as_held", "asked_for", "claims_for", "refusal_for", "subject_values"]

_SLOT_RETRY_US = 1_000_000
"""When a slot comes free nobody knows: this is when asking again makes sense."""

_LONGEST_SUBJECT = 160
_FIRST_OUTPUT = 1024
_MICRO = 1_000_000
"""Micro-units in a unit of money."""


def claims_for(
    policy: Policy, tier: Tier, caller: Caller, facts: RequestFacts, decision: Decision, verdict: Verdict, *, at_us: int
) -> tuple[Claim, ...]:
    """The request's claims, in the order of the tier's limits. Limits per campaign apply only to callers that belong to one.

    `at_us`, Unix microseconds, is when the request arrived: calendar periods are told to the store from there.
    """
    return asked_for(policy, tier, caller, facts, decision, verdict, at_us=at_us).claims


class Asked(NamedTuple):
    """A request's claims, the ids of their limits, and the plan that they follow; see `Hold`."""

    claims: tuple[Claim, ...]
    limits: tuple[str, ...]
    plan: int


def asked_for(
    policy: Policy, tier: Tier, caller: Caller, facts: RequestFacts, decision: Decision, verdict: Verdict, *, at_us: int
) -> Asked:
    """See `claims_for`."""
    if policy.mode == "off" or not tier.limits:
        return _NOTHING
    plan = _plan(policy, tier, caller, facts, decision, verdict, at_us)
    prices = policy.prices
    claims = tuple([each.ready or _claim(each, facts, prices) for each in plan.counted])
    return Asked(claims, plan.limits, plan.number)


_NOTHING = Asked((), (), 0)


class _Counted(NamedTuple):
    """What all claims of a caller on a limit have in common. `whole` is the capacity before the ladder's share; `ready` is the claim
    itself, where it is the same for every request."""

    limit: Limit
    key: str
    slot: str
    amount: int
    burst: int
    capacity: int
    whole: int
    weight: int
    periods: tuple[int, ...] = ()
    ready: Claim | None = None


class _Plan(NamedTuple):
    """What a caller's requests ask in common. `until`: when the first calendar period of its limits ends, Unix microseconds."""

    tier: Tier
    counted: tuple[_Counted, ...]
    limits: tuple[str, ...]
    number: int
    since: int
    until: int


_MOST_CALLERS = 2048
_FOREVER_US = 2**62
_known: dict[tuple[object, ...], _Plan] = {}
"""Plans of the callers of late, each with the tier that it was worked out from: its place in memory is part of the key."""

_numbers = count(1)


def _plan(policy: Policy, tier: Tier, caller: Caller, facts: RequestFacts, decision: Decision, verdict: Verdict, at_us: int) -> _Plan:
    """Names and amounts, which a caller's requests have in common: 10 us for five limits, and 1 us where they are known."""
    if caller.limits:
        return _made(tier, _worked_out(policy, tier, caller, facts, decision, verdict, at_us), 0)
    name = (id(tier), policy.mode, decision.share, caller.key_id, caller.account, caller.peer, facts.model, verdict.campaign)
    found = _known.get(name)
    if found is None or not found.since <= at_us < found.until:
        if len(_known) >= _MOST_CALLERS:
            _known.clear()
        found = _known[name] = _made(tier, _worked_out(policy, tier, caller, facts, decision, verdict, at_us), next(_numbers))
    return found


def _made(tier: Tier, counted: tuple[_Counted, ...], number: int) -> _Plan:
    periods = [each.periods for each in counted if each.periods]
    since, until = max((starts[1] for starts in periods), default=0), min((starts[2] for starts in periods), default=_FOREVER_US)
    return _Plan(tier, counted, tuple([each.limit.id for each in counted]), number, since, until)


def _worked_out(
    policy: Policy, tier: Tier, caller: Caller, facts: RequestFacts, decision: Decision, verdict: Verdict, at_us: int
) -> tuple[_Counted, ...]:
    counted = []
    subjects: dict[tuple[Subject, ...], str | None] = {}
    for limit in tier.limits:
        if limit.per not in subjects:
            values = subject_values(limit.per, caller, facts, tier, verdict)
            subjects[limit.per] = None if values is None else _encoded(values)
        subject = subjects[limit.per]
        if subject is not None:
            limit = limit if policy.mode == "enforce" else _in_shadow(limit)
            counted.append(_readied(_of_limit(limit, subject, caller, facts, decision.share, at_us), facts))
    return tuple(counted)


def _readied(counted: _Counted, facts: RequestFacts) -> _Counted:
    """With its claim, where that is the same for every request of the model."""
    if counted.limit.count not in {Count.REQUESTS, Count.CONCURRENT} or counted.limit.when_spent == "finish":
        return counted
    return counted._replace(ready=_claim(counted, facts, ()))


def subject_values(
    per: tuple[Subject, ...], caller: Caller, facts: RequestFacts, tier: Tier, verdict: Verdict
) -> tuple[str, ...] | None:
    """Who exactly is counted, one value per subject; None when a subject does not exist for this caller."""
    values = []
    for subject in per:
        value = _subject(subject, caller, facts, tier, verdict)
        if value is None:
            return None
        values.append(value)
    return tuple(values)


def _subject(subject: Subject, caller: Caller, facts: RequestFacts, tier: Tier, verdict: Verdict) -> str | None:
    match subject:
        case "key":
            return caller.key_id
        case "account":
            return caller.account
        case "model":
            return facts.model
        case "tier":
            return tier.id
        case "peer":
            return caller.peer
        case "campaign":
            return verdict.campaign
        case "everyone":
            return "*"


def _of_limit(limit: Limit, subject: str, caller: Caller, facts: RequestFacts, share: float, at_us: int) -> _Counted:
    full, burst = _own_amount(limit, caller)
    whole = burst if limit.window == "bucket" else full
    amount, burst = (full, burst) if share >= 1.0 else (_scaled(full, share), _scaled(burst, share))
    slot = caller.account if "account" in limit.per or "key" in limit.per else subject
    capacity = burst if limit.window == "bucket" else amount
    key = f"{limit.id}:{limit.count}:{limit.window}:{limit.span}:{'+'.join(limit.per)}:{subject}"
    weight = _weight(limit.weights, facts.model) if limit.weights else WEIGHT_ONE
    periods = period_starts(limit.period, limit.zone, at_us) if limit.period else ()
    return _Counted(limit, key, slot, amount, burst, capacity, whole, weight, periods)


def _claim(counted: _Counted, facts: RequestFacts, prices: tuple[Price, ...]) -> Claim:
    limit, key, slot, amount, burst, capacity, whole, weight, periods, _ = counted
    if limit.when_spent == "finish" and facts.stream:
        wanted, guessed = _first(limit.count, facts, prices, capacity)
    else:
        wanted, guessed = _expected(limit.count, facts, prices)
    if weight != WEIGHT_ONE:
        wanted, guessed = -(-wanted * weight // WEIGHT_ONE), -(-guessed * weight // WEIGHT_ONE)
    if wanted > capacity:
        # Fits the limit as written and only the ladder's share is too small: hold all of the share, the rest becomes debt.
        return Claim(limit, key, slot, amount, burst, capacity if wanted <= whole else min(wanted, MAX_AMOUNT), periods, weight)
    guessed = min(guessed, capacity - wanted)
    return Claim(limit, key, slot, amount, burst, wanted + guessed, periods, weight, guessed)


def _own_amount(limit: Limit, caller: Caller) -> tuple[int, int]:
    """(amount, burst) of a limit for this caller: what its own record says, where the limit is counted for it, else the policy's.

    A bucket's depth grows with its amount.
    """
    own = caller.limits.get(limit.id) if caller.limits else None
    if own is None or not ("key" in limit.per or "account" in limit.per):
        return limit.amount, limit.burst
    amount = min(own * _MICRO if limit.count is Count.MONEY else own, MAX_AMOUNT)
    return amount, min(-(-limit.burst * amount // limit.amount), MAX_AMOUNT) if limit.burst else 0


def _first(count: Count, facts: RequestFacts, prices: tuple[Price, ...], capacity: int) -> tuple[int, int]:
    """What is expected of a stream that ends where its budget does, and extends its hold as it goes: not all that it may come to, even
    where the client bounds it, but a first part, of output at most a quarter of the limit."""
    estimate = facts.estimate
    first = replace(estimate, output=min(estimate.output, _FIRST_OUTPUT), output_given=False)
    wanted, guessed = _expected(count, replace(facts, estimate=first), prices)
    return wanted, min(guessed, max(capacity // 4, 1))


def _expected(count: Count, facts: RequestFacts, prices: tuple[Price, ...]) -> tuple[int, int]:
    """(what the request surely may come to, what is guessed beyond that) of a count."""
    estimate = facts.estimate
    given, guess = (estimate.output, 0) if estimate.output_given else (0, estimate.output)
    match count:
        case Count.REQUESTS | Count.CONCURRENT:
            return 1, 0
        case Count.BYTES:
            return max(facts.body_size, 0), 0
        case Count.INPUT_TOKENS:
            return estimate.input, 0
        case Count.OUTPUT_TOKENS:
            return given, guess
        case Count.TOKENS:
            return estimate.input + given, guess
        case Count.CACHED_INPUT_TOKENS:
            return 0, estimate.input
        case Count.REASONING_TOKENS:
            return 0, estimate.output
        case Count.MONEY:
            price = price_of(prices, facts.model)
            if price is None:
                return 0, 0
            sure = micro_cost(price, input=estimate.input, output=given)
            return sure, micro_cost(price, input=estimate.input, output=estimate.output) - sure


def _weight(weights: tuple[tuple[str, int], ...], model: str) -> int:
    return next((weight for glob, weight in weights if fits(glob, model)), WEIGHT_ONE)


def _scaled(amount: int, share: float) -> int:
    return max(1, int(amount * share)) if amount else 0


@lru_cache(maxsize=4096)
def _in_shadow(limit: Limit) -> Limit:
    return replace(limit, shadow=True)


def _encoded(values: tuple[str, ...]) -> str:
    text = "|".join(values) if len(values) == 1 else "|".join(value.replace("%", "%25").replace("|", "%7C") for value in values)
    if len(text) <= _LONGEST_SUBJECT and text.isprintable() and "{" not in text and "}" not in text:
        return text
    return "h:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def as_held(hold: Hold, reply: Taken) -> Hold:
    """The hold with what was held in place of what was wanted, where a guess was cut to what was left."""
    if all(state.claim.want == claim.want for claim, state in zip(hold.claims, reply.states, strict=False)):
        return hold
    held = [replace(claim, want=state.claim.want, guess=0) for claim, state in zip(hold.claims, reply.states, strict=True)]
    return replace(hold, claims=tuple(held))


def refusal_for(states: tuple[LimitState, ...], facts: RequestFacts) -> Refusal:
    """The refusal for a take that did not fit: of the limits in the way, the one that is in the way longest."""
    blocking = [state for state in states if not state.fitted and not state.claim.limit.shadow]
    worst = max(blocking, key=lambda state: (state.retry_us < 0, _retry(state)))
    limit, claim = worst.claim.limit, worst.claim
    if worst.retry_us < 0 and claim.want <= claim.capacity:
        return Refusal(
            "limit_spent",
            429,
            f"Quota exceeded{_for_model(facts)} on {_per(limit)}: Limit {_said(limit, claim.amount)}, "
            f"Used {_said(limit, worst.used)}, Requested {_said(limit, claim.want)}. It does not come back by waiting.",
            f"limit.{limit.id}",
            code="insufficient_quota",
            final=True,
            unnamed="campaign" in limit.per,
        )
    if worst.retry_us < 0:
        return Refusal(
            "limit_never_fits",
            429,
            f"Request too large{_for_model(facts)} on {_per(limit)}: Limit {_said(limit, claim.capacity)}, "
            f"Requested {_said(limit, claim.want)}. It can never fit; {_smaller(limit)}.",
            f"limit.{limit.id}",
            code="rate_limit_exceeded",
            final=True,
            unnamed="campaign" in limit.per,
        )
    wait = _retry(worst)
    return Refusal(
        _KIND[limit.count],
        429,
        f"Rate limit reached{_for_model(facts)} on {_per(limit)}: Limit {_said(limit, claim.amount)}, Used {_said(limit, worst.used)}, "
        f"Requested {_said(limit, claim.want)}. Please try again in {_spoken(wait)}.",
        f"limit.{limit.id}",
        code="insufficient_quota" if limit.count is Count.MONEY else "rate_limit_exceeded",
        retry_us=wait,
        unnamed="campaign" in limit.per,
    )


_KIND: dict[Count, RefusalKind] = {
    Count.REQUESTS: "limit_requests",
    Count.TOKENS: "limit_tokens",
    Count.INPUT_TOKENS: "limit_tokens",
    Count.OUTPUT_TOKENS: "limit_tokens",
    Count.CACHED_INPUT_TOKENS: "limit_tokens",
    Count.REASONING_TOKENS: "limit_tokens",
    Count.MONEY: "limit_money",
    Count.BYTES: "limit_bytes",
    Count.CONCURRENT: "limit_concurrent",
}


def _retry(state: LimitState) -> int:
    return _SLOT_RETRY_US if state.claim.limit.count is Count.CONCURRENT else state.retry_us


def _for_model(facts: RequestFacts) -> str:
    return f" for {facts.model[:100]}" if facts.model else ""


def _per(limit: Limit) -> str:
    if limit.count is Count.CONCURRENT:
        return "concurrent requests"
    short = {Count.TOKENS: " (TPM)", Count.REQUESTS: " (RPM)"}.get(limit.count, "") if limit.window_us == 60_000_000 else ""
    units = {1_000_000: "second", 60_000_000: "min", 3_600_000_000: "hour", 86_400_000_000: "day"}
    window = limit.period or units.get(limit.window_us) or f"{limit.window_us / 1_000_000:g} s"
    what = limit.count.value.replace("_", " ")
    return f"{what} in all" if limit.window == "lifetime" else f"{what} per {window}{short}"


def _said(limit: Limit, amount: int) -> str:
    """An amount as people read it: of money in units of the currency, rounded up to a ten-thousandth."""
    return f"{-(-amount // 100) / 10_000:g}" if limit.count is Count.MONEY else str(amount)


def _smaller(limit: Limit) -> str:
    if limit.count is Count.BYTES:
        return "send a smaller body"
    return "shorten the prompt" if limit.count is Count.INPUT_TOKENS else "shorten the prompt or ask for fewer output tokens"


def _spoken(microseconds: int) -> str:
    milliseconds = -(-microseconds // 1000)
    return f"{milliseconds}ms" if milliseconds < 1000 else f"{milliseconds / 1000:g}s"
