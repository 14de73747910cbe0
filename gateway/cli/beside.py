"""How commands open the state: beside the gateways that may be serving on it, taking nothing away from them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

from gateway.model.caller import KeyRecord
from gateway.settings import deployment_secret, state_opener
from gateway.stores.opened import Opened

__all__ = ["WallClock", "beside", "issued"]


class WallClock:
    """Unix microseconds of this machine."""

    def now(self) -> int:
        """See `ports.Clock`."""
        return time.time_ns() // 1000


@contextlib.asynccontextmanager
async def beside(state: str, data: Path) -> AsyncIterator[Opened]:
    """The stores of `--state` and `--data`, closed at the end. SettingsError where they cannot be opened."""
    opened: Opened = await state_opener(state)(state, data, secret=deployment_secret(), clock=WallClock(), exclusive=False)
    try:
        yield opened
    finally:
        await opened.aclose()


async def issued(state: str, data: Path) -> dict[str, KeyRecord]:
    """Every key in the state, by its id."""
    async with beside(state, data) as opened:
        return {record.key_id: record for record in await opened.keys.list()}
