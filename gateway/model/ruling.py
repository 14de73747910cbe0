"""What a person has decided about a caller: that it was a false alarm, or that the suspicion was right."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

__all__ = ["LONGEST_WHY", "Finding", "Ruling"]

Finding = Literal["cleared", "confirmed"]

LONGEST_WHY = 1_000
"""Characters of a reason; of a name a tenth of it."""


class Ruling(Struct, frozen=True):
    """One decision of one person. The last on a caller stands.

    `cleared`: nothing that was seen of the caller up to `at_us` (Unix microseconds) counts any more; what it does from then on does.
    `confirmed`: the caller stays flagged, whatever fades, until it is cleared.
    """

    key_id: str
    finding: Finding
    at_us: int
    by: str
    why: str
