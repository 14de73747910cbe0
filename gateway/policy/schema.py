"""The policy file's schema, strict at the edge: what is not written here is an error with its place and the nearest known word.

The file is read into these models and compiled at once (`compile.py`) into the frozen values that the engine runs on;
nothing else ever sees a model. Relations between sections (unique names, tiers that exist) are `checks.py`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.model.limit import LostMode
from gateway.model.policy import Credentials, Mode, UsageMode
from gateway.policy.fields import Currency, Glob, Id, Net, Section, Share, Version
from gateway.policy.schema_examples import ExampleBlock
from gateway.policy.schema_judging import ResponseBlock, RungBlock, SignalsBlock, StepDownBlock
from gateway.policy.schema_prices import PriceBlock
from gateway.policy.schema_running import AuditBlock, DoorBlock, UpstreamBlock
from gateway.policy.schema_tiers import CallerBlock, TierBlock

__all__ = ["SCHEMA_ID", "Document"]

SCHEMA_ID = "gateway.policy/v1"


class Document(Section):
    """A policy: who calls, what they may use, what is watched for, what is done about it, and proof."""

    schema_: Literal["gateway.policy/v1"] = Field(alias="schema", description="Version of this format.")
    name: Id = Field(description="Name of the policy; `name@version#digest` stands in every record.")
    version: Version = Field(description="Version of the policy, as text.")
    owner: str = Field(default="", max_length=200, description="Whom to ask about it.")
    mode: Mode = Field(default="enforce", description="`enforce`, `shadow` (decide and record, never act) or `off`.")
    when_state_is_lost: LostMode = Field(
        default="refuse",
        description="When the shared state does not answer: `allow`, `degrade` (each process gives out its share) or `refuse`.",
    )
    share_when_lost: Share = Field(
        default=0.5, description="Under `degrade`: the share of each limit that one process gives out alone."
    )
    credentials: Credentials = Field(
        default="issued",
        description="`issued` keys, the `client`'s own (any key is its own caller and goes upstream unchanged), or `both`.",
    )
    usage: UsageMode = Field(
        default="ask",
        description="`ask` upstreams that support it for token counts and hide the asking, or `count` and change no body.",
    )
    trusted_proxies: list[Net] = Field(
        default=[], description="Networks whose Forwarded, X-Forwarded-For and identity headers are believed."
    )
    callers: Annotated[list[CallerBlock], Field(min_length=1)] = Field(description="Who is who; the first rule that matches wins.")
    tiers: Annotated[dict[Id, TierBlock], Field(min_length=1)] = Field(description="What callers may use, by tier.")
    currency: Currency = Field(default="USD", description="What money is counted in; a name, nothing is converted.")
    prices: dict[Glob, PriceBlock] = Field(
        default={},
        description="Glob of models to what their tokens cost; the first that fits holds. Where `money` is limited, a model without a "
        "price is refused.",
    )
    signals: SignalsBlock | None = Field(default=None, description="What is watched for; absent: every shipped signal, watched.")
    ladder: list[RungBlock] | None = Field(default=None, description="What is done about it; absent: everything is allowed.")
    step_down: StepDownBlock = Field(default=StepDownBlock(), description="How callers come down the ladder.")
    response: ResponseBlock | None = Field(default=None, description="What each perturbation does.")
    upstreams: list[UpstreamBlock] = Field(default=[], description="Model endpoints; `--upstream` stands in their place.")
    door: DoorBlock = Field(default=DoorBlock(), description="The guard per peer, and the largest bodies.")
    audit: AuditBlock = Field(default=AuditBlock(), description="How decisions are kept.")
    tests: list[ExampleBlock] = Field(default=[], description="Examples that `gateway policy test` holds the policy to.")
