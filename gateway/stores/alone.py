"""Evidence and campaigns of an embedded deployment: one process, so that nobody need be told. Campaigns are kept for its restart.

Verdicts are kept by the journal. What people ask for is read from the file, so that a command beside the gateway sees the same.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.model.evidence import NO_VERDICT, Verdict
from gateway.ports import Kept, News, Offer
from gateway.risk.judged import Judged
from gateway.stores.database import Database

__all__ = ["AloneEvidence", "SqliteRisk"]

_VERDICT = msgspec.json.Decoder(Verdict)
_JUDGED = msgspec.json.Decoder(Judged)
_RANKED = "SELECT key_id, spec FROM verdicts {} ORDER BY json_extract(CAST(spec AS TEXT), '$.score') DESC, place DESC LIMIT ?"
_OF_CAMPAIGN = "WHERE json_extract(CAST(spec AS TEXT), '$.campaign') = ?"


class AloneEvidence:
    """EvidenceStore where there are no others."""

    local = True

    def __init__(self, database: Database) -> None:
        self._database = database

    async def offer(self, offers: Sequence[Offer], kept_us: int) -> list[Kept | None]:
        """See `ports.EvidenceStore`. Nobody else writes."""
        return [None] * len(offers)

    async def fetch(self, key_ids: Sequence[str]) -> dict[str, Kept]:
        """See `ports.EvidenceStore`."""
        return {}

    async def tell(self, verdicts: Sequence[tuple[str, Verdict]], kept_us: int) -> None:
        """See `ports.EvidenceStore`."""

    async def news(self) -> News:
        """The campaigns that an earlier process left."""
        return News([], await SqliteRisk(self._database).campaigns(), whole=True)

    async def lead(self) -> bool:
        """See `ports.EvidenceStore`."""
        return True

    async def give(self, looks: Sequence[bytes]) -> None:
        """See `ports.EvidenceStore`."""

    async def given(self) -> list[bytes]:
        """See `ports.EvidenceStore`."""
        return []

    async def publish(self, campaigns: Sequence[Judged], kept_us: int) -> None:
        """See `ports.EvidenceStore`."""
        rows = [(one.campaign.id, place, msgspec.json.encode(one)) for place, one in enumerate(campaigns)]

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM campaigns")
            connection.executemany("INSERT INTO campaigns VALUES (?, ?, ?)", rows)

        await self._database.run(work)


class SqliteRisk:
    """RiskStore, as the gateway wrote it down last."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def verdict(self, key_id: str) -> Verdict:
        """See `ports.RiskStore`."""
        rows = await self._rows("SELECT spec FROM verdicts WHERE key_id = ?", key_id)
        return _VERDICT.decode(rows[0][0]) if rows else NO_VERDICT

    async def ranked(self, limit: int, campaign: str | None = None) -> list[tuple[str, Verdict]]:
        """See `ports.RiskStore`."""
        which = (_RANKED.format(""), limit) if campaign is None else (_RANKED.format(_OF_CAMPAIGN), campaign, limit)
        return [(key_id, _VERDICT.decode(spec)) for key_id, spec in await self._rows(*which)]

    async def campaign(self, id: str) -> Judged | None:
        """See `ports.RiskStore`."""
        rows = await self._rows("SELECT spec FROM campaigns WHERE id = ?", id)
        return _JUDGED.decode(rows[0][0]) if rows else None

    async def campaigns(self) -> list[Judged]:
        """See `ports.RiskStore`."""
        return [_JUDGED.decode(spec) for (spec,) in await self._rows("SELECT spec FROM campaigns ORDER BY place")]

    async def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return await self._database.run(lambda connection: connection.execute(query, values).fetchall())
