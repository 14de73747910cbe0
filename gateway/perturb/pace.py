"""An even pace: an answer goes out in helpings of one size at fixed times, so that its rhythm says nothing of the model.

What is decided here is the size and the time; the waiting is the door's.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.perturb.base import Craft, Options, Pace

__all__ = ["PERTURBATION", "PaceOptions"]


class PaceOptions(Options):
    """An even pace."""

    tokens_per_second: Annotated[int, Field(ge=1, le=10_000)] = Field(default=20, description="Tokens a second.")
    every: Annotated[float, Field(ge=0.02, le=5)] = Field(default=0.25, description="Seconds from one helping to the next.")


class _Pace(Craft):
    name = "pace"
    version = "1"
    options = PaceOptions

    def pace(self, options: PaceOptions) -> Pace | None:
        return Pace(options.tokens_per_second, int(options.every * 1e6))


PERTURBATION = _Pace()
