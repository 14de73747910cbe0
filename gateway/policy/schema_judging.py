"""Sections of a policy file: what is watched for (`signals`), what is done about it (`ladder`, `step_down`, `response`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, create_model, field_validator, model_validator

from gateway.model.policy import Level
from gateway.policy.fields import Decibans, Duration, Id, Section, Share, Size, UntilDate, Url
from gateway.policy.units import duration_us
from gateway.registry import names, resolve

__all__ = ["EPOCH", "ChallengeBlock", "ExemptionBlock", "ResponseBlock", "RungBlock", "SignalBlock", "SignalsBlock", "StepDownBlock"]


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


class _Fingerprint(Section):
    strength: Share = Field(default=0.8, description="How often the caller's own variant is chosen.")


class ChallengeBlock(Section):
    """What is asked of callers on a rung that does `challenge`, and of a small share of all."""

    kind: Literal["proof_of_work", "verify"] = Field(
        default="proof_of_work", description="Work to be shown, or a `link` to go to: the operator verifies and hands out a grace."
    )
    seconds: Annotated[float, Field(gt=0, le=600)] = Field(default=2.0, description="Work of an ordinary machine, at least.")
    most: Annotated[int, Field(ge=1, le=1024)] = Field(
        default=16, description="Up to how many times as much, doubled for each 5 decibans above the rung."
    )
    valid: Duration = Field(default="10m", description="Within which time the solution must come.")
    share: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.001, description="Share of everybody's requests that meets one, so that it proves nothing."
    )
    link: Url | None = Field(default=None, description="Of `verify`: where the caller is verified.")

    @model_validator(mode="after")
    def _with_a_link(self) -> Self:
        if self.kind == "verify" and self.link is None:
            raise ValueError("`kind: verify` needs `link`, the address where callers are verified")
        return self


EPOCH = "30d"
"""How long a caller's variants stay the same unless the policy says otherwise."""


class _Response(Section):
    """What each perturbation does. A section that is absent has its defaults; what is not named in `with` or `always` does nothing."""

    epoch: Duration = Field(default=EPOCH, description="How long a caller's secret variants stay the same; at least a day.")
    challenge: ChallengeBlock | None = Field(default=None, description="Work to be shown before a request is let through.")

    @field_validator("epoch")
    @classmethod
    def _long_enough(cls, text: str) -> str:
        if duration_us(text) < 86_400_000_000:
            raise ValueError("write at least 1d: a mark that changes faster cannot be read")
        return text


_PLANNED: dict[str, type[BaseModel]] = {"fingerprint": _Fingerprint}
"""Sections that are checked while their perturbation is not there yet."""


def _sections() -> dict[str, Any]:
    """A field for each perturbation, of its own options model, with its docstring."""
    models = _PLANNED | {name: resolve("perturbations", name).options for name in names("perturbations")}
    return {name: (model | None, Field(default=None, description=_first_line(model))) for name, model in models.items()}


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "Its options.").strip().partition("\n")[0]


if TYPE_CHECKING:
    ResponseBlock = _Response
else:
    ResponseBlock = create_model("ResponseBlock", __base__=_Response, __doc__=_Response.__doc__, **_sections())
