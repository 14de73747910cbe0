"""The standalone gateway from settings to its end, in this process."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace

import aiohttp
import pytest

from gateway.errors import PolicyError, SettingsError
from gateway.run import serve
from gateway.server import bind
from gateway.settings import Settings


@pytest.fixture
def settings(tmp_path):
    return Settings(policy="default", demo=True, port=0, admin_port=0, data=tmp_path / "data", shutdown_s=1)


async def served(settings, use):
    """Serve, call `use(data url, admin url, policy's label, demo key)` once it listens, stop; returns what `use` gave."""
    listening = asyncio.get_running_loop().create_future()
    task = asyncio.ensure_future(
        serve(settings, told=lambda url, admin, label, told, key: listening.set_result((url, admin, label, key)))
    )
    await asyncio.wait([task, listening], return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        return task.result()
    try:
        return await use(*listening.result())
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
        await task


async def test_the_demo_answers_to_the_key_that_is_told(settings):
    async def use(url, admin, label, key):
        assert label.startswith("default@")
        async with aiohttp.ClientSession() as session:
            body = {"model": "demo", "messages": [{"role": "user", "content": "hi"}]}
            async with session.post(url + "/v1/chat/completions", json=body, headers={"authorization": f"Bearer {key}"}) as answer:
                assert answer.status == 200
                assert (await answer.json())["choices"][0]["message"]["content"]
            async with session.get(admin + "/readyz") as answer:
                assert await answer.json() == {"ready": True, "missing": []}

    await served(settings, use)


async def test_it_can_be_served_again_on_the_same_data(settings):
    async def use(url, admin, label, key):
        return key

    assert len({await served(settings, use), await served(settings, use)}) == 2


async def test_nothing_listens_where_something_is_wrong(settings):
    with bind("127.0.0.1", 0, what="data plane") as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match="--admin-port"):
            await served(replace(settings, admin_port=port), None)
    with pytest.raises(PolicyError):
        await served(replace(settings, policy="nowhere.yaml", port=port), None)
    with pytest.raises(SettingsError, match="--upstream"):
        await served(replace(settings, demo=False, port=port), None)
    bind("127.0.0.1", port, what="data plane").close()
