"""The memory of an embedded gateway with its file behind it, opened as often as a test restarts it."""

from __future__ import annotations

from gateway.stores.database import Database
from gateway.stores.journal import Changes, Journal
from gateway.stores.memory_holds import MemoryHolds
from gateway.stores.verdicts import MemoryVerdicts

__all__ = ["Embedded"]


class Embedded:
    """`await Embedded.open(file, clock)`: a process's hold store, verdicts and journal, which writes when it is told (`flush`).

    `die()` ends it as a kill does: nothing more is written.
    """

    def __init__(self, database, clock, options):
        counters, judged = Changes(), Changes()
        self.database = database
        self.holds = MemoryHolds(clock, changed=counters.mark, **options)
        self.verdicts = MemoryVerdicts(changed=judged.mark)
        self.counters = counters
        self.journal = Journal(database, self.holds, self.verdicts, counters, judged)

    @classmethod
    async def open(cls, file, clock, **options):
        made = cls(await Database.open(file), clock, options)
        await made.journal.load()
        return made

    async def flush(self):
        return await self.journal.flush()

    async def used(self, *claims):
        return [state.used for state in await self.holds.look(claims)]

    async def rows(self, table="counters"):
        return await self.database.run(lambda connection: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

    async def set(self, pragma):
        """A real fault of the file: `max_page_count=1` makes the disk full, `query_only=1` the file read-only."""
        await self.database.run(lambda connection: connection.execute(f"PRAGMA {pragma}").fetchone())

    async def die(self):
        await self.database.aclose()

    async def end(self):
        await self.journal.aclose()
        await self.database.aclose()
