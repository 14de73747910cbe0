"""Sections of a policy file: who calls (`callers`) and what they may use (`tiers`)."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, WithJsonSchema

from gateway.model.limit import LostMode, Priority, Subject, WhenSpent
from gateway.policy.fields import (
    Adaptive,
    Amount,
    Duration,
    Fingerprint,
    Glob,
    Id,
    Net,
    OneOrMore,
    Rate,
    Route,
    Section,
    Share,
    Weight,
    Zone,
)

__all__ = ["CallerBlock", "FeatureBlock", "LimitBlock", "MatchBlock", "TierBlock"]


class MatchBlock(Section):
    """All fields given must hold; `{}` matches everyone."""

    key: Fingerprint | None = Field(
        default=None, description="Fingerprint of a key, `fp:` and at least 8 digits; never the key itself."
    )
    account: Glob | None = Field(default=None, description="Account, as a glob. A caller without an account is its own.")
    tag: Glob | None = Field(default=None, description="One of the caller's tags, as a glob.")
    tier: Glob | None = Field(default=None, description="The tier that the key or a trusted proxy names, as a glob.")
    peer: Net | None = Field(default=None, description="Network of the peer's address. IPv6 peers are grouped by /64.")
    source: Literal["issued", "client", "asserted"] | None = Field(
        default=None, description="How the caller is known: by a key of ours, by a key of its own, or by a trusted proxy."
    )
    attributes: dict[str, Glob] = Field(default={}, description="Attributes that a trusted proxy asserts: name to glob.")


class CallerBlock(Section):
    """A rule on who is who. The first that matches wins."""

    id: Id = Field(description="Name of the rule; stands in every record.")
    match: MatchBlock = Field(description="Whom the rule is for.")
    tier: Id = Field(description="Tier of these callers; `own` for the one that the key itself names, where the policy has it.")


def _logprobs(value: Any) -> Any:
    if value in ("none", "deny") and isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 1000:
        return value
    raise ValueError("write how many alternatives are allowed (0 for the chosen token only), `none` to strip them, or `deny` to refuse")


def _bias(value: Any) -> Any:
    if value in ("allow", "deny", "strip") and isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, (int, float)) and not isinstance(item, bool) for item in value) and value:
        return value
    raise ValueError("write `allow`, `deny` (refuse), `strip` (remove), or the list of values it may hold, like [-100]")


Logprobs = Annotated[
    Any,
    AfterValidator(_logprobs),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0, "maximum": 1000}, {"enum": ["none", "deny"]}]}),
]
Bias = Annotated[
    Any,
    AfterValidator(_bias),
    WithJsonSchema({"anyOf": [{"enum": ["allow", "deny", "strip"]}, {"type": "array", "items": {"type": "number"}, "minItems": 1}]}),
]


class FeatureBlock(Section):
    """Caps on request features. Absent: no cap. Over a cap the request is clipped, or refused where `deny` says so."""

    logprobs: Logprobs = Field(
        default=None,
        description="Most alternatives per token (0: the chosen token only), `none` to strip logprobs, `deny` to refuse them.",
        validate_default=False,
    )
    logit_bias: Bias = Field(
        default="allow",
        description="`allow`, `deny`, `strip`, or the list of values it may hold: `[-100]` bans tokens and no more, and only where no "
        "log probabilities are told.",
    )
    choices: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        default=None, description="Most answers per request (`n`, times `best_of`)."
    )
    max_output: Amount | None = Field(default=None, description="Most output tokens that a request may ask for.")
    deny: list[Literal["logprobs", "logit_bias", "choices", "max_output"]] = Field(
        default=[], description="Caps that refuse instead of clipping."
    )


_SUBJECT = {"enum": list(get_args(Subject))}


class LimitBlock(Section):
    """One limit. A request takes all limits of its tier or none."""

    id: Id = Field(description="Name of the limit, unique in the file; with its kind and subject it names the counter.")
    count: Literal[
        "requests", "tokens", "input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens", "money", "bytes", "concurrent"
    ] = Field(
        description="What is counted. Cached input and reasoning are parts of input and output; `money` is what `prices` make of all."
    )
    per: Annotated[
        list[Subject],
        Field(min_length=1),
        OneOrMore,
        WithJsonSchema({"anyOf": [_SUBJECT, {"type": "array", "items": _SUBJECT, "minItems": 1}]}),
    ] = Field(description="Who shares the limit: a subject or a combination of them, like `[account, model]`.")
    rate: Rate | None = Field(
        default=None,
        description="Amount and window, like `20/minute`, `600 per 5 minutes`, `2000/month` or `20000000/lifetime`; not with "
        "`concurrent`. Of money in units of the currency, like `0.50/day`.",
    )
    at_once: Amount | None = Field(default=None, description="How many at once; only with `concurrent`.")
    window: Literal["sliding", "bucket", "calendar", "lifetime"] | None = Field(
        default=None,
        description="`sliding`: at most the amount in any window. `bucket`: drains evenly, lets `burst` through at once. `calendar`: "
        "at most the amount from midnight to midnight, in a week from Monday on, or in a month. `lifetime`: at most the amount, for "
        "ever. Default: what the rate says, else `sliding`; a day is `calendar` only where it is written.",
    )
    zone: Zone | None = Field(default=None, description="Time zone of a calendar window; default UTC.")
    burst: Amount | None = Field(default=None, description="Depth of a bucket; default: the rate's amount.")
    multipliers: dict[Glob, Weight] = Field(
        default={},
        description="Glob of models to what a request or token of theirs counts, like `{ big-*: 3, small-*: 0.5 }`; the first that "
        "fits holds, and others count once. Only on requests and tokens.",
    )
    lease: Duration | None = Field(
        default=None, description="When a slot of `concurrent` frees itself if nobody does; default 15m. Streams renew it."
    )
    shadow: bool = Field(default=False, description="Counted and recorded, never refused by.")
    when_state_is_lost: LostMode | None = Field(default=None, description="As in the policy, for this limit alone.")
    share_when_lost: Share | None = Field(default=None, description="As in the policy, for this limit alone.")
    when_spent: WhenSpent | None = Field(default=None, description="As in the tier, for this limit alone.")
    shared: Literal["exact", "leased"] = Field(
        default="exact",
        description="With a shared state: `exact` asks the store with each take; `leased` lets each process lease parts of the limit "
        "in advance, which relieves a busy counter. Never above the limit; up to an eighth of it may lie idle in a process for up to "
        "two seconds. On a Redis Cluster limits that span accounts are always leased.",
    )
    adaptive: Adaptive | None = Field(
        default=None,
        description="Only with `concurrent`: each process finds by `gradient` or `aimd` how many of these the upstream serves at once "
        "and lets the rest wait; `at_once` is the ceiling.",
    )
    priority: Priority | None = Field(
        default=None,
        description="Class of the requests that this limit is for, should they have to wait for an upstream; of several the last in "
        "the order `high`, `normal`, `low`, `batch`.",
    )


class TierBlock(Section):
    """What a group of callers may use."""

    models: list[Glob] = Field(description="Globs of model names; empty allows none.")
    limits: list[LimitBlock] = Field(default=[], description="A request takes all of these or none.")
    when_spent: WhenSpent = Field(
        default="continue",
        description="What becomes of a stream that needs more than is left of a limit on tokens, output_tokens or money. `continue`: "
        "it goes on and leaves a debt. `finish`: it ends there as an answer that ran into its own length, with the usage and the "
        "events that the client's library expects; it holds a part at first and more as it goes, whatever bound the client sets.",
    )
    features: FeatureBlock = Field(default=FeatureBlock(), description="Caps on request features.")
    routes: list[Route] = Field(
        default=[],
        description="Further routes that this gateway does not parse (files, batches, audio), open with the gateway's own credentials.",
    )
    always: list[str] = Field(
        default=[],
        description="Perturbations of every answer of this tier, whatever the caller's rung, where your terms say so; `[fingerprint]` "
        "marks them all.",
    )
    priority: Priority = Field(
        default="normal",
        description="Class of the tier's requests where they wait for an upstream: they get places in the ratio 16 `high`, 8 `normal`, "
        "4 `low`, 1 `batch`, by turns between callers; `batch` leaves an eighth of the places free.",
    )
