"""Section of a policy file: `prices`, what tokens cost, model by model."""

from __future__ import annotations

from pydantic import Field

from gateway.policy.fields import PerMillion, Section

__all__ = ["PriceBlock"]


class PriceBlock(Section):
    """What a million tokens of a model cost, in units of `currency`. A request's cost is summed exactly and rounded up once, to a
    millionth of a unit."""

    input: PerMillion = Field(description="Input tokens.")
    output: PerMillion = Field(description="Output tokens.")
    cached_input: PerMillion = Field(
        default=None, validate_default=False, description="Input tokens that were read from a cache; absent: as `input`."
    )
    reasoning: PerMillion = Field(default=None, validate_default=False, description="Output tokens of reasoning; absent: as `output`.")
