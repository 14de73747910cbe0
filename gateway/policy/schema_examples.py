"""Section of a policy file: `tests`, examples that `gateway policy test` holds the policy to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.policy.fields import Decibans, Fingerprint, Names, Section

__all__ = ["ExpectBlock", "GivenBlock", "ExampleBlock"]

_Count = Annotated[int, Field(ge=0, le=2**53)]


class GivenBlock(Section):
    """Who asks for what. Absent: a key of ours that no rule knows by name, asking a chat model with nothing used yet."""

    key: Fingerprint | None = Field(default=None, description="Fingerprint of the caller's key.")
    account: str | None = Field(default=None, description="Its account.")
    tag: Names = Field(default=[], description="Its tag, or several.")
    tier: str | None = Field(default=None, description="The tier that the key names.")
    peer: str = Field(default="", description="The peer's address.")
    source: Literal["issued", "client", "asserted"] = Field(default="issued", description="How the caller is known.")
    attributes: dict[str, str] = Field(default={}, description="Attributes that a trusted proxy asserts.")
    evidence: dict[str, Decibans] = Field(default={}, description="Signal to its weight in decibans.")
    used: dict[str, _Count] = Field(default={}, description="Limit to what is used of it already, in the units of its rate.")
    limits: dict[str, _Count] = Field(default={}, description="Limit to the amount that the key itself has of it.")
    model: str | None = Field(default=None, description="Model asked for; absent: one that the tier allows.")
    route: str | None = Field(default=None, description="`METHOD /path` of a request that no dialect parses.")
    logprobs: Annotated[int, Field(ge=-1, le=1000)] = Field(default=-1, description="Alternatives asked for; -1 none.")
    logit_bias: list[float] = Field(default=[], description="Bias values asked for.")
    choices: Annotated[int, Field(ge=1, le=1000)] = Field(default=1, description="Answers asked for.")
    max_output: _Count | None = Field(default=None, description="Output bound asked for.")
    input_tokens: _Count = Field(default=1, description="Size of the prompt.")


class ExpectBlock(Section):
    """What must come of it. Only what is written is compared."""

    rung: str | None = Field(default=None, description="Rung that acts.")
    action: Literal["allow", "watch", "throttle", "perturb", "challenge", "refuse"] | None = Field(
        default=None, description="What is done; `refuse` also where a limit or the tier refuses."
    )
    intended: Literal["allow", "watch", "throttle", "perturb", "challenge", "refuse"] | None = Field(
        default=None, description="The ladder's action before shadow."
    )
    reason: str | None = Field(default=None, description="Stable reason code, like `limit.free-rpm` or `model.denied`.")
    with_: list[str] | None = Field(default=None, alias="with", description="Perturbations of the rung that acts.")
    observed: Decibans | None = Field(default=None, description="Sum of all evidence, watched signals included.")
    rule: str | None = Field(default=None, description="Caller rule that matched.")
    tier: str | None = Field(default=None, description="Tier it gave.")
    shadowed: list[str] | None = Field(default=None, description="What would have acted but for shadow.")
    unchanged: list[str] | None = Field(default=None, description="Limits of which nothing was used by this request.")
    hostile: dict[str, float] | None = Field(default=None, description="Of a replay: bars for hostile callers.")
    honest: dict[str, float] | None = Field(default=None, description="Of a replay: bars for honest callers.")


class ExampleBlock(Section):
    """One example: `given` and `expect`, or a recorded trace to replay."""

    name: str = Field(min_length=1, max_length=200, description="What is to hold, as a sentence.")
    given: GivenBlock | None = Field(default=None, description="Who asks for what.")
    replay: str | None = Field(default=None, max_length=512, description="A recorded trace, judged by `gateway replay`.")
    expect: ExpectBlock = Field(description="What must come of it.")
