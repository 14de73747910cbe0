"""A lifetime budget: what was ever charged, plus what is wanted, is at most the amount. It is never whole again by itself.

The counter is never as good as unused while anything stands on it, so it lasts as long as the store does: without expiry in Redis
(which must not be set to evict such keys), in memory until the process ends or more counters than its capacity push it out.
"""

from __future__ import annotations

from typing import Any

from gateway.model.limit import Claim, LimitState
from gateway.quota.window import stated

__all__ = ["LIFETIME", "LifetimeBudget"]


class LifetimeBudget:
    """See `WindowKind`. The state is what was charged; marks mean nothing here."""

    empty = 0

    def idle(self, state: int) -> bool:
        return state <= 0

    def aged(self, state: int, claim: Claim, now: int) -> int:
        return state

    def fits(self, state: int, claim: Claim) -> bool:
        return state + claim.want <= claim.amount

    def charge(self, state: int, claim: Claim, hold_id: str, now: int) -> tuple[int, int]:
        return state + claim.want, 0

    def settle(self, state: int, claim: Claim, hold_id: str, want: int, mark: int, true: int, now: int) -> int:
        return max(0, state + true - want)

    def renew(self, state: int, claim: Claim, hold_id: str, mark: int, now: int) -> tuple[int, int]:
        return state, mark

    def read(self, state: int, claim: Claim, fitted: bool, now: int) -> LimitState:
        return stated(claim, fitted=fitted, used=state, reset_us=-1 if state else 0, retry_us=-1)

    def lasting(self, claim: Claim) -> bool:
        return True

    def dump(self, state: int) -> list[Any]:
        return [state]

    def load(self, plain: Any) -> int:
        (used,) = plain
        return int(used)


LIFETIME = LifetimeBudget()
