"""A campaign with the verdict on it: what whoever links tells the other processes, and what is kept of it."""

from __future__ import annotations

from msgspec import Struct

from gateway.model.evidence import Verdict
from gateway.risk.links import Campaign

__all__ = ["Judged"]


class Judged(Struct, frozen=True):
    """`verdict` is the campaign's, as one caller's, as of its `at_us`: the last time that it was looked for and found."""

    campaign: Campaign
    verdict: Verdict
