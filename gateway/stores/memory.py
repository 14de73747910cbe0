"""Opens the embedded state: quota and verdicts in this process's memory, keys, secret and owners in `gateway.db` under `--data`."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

from gateway.errors import SettingsError
from gateway.ports import Clock
from gateway.stores.database import Database, private_folder
from gateway.stores.degraded import DegradedHolds
from gateway.stores.lock import FolderLock
from gateway.stores.memory_holds import MemoryHolds
from gateway.stores.opened import Opened
from gateway.stores.sqlite import SqliteKeys, SqliteOwners
from gateway.stores.verdicts import MemoryVerdicts

__all__ = ["open_memory"]


async def open_memory(state: str, data: Path, *, secret: bytes | None, clock: Clock, exclusive: bool) -> Opened:
    """Open `--state memory`. `exclusive` for a process that serves: it alone may, commands beside it pass False.

    SettingsError when the folder is in use, cannot be used, or was made with another secret.
    """
    if state != "memory":
        raise SettingsError(f"--state {state} is unknown: say memory, or redis://HOST:PORT/DB")
    private_folder(data)
    async with AsyncExitStack() as stack:
        if exclusive:
            stack.callback(FolderLock(data).release)
        database = await Database.open(data / "gateway.db")
        stack.push_async_callback(database.aclose)
        keys = SqliteKeys(database)
        return Opened(
            keys=keys,
            holds=MemoryHolds(clock),
            degraded=DegradedHolds(MemoryHolds(clock)),
            verdicts=MemoryVerdicts(),
            owners=SqliteOwners(database),
            secret=await keys.secret(secret),
            close=stack.pop_all().aclose,
        )
