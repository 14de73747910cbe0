"""What opening a state gives: every store of one deployment, and the secret that they agree on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.ports import EvidenceStore, HistoryStore, HoldStore, KeyStore, Meter, OwnerStore, RiskStore, RulingStore

__all__ = ["Opened"]


def _unmeasured(meter: Meter) -> None:
    """Nothing here is counted."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The stores behind one `--state`. `degraded` gives out this process's own share while `holds` is lost; `close` ends them all;
    `measure` says where the stores count what befalls them."""

    keys: KeyStore
    holds: HoldStore
    degraded: HoldStore
    verdicts: HistoryStore
    owners: OwnerStore
    rulings: RulingStore
    risk: RiskStore
    evidence: EvidenceStore
    secret: bytes
    close: Callable[[], Awaitable[None]]
    measure: Callable[[Meter], None] = _unmeasured

    async def aclose(self) -> None:
        """Close every store and give the lock back."""
        await self.close()
