"""The composition root: what is joined to what, what a wrong setting says, and that everything opened is closed again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading

import pytest

from gateway.app import Gateway, Running, Ways, _Pools, proxy
from gateway.errors import PolicyError, RegistryError, SettingsError
from gateway.issue import issue_key
from gateway.model.policy import UpstreamRule
from gateway.policy.load import find, load
from tests.support.asgi_call import call
from tests.support.live_server import live_server
from tests.support.zoo import Zoo

UP = UpstreamRule("up", "http://127.0.0.1:9")
KEY = {"authorization": "Bearer sk-a"}


@pytest.fixture
def opening(tmp_path):
    """`await opening(...)` opens a gateway; those that a test leaves open are closed."""
    opened = []

    async def made(**other):
        told = {"policy": "passthrough", "state": "memory", "data": tmp_path / "data", "secret": None, "ways": Ways(overrides=(UP,))}
        opened.append(await Running.open(**{**told, **other}))
        return opened[-1]

    return made


def open_files(folder):
    """Files of a folder that this process has open."""
    found = set()
    for descriptor in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found.add(os.readlink(f"/proc/self/fd/{descriptor}"))
    return {name for name in found if name.startswith(str(folder))}


async def test_whatever_is_opened_is_closed_again(opening, tmp_path):
    await (await opening()).aclose()
    tasks = len(asyncio.all_tasks())
    for _ in range(3):
        running = await opening()
        assert await running.missing() == []
        assert open_files(tmp_path)
        await running.aclose()
        assert not open_files(tmp_path)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("audit")]
    assert len(asyncio.all_tasks()) == tasks


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"policy": "pasthrough"}, PolicyError),
        ({"state": "memori"}, SettingsError),
        ({"ways": Ways()}, SettingsError),
        ({"client": "curl"}, RegistryError),
    ],
)
async def test_a_start_that_fails_gives_everything_back(opening, wrong, error, tmp_path):
    with pytest.raises(error):
        await opening(**wrong)
    assert not open_files(tmp_path)
    await (await opening()).aclose()


def test_a_policy_without_upstreams_is_refused_with_the_remedy():
    policy = load(find("default"))
    with pytest.raises(SettingsError, match=r"--upstream URL, or --demo, or `upstreams`"):
        Ways().applied(policy)
    assert Ways(overrides=(UP,)).applied(policy).upstreams == (UP,)


async def test_another_secret_than_the_state_has_is_refused(opening):
    await (await opening(secret=b"a" * 32)).aclose()
    with pytest.raises(SettingsError, match="secret"):
        await opening(secret=b"b" * 32)


async def test_there_is_one_pool_for_each_endpoint_and_bound():
    made = []

    class Pool:
        def __init__(self, *, max_connections):
            made.append(max_connections)

        async def aclose(self):
            made.append("closed")

    pools = _Pools(Pool)
    assert pools.of(UP) is pools.of(UP)
    assert pools.of(UpstreamRule("up", "http://a", max_connections=5)) is not pools.of(UP)
    await pools.aclose()
    assert made == [UP.max_connections, 5, "closed", "closed"]


async def test_what_is_missing_is_named(opening, monkeypatch):
    monkeypatch.delenv("SOME_KEY", raising=False)
    running = await opening(ways=Ways(overrides=(UpstreamRule("up", "http://a", credential_env="SOME_KEY"),)))
    assert await running.missing() == ["upstream up: SOME_KEY is not set"]
    monkeypatch.setenv("SOME_KEY", "x")
    running.close_door()
    assert await running.missing() == ["shutting down"]
    await running.aclose()


async def test_the_proxy_sends_on_and_adds_its_own_credential(opening, monkeypatch, tmp_path):
    monkeypatch.setenv("SOME_KEY", "sk-upstream")
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        find("passthrough")
        .read_text()
        .replace("credentials: client  ", "credentials: issued  ")
        .replace("source: client", "source: issued")
    )
    zoo = Zoo()
    with live_server(zoo) as url:
        running = await opening(policy=policy, ways=Ways(overrides=(UpstreamRule("up", url + "/v1", credential_env="SOME_KEY"),)))
        key, _ = await issue_key(running.world.keys, running.engine.secret, now_us=1)
        said = await call(proxy(running), headers={"authorization": f"Bearer {key}", "cookie": "a=1"})
        shown = await running.decision(said.decision)
        await running.aclose()
    fields = dict(zoo.requests[0][3])
    assert (said.status, zoo.requests[0][1]) == (200, b"/v1/chat/completions")
    assert fields[b"authorization"] == b"Bearer sk-upstream"
    assert b"cookie" not in fields
    assert b"sk-upstream" not in b"".join(name + value for name, value in said.fields) + said.body
    assert shown["upstream"] == "up"


async def test_a_request_ends_under_the_policy_it_began_with_and_the_next_has_the_new_one(tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text(find("passthrough").read_text())
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def app(scope, receive, send):
        inside.set()
        await go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b"{}"})

    gateway = Gateway(app, policy=policy, state="memory", data=tmp_path / "data")
    first = asyncio.ensure_future(call(gateway, headers=KEY))
    await inside.wait()
    before = gateway.running.policy()["label"]
    policy.write_text(policy.read_text().replace("version: 2026.11.1", "version: next"))
    assert (await gateway.running.reload())["changed"]
    go_on.set()
    records = [await gateway.running.decision(said.decision) for said in (await first, await call(gateway, headers=KEY))]
    assert records[0]["decision"]["policy"] == before
    assert records[1]["decision"]["policy"].startswith("passthrough@next#")
    assert (await gateway.running.reload())["changed"] is False
    await gateway.aclose()


async def test_metrics_tell_what_happened(opening):
    running = await opening()
    assert (await call(proxy(running), headers=KEY)).status == 502
    text = running.metrics_text()[0].decode()
    assert "gateway_upstream_errors_total{" in text
    assert "gateway_in_flight 0.0" in text
    await running.aclose()


async def test_an_upgrade_never_gets_behind_the_proxy(opening):
    running, sent = await opening(), []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    await proxy(running)({"type": "websocket", "path": "/v1/realtime", "headers": []}, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1008}]
    await running.aclose()
