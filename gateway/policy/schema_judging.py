"""Sections of a policy file: what is watched for (`signals`), what is done about it (`ladder`, `step_down`, `response`)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from gateway.model.policy import Level
from gateway.policy.fields import Amount, Decibans, Duration, Id, Section, Share, Size, UntilDate

__all__ = ["ExemptionBlock", "ResponseBlock", "RungBlock", "SignalBlock", "SignalsBlock", "StepDownBlock"]


class SignalBlock(Section):
    """How far one signal counts."""

    level: Level = Field(default="watch", description="`off`, `watch` (recorded, never acted on) or `enforce`.")
    cap: Decibans | None = Field(
        default=None, description="Most decibans that this signal alone may add; absent, what the signal says of itself."
    )


class ExemptionBlock(Section):
    """Signals that do not count for the callers of one rule, until a date."""

    id: Id = Field(description="Name of the exemption.")
    caller: Id = Field(description="Id of the caller rule it is for.")
    signals: list[str] = Field(min_length=1, description="Signals that do not count.")
    until: UntilDate = Field(description="First day on which they count again (UTC).")
    why: str = Field(min_length=1, max_length=500, description="Who decided it and why.")


class SignalsBlock(Section):
    """What is watched for. Beside the fields here, each signal's name holds its block."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)
    __pydantic_extra__: dict[str, SignalBlock]

    baseline: str | None = Field(
        default=None,
        min_length=1,
        max_length=512,
        description="File of `gateway calibrate`, by its path from this one; absent, the one that ships.",
    )
    memory: Size = Field(
        default="64MB", description="For what is remembered of callers, the least interesting forgotten. Read at start."
    )
    half_life: Duration = Field(default="3d", description="When old evidence counts half.")
    kinds_needed: Annotated[int, Field(ge=1, le=5)] = Field(
        default=2, description="Kinds of evidence needed before a rung from `perturb` on is reached."
    )
    exemptions: list[ExemptionBlock] = Field(default=[], description="Whom signals do not count for, until when and why.")


class RungBlock(Section):
    """One rung of the ladder."""

    id: Id = Field(description="Name of the rung; stands in records as the reason.")
    at: Decibans = Field(description="From how many decibans on.")
    do: Literal["allow", "watch", "throttle", "perturb", "challenge", "refuse"] = Field(description="What is done.")
    share: Share | None = Field(
        default=None, description="Under `throttle` and above: what is left of each limit, of turns, and of the answers' pace."
    )
    with_: list[str] = Field(default=[], alias="with", description="Perturbations, from `perturb` on.")
    shadow: bool = Field(default=False, description="Recorded as intended; the highest rung below acts.")


class StepDownBlock(Section):
    """How a caller comes down again."""

    by: Decibans = Field(default=0.0, description="How far below a rung the score must fall.")
    after: Duration = Field(default="0s", description="For how long the highest score counts.")


class _Logprobs(Section):
    keep: Annotated[int, Field(ge=0, le=20)] = Field(default=1, description="Alternatives kept.")
    round: Annotated[float, Field(gt=0, le=10)] | None = Field(default=None, description="Rounded to multiples of this.")


class _Reasoning(Section):
    do: Literal["withhold", "summarise", "bind"] = Field(default="withhold", description="What becomes of reasoning.")


class _Fingerprint(Section):
    strength: Share = Field(default=0.8, description="How often the caller's own variant is chosen.")


class _Pace(Section):
    tokens_per_second: Amount = Field(default=20, description="Tokens a second.")


class _Challenge(Section):
    kind: Literal["proof_of_work"] = Field(default="proof_of_work", description="What is asked.")
    seconds: Annotated[float, Field(gt=0, le=600)] = Field(default=2.0, description="Work of an ordinary machine.")
    valid: Duration = Field(default="10m", description="How long a solution holds.")


class ResponseBlock(Section):
    """What each perturbation does. Checked, and not acted on by this version."""

    logprobs: _Logprobs | None = Field(default=None, description="Blurred token probabilities.")
    reasoning: _Reasoning | None = Field(default=None, description="Withheld, summarised or bound reasoning.")
    fingerprint: _Fingerprint | None = Field(default=None, description="The caller's own wording.")
    pace: _Pace | None = Field(default=None, description="An even pace.")
    challenge: _Challenge | None = Field(default=None, description="Work to be shown.")
