"""Opening a shared state: what is wrong is said with the URL, its password masked, and the remedy."""

from __future__ import annotations

import pytest

from gateway.errors import SettingsError
from gateway.model.limit import Hold
from gateway.stores.redis import line_to, masked, open_redis
from tests.support.quota import HandClock, sliding
from tests.support.redis_server import RedisServer


@pytest.fixture
def opening(tmp_path):
    def open_it(url, secret=None, exclusive=True):
        return open_redis(url, tmp_path / "data", secret=secret, clock=HandClock(), exclusive=exclusive)

    return open_it


async def test_two_processes_on_one_redis_share_secret_keys_and_counters(redis_url, opening):
    one, two = await opening(redis_url + "?deadline_ms=5000"), await opening(redis_url + "?deadline_ms=5000")
    assert one.secret == two.secret
    assert (await one.holds.take(Hold("a", (sliding(1),), 0))).held
    assert not (await two.holds.take(Hold("b", (sliding(1),), 0))).held
    await one.owners.claim("file-1", "alice")
    assert await two.owners.owner("file-1") == "alice"
    assert not one.holds.local
    assert one.degraded.local
    await one.aclose()
    await two.aclose()


async def test_a_process_with_another_secret_does_not_start(redis_url, opening):
    await (await opening(redis_url, b"x" * 32)).aclose()
    with pytest.raises(SettingsError, match="GATEWAY_SECRET is not the secret"):
        await opening(redis_url, b"y" * 32)


async def test_a_database_number_and_a_unix_socket_are_understood(tmp_path, opening):
    socket = tmp_path / "s"
    server = RedisServer("--unixsocket", str(socket)).start()
    try:
        for url in (f"redis://127.0.0.1:{server.port}/3", f"unix://{socket}?db=4"):
            opened = await opening(url)
            assert (await opened.keys.list()) == []
            await opened.aclose()
    finally:
        server.stop()


async def test_a_redis_with_a_password(opening):
    server = RedisServer("--requirepass", "hunter2").start()
    try:
        opened = await opening(f"redis://:hunter2@127.0.0.1:{server.port}/0")
        await opened.aclose()
        for url in (f"redis://:wrong9@127.0.0.1:{server.port}/0", f"redis://127.0.0.1:{server.port}/0"):
            with pytest.raises(SettingsError, match="check the address and password") as refused:
                await opening(url)
            assert "wrong9" not in str(refused.value)
    finally:
        server.stop()


async def test_a_redis_that_is_not_there_is_named_with_the_remedy(own_redis, opening):
    own_redis.kill()
    with pytest.raises(
        SettingsError, match=rf"redis://:\*\*\*@127.0.0.1:{own_redis.port}/0 cannot be used.*start Redis there"
    ) as refused:
        await opening(f"redis://:hunter2@127.0.0.1:{own_redis.port}/0")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["redis://h:port/0", "redis://h/0?deadline_ms=soon", "redis://h/0?deadline_ms=0", "redis://h/0?colour=red"]
)
async def test_a_url_that_cannot_be_read_is_refused(url, opening):
    with pytest.raises(SettingsError, match="cannot be read"):
        await opening(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://h:1/0", "redis://h:1/0"),
        ("redis://:pw@h:1/0", "redis://:***@h:1/0"),
        ("rediss://user:p%40w@h/0?deadline_ms=9", "rediss://user:***@h/0?deadline_ms=9"),
        ("unix:///run/r.sock?password=pw&db=1", "unix:///run/r.sock?password=***&db=1"),
        ("redis://pw@h:1/0", "redis://***@h:1/0"),
        ("redis://h:1/0?ssl_password=pw", "redis://h:1/0?ssl_password=***"),
    ],
)
def test_a_shown_url_has_no_password(url, shown):
    assert masked(url) == shown


def test_the_deadline_is_part_of_the_url():
    assert line_to("redis://h/0?deadline_ms=80").deadline_s == 0.08
    assert line_to("redis://h/0").deadline_s == 0.05


def test_rediss_speaks_tls_and_verifies():
    pool = line_to("rediss://h/0")._pool
    connection = pool.make_connection()
    assert connection.ssl_context.cert_reqs.name == "CERT_REQUIRED"
    assert connection.ssl_context.check_hostname


async def test_commands_beside_a_gateway_make_no_folder(redis_url, opening, tmp_path):
    await (await opening(redis_url, exclusive=False)).aclose()
    assert not (tmp_path / "data").exists()
