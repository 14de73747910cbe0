"""A line to the session's Redis, and a Redis of one's own for tests that pause or kill it."""

from __future__ import annotations

import pytest

from gateway.stores.redis import line_to
from tests.support.redis_server import RedisServer


@pytest.fixture
async def line(redis_url):
    """A line that waits long enough for a busy machine."""
    line = line_to(redis_url + "?deadline_ms=5000")
    yield line
    await line.aclose()


@pytest.fixture
def own_redis():
    """A Redis that the test may do anything to."""
    server = RedisServer().start()
    yield server
    server.stop()
