"""Opens the embedded state: quota and verdicts in this process's memory, and one SQLite file for what must outlive it.

`--state memory` keeps `gateway.db` under `--data`; `--state sqlite:FILE` the same in a file of your choice. There are the keys, the
secret and the owners of stored objects, each written before it is answered, and behind the memory the counters of windows of ten
seconds and more and the standing verdicts: see `journal` for what a killed process can lose.

Counters take up again where they stood. The clock says how much of a window has passed meanwhile; one that was set back since says
that nothing has, and one that was set forward that more has: it is believed, as a stopped process has no other.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

from gateway.errors import SettingsError
from gateway.ports import Clock
from gateway.stores.alone import AloneEvidence, SqliteRisk
from gateway.stores.beside import HoldsBeside
from gateway.stores.database import Database, private_folder
from gateway.stores.degraded import DegradedHolds
from gateway.stores.journal import Changes, Journal
from gateway.stores.lock import FolderLock
from gateway.stores.memory_holds import MemoryHolds
from gateway.stores.opened import Opened
from gateway.stores.sqlite import SqliteKeys, SqliteOwners
from gateway.stores.sqlite_rulings import SqliteRulings
from gateway.stores.verdicts import MemoryVerdicts

__all__ = ["open_memory"]

_FILE = "gateway.db"


async def open_memory(state: str, data: Path, *, secret: bytes | None, clock: Clock, exclusive: bool) -> Opened:
    """Open `--state memory` or `--state sqlite:FILE`. `exclusive` for a process that serves: it alone may, and commands beside it
    pass False, which see what it wrote down last.

    SettingsError when the file is in use, cannot be used, or was made with another secret.
    """
    file = _file(state, data)
    private_folder(file.parent)
    async with AsyncExitStack() as stack:
        if exclusive:
            private_folder(data)
            stack.callback(FolderLock(file.parent, "lock" if file.name == _FILE else f"{file.name}.lock").release)
        database = await Database.open(file)
        stack.push_async_callback(database.aclose)
        keys = SqliteKeys(database)
        agreed = await keys.secret(secret)
        risk, evidence = SqliteRisk(database), AloneEvidence(database)
        owners, rulings, degraded = SqliteOwners(database), SqliteRulings(database), DegradedHolds(MemoryHolds(clock))
        if not exclusive:
            beside = HoldsBeside(database, clock)
            return Opened(keys, beside, degraded, MemoryVerdicts(), owners, rulings, risk, evidence, agreed, stack.pop_all().aclose)
        # A connection of its own: a long write of counters must not keep a key waiting.
        behind = await Database.open(file)
        stack.push_async_callback(behind.aclose)
        counters, judged = Changes(), Changes()
        holds, verdicts = MemoryHolds(clock, changed=counters.mark), MemoryVerdicts(changed=judged.mark)
        journal = Journal(behind, holds, verdicts, counters, judged)
        await journal.load()
        journal.start()
        stack.push_async_callback(journal.aclose)
        close = stack.pop_all().aclose
        return Opened(keys, holds, degraded, verdicts, owners, rulings, risk, evidence, agreed, close, journal.measure)


def _file(state: str, data: Path) -> Path:
    scheme, colon, file = state.partition(":")
    if scheme == "sqlite" and file.strip("/"):
        return Path(file).expanduser()
    if scheme == "memory" and not colon:
        return data / _FILE
    raise SettingsError(f"--state {state} is unknown: say memory, sqlite:FILE, or redis://HOST:PORT/DB")
