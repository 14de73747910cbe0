"""Commands open the state beside whoever serves on it."""

from __future__ import annotations

import time

import pytest

from gateway.cli.beside import WallClock, beside
from gateway.errors import SettingsError
from gateway.stores.memory import open_memory


async def test_a_state_that_is_served_can_be_opened_beside(tmp_path):
    serving = await open_memory("memory", tmp_path, secret=None, clock=WallClock(), exclusive=True)
    async with beside("memory", tmp_path) as opened:
        assert opened.secret == serving.secret
        assert await opened.keys.list() == []
    await serving.aclose()


async def test_a_state_that_is_unknown_is_named(tmp_path):
    with pytest.raises(SettingsError, match="nonsense"):
        async with beside("nonsense", tmp_path):
            pass


def test_its_clock_is_this_machine_s():
    assert abs(WallClock().now() - time.time() * 1e6) < 5e6
