"""From a decision's perturbations to what goes upstream: the request as they ask for it, and what is to become of its answer.

Sealed reasoning is opened for every caller: it was sealed when he was flagged, or when another was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from gateway.core.alteration import Altering, Part
from gateway.core.trail import Trail
from gateway.dialects.altering import Document, read_document, written
from gateway.dialects.channels import is_free
from gateway.dialects.textedit import edit_members
from gateway.errors import BadRequest
from gateway.model.decision import Refusal
from gateway.model.policy import Policy
from gateway.model.value import replace
from gateway.perturb.base import Context, derived
from gateway.perturb.labels import ROUTES
from gateway.perturb.seal import MARK, opened
from gateway.registry import names, resolve

__all__ = ["parts_of", "perturbed"]

_STORED = {"GET /responses/": "openai.responses", "GET /chat/completions/": "openai.chat"}
"""Stored answers are the same answers when they are fetched again."""

_SEALED = frozenset({"anthropic.messages", "openai.responses"})
"""Dialects in which clients hand opaque reasoning back."""


def perturbed(trail: Trail, plain: bytes) -> Trail | Refusal:
    """The trail as its decision's perturbations have it; itself where there are none and nothing is sealed. A refusal where a sealed
    block is another's, or where the body can be read in two ways: an edit that one of two parsers does not see would be none."""
    decision = trail.decision
    if trail.dialect.name in _SEALED and MARK in plain:
        unsealed = _unsealed(trail, plain)
        if isinstance(unsealed, Refusal):
            return unsealed
        trail = unsealed
    return _altered(trail, plain) if decision is not None and decision.perturbations else trail


def _altered(trail: Trail, plain: bytes) -> Trail | Refusal:
    """The trail with its perturbations, and with the body that they ask for. What a changed request may come to is expected of it."""
    decision, facts = trail.decision, trail.facts
    assert decision is not None
    assert facts is not None  # Assess comes first
    if facts.ambiguous:
        return Refusal("body_invalid", 400, f"The body can be read in two ways: {facts.ambiguous}.", "body.ambiguous", final=True)
    asked = _read(plain)
    context = _context(trail, asked, plain)
    parts = parts_of(trail.policy, decision.perturbations)
    if not parts or (facts.operation == "opaque" and context.dialect == facts.dialect and trail.route not in ROUTES):
        return trail
    changes: dict[str, Any] = {}
    told: list[str] = []
    for part in parts if trail.body is not None and asked else ():
        fresh = part.craft.request({**asked, **changes}, context, part.options)
        told += [f"{part.name}.{member}" for member in fresh]
        changes |= fresh
    altering = Altering(context, parts, is_free(asked), tuple(told))
    if not changes:
        return replace(trail, altering=altering)
    trail = _with_members(replace(trail, altering=altering), plain, changes, "perturbed")
    body = trail.body or b""
    bounded = trail.dialect.parse(body, length=len(body)).estimate
    return replace(trail, facts=replace(facts, estimate=replace(facts.estimate, output=min(facts.estimate.output, bounded.output))))


def _unsealed(trail: Trail, plain: bytes) -> Trail | Refusal:
    if trail.body is None or trail.caller is None:
        return trail
    asked = _read(plain)
    try:
        changes = opened(asked, _context(trail, asked, plain))
    except BadRequest as error:
        return Refusal("body_invalid", error.status, str(error), "reasoning.foreign", code=error.code, param=error.param, final=True)
    return _with_members(trail, plain, changes, "opened") if changes else trail


def _with_members(trail: Trail, plain: bytes, changes: Mapping[str, Any], note: str) -> Trail:
    """The trail with other members in the body, upon what was changed of it before."""
    assert trail.body is not None
    body = trail.body if trail.changed else plain
    decoded = trail.decoded if trail.changed else trail.body is not plain
    told = {name: None if value is None else written(value) for name, value in changes.items()}
    return replace(trail, body=edit_members(body, told), decoded=decoded, changed=(*trail.changed, note))


def parts_of(policy: Policy, wanted: Iterable[str]) -> tuple[Part, ...]:
    """The perturbations of these names that there are, each with its options. A name that the plan alone knows does nothing yet."""
    made = set(names("perturbations"))
    parts = []
    for name in dict.fromkeys(wanted):
        if name in made:
            craft = resolve("perturbations", name)
            parts.append(Part(name, craft, policy.response.get(name) or craft.options()))
    return tuple(parts)


def _context(trail: Trail, asked: Mapping[str, Any], plain: bytes) -> Context:
    caller, facts = trail.caller, trail.facts
    assert caller is not None  # Identify comes first
    assert facts is not None
    dialect = next((name for start, name in _STORED.items() if trail.route.startswith(start)), facts.dialect)
    return Context(
        secret=derived(trail.seed, "perturbations"),
        key_id=caller.key_id,
        account=caller.account,
        epoch=trail.arrival.at_us // trail.policy.epoch_us,
        dialect=dialect,
        model=facts.model,
        digest=hashlib.sha256(plain).digest(),
        at_us=trail.arrival.at_us,
        stream=facts.stream,
        asked=asked,
        route=trail.route,
    )


def _read(plain: bytes) -> Document:
    try:
        return read_document(plain) if plain else {}
    except (ValueError, RecursionError):
        return {}
