"""The pure work between the steps: who the caller is, what the body says, and which bytes go upstream."""

from __future__ import annotations

from gateway.core.decide import caps_in_force
from gateway.core.owning import must_read
from gateway.core.replies import Found, Payload
from gateway.core.trail import Trail
from gateway.errors import BadRequest
from gateway.model.caller import NO_LIMITS, Caller, KeyRecord
from gateway.model.decision import Refusal
from gateway.model.policy import Tier
from gateway.model.request import Arrival, Estimate, RequestFacts
from gateway.model.value import replace

__all__ = ["caller_of", "edited", "facts_of"]

_SHRINKING = frozenset({"clipped.choices", "clipped.max_output"})
"""Edits after which an answer can't become as long as the client asked."""


def caller_of(arrival: Arrival, found: Found) -> Caller | Refusal:
    """The caller behind a credential, or the refusal for one that is missing, wrong, revoked or expired."""
    if arrival.source == "anonymous" or arrival.key_id is None:
        message = "You didn't provide an API key. Send it in the Authorization header (Bearer), or in x-api-key."
        return Refusal("credential_missing", 401, message, "caller.missing", code="invalid_api_key", final=True)
    record = found.record
    if arrival.source != "issued":
        return _as_caller(arrival, None)
    if record is None:
        return Refusal("credential_invalid", 401, "Incorrect API key provided.", "caller.invalid", code="invalid_api_key", final=True)
    match record.state(found.now_us):
        case "active":
            return _as_caller(arrival, record)
        case "revoked":
            return Refusal("credential_revoked", 401, "This API key was revoked.", "caller.revoked", code="invalid_api_key", final=True)
        case "expired":
            return Refusal("credential_expired", 401, "This API key has expired.", "caller.expired", code="invalid_api_key", final=True)


def _as_caller(arrival: Arrival, record: KeyRecord | None) -> Caller:
    """What the key's record says stands over what a trusted proxy asserts."""
    key_id = arrival.key_id or ""
    account, tier, tags = (record.account, record.tier, record.tags) if record else (None, None, frozenset[str]())
    return Caller(
        key_id=key_id,
        account=account or arrival.account or key_id,
        tier=tier or arrival.tier,
        tags=tags | arrival.tags,
        peer=arrival.peer,
        attributes=dict(arrival.attributes),
        source=arrival.source,
        limits=dict(record.limits) if record and record.limits else NO_LIMITS,
    )


def facts_of(trail: Trail, payload: Payload) -> RequestFacts | Refusal:
    """The body's facts. A body that parsers read differently, or cannot read, passes only where nothing hangs on what it says: no cap
    of the tier, and no stored object of another key."""
    tier = trail.tier
    assert tier is not None  # Identify comes first
    capped = trail.policy.mode == "enforce" and (tier.features.any or not tier.open_to_all_models)
    strict = capped or must_read(trail)
    size = len(payload.wire)
    try:
        facts = trail.dialect.parse(payload.plain, length=size)
    except BadRequest as error:
        if not strict and error.status == 400:
            guess = Estimate(input=len(payload.plain) // 4, output=1024, output_given=False)
            return RequestFacts(trail.dialect.name, trail.dialect.operation, input_size=size, body_size=size, estimate=guess)
        return Refusal("body_invalid", error.status, str(error), "body.invalid", code=error.code, param=error.param, final=True)
    if strict and facts.ambiguous:
        return Refusal("body_invalid", 400, f"The body can be read in two ways: {facts.ambiguous}.", "body.ambiguous", final=True)
    return facts


def edited(trail: Trail, tier: Tier, facts: RequestFacts, plain: bytes) -> Trail:
    """The trail with the body that goes upstream: the very bytes that came, unless the policy clips or asks.

    What is expected of a clipped request is expected of its clipped form; what the client asked for stays in the facts.
    """
    policy, upstream = trail.policy, trail.upstream
    if trail.body is None or policy.mode == "off" or facts.ambiguous:
        return trail
    ask = policy.usage == "ask" and upstream is not None and upstream.usage == "ask" and facts.stream and not facts.usage_asked
    caps = caps_in_force(policy, tier)
    if not ask and not caps.any:
        return trail
    result = trail.dialect.edit(plain, facts, caps, ask_usage=ask)
    if result.body is plain:
        return trail
    if _SHRINKING.isdisjoint(result.changed):
        return replace(trail, body=result.body, decoded=trail.body is not plain, changed=result.changed)
    facts = replace(facts, estimate=_shrunk(trail, facts, result.body))
    return replace(trail, facts=facts, body=result.body, decoded=trail.body is not plain, changed=result.changed)


def _shrunk(trail: Trail, facts: RequestFacts, body: bytes) -> Estimate:
    """What a clipped request may come to: never more than it asked for, and a bound that we wrote is no word of the client's."""
    clipped = trail.dialect.parse(body, length=len(body)).estimate
    return replace(facts.estimate, output=min(facts.estimate.output, clipped.output))
