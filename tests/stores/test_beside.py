"""A command beside a gateway sees what that one wrote down, and changes nothing."""

from __future__ import annotations

import pytest

from gateway.errors import StoreUnavailable
from gateway.model.limit import Amounts, Hold
from gateway.stores.beside import HoldsBeside
from gateway.stores.database import Database
from tests.support.embedded import Embedded
from tests.support.quota import MINUTE_US, HandClock, sliding, slots

HOURLY = sliding(1_000, 100, window_us=60 * MINUTE_US)
UNUSED = sliding(1_000, name="other", window_us=60 * MINUTE_US)


@pytest.fixture
async def both(tmp_path):
    """A serving process, and a command beside it on a connection of its own."""
    clock = HandClock()
    serving = await Embedded.open(tmp_path / "gateway.db", clock)
    database = await Database.open(tmp_path / "gateway.db")
    yield serving, HoldsBeside(database, clock)
    await serving.die()
    await database.aclose()


async def test_it_sees_what_was_written_last(both):
    serving, beside = both
    await serving.holds.take(Hold("a", (HOURLY, slots(1)), 0))
    assert [state.used for state in await beside.look([HOURLY])] == [0]
    await serving.flush()
    assert [state.used for state in await beside.look([UNUSED, HOURLY, slots(1)])] == [0, 100, 0]


async def test_it_gives_nothing_out_and_says_what_to_do(both):
    _, beside = both
    hold = Hold("a", (HOURLY,), 0)
    for call in (beside.take(hold), beside.extend(hold, 1, [1]), beside.settle(hold, Amounts(0, 0, 0, 0)), beside.renew(hold)):
        with pytest.raises(StoreUnavailable, match="serving process alone: stop it, or use --state redis"):
            await call
    await beside.aclose()
