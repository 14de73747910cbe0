"""Mounted in front of an application: what is governed, and starting and stopping in every loop that comes along."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware as Mounted
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient

from gateway import Gateway, admin_app
from gateway.errors import PolicyError, SettingsError
from tests.support.asgi_call import call, scope_of

POLICY = """\
schema: gateway.policy/v1
name: mounted
version: "1"
credentials: client
callers: [{ id: all, match: {}, tier: t }]
tiers:
  t: { models: ["*"], limits: [{ id: rpm, count: requests, rate: 2/hour, per: key }] }
"""
KEY = {"authorization": "Bearer sk-a"}
ASKED = {"model": "m", "messages": []}


async def chat(request):
    return JSONResponse({"path": request.url.path, "told": request.scope["gateway"]["tier"], "asked": await request.json()})


async def page(request):
    return PlainTextResponse("a page")


async def chatter(websocket):
    await websocket.accept()
    await websocket.send_text("hello")
    await websocket.close()


ROUTES = [Route("/v1/chat/completions", chat, methods=["POST"]), Route("/page", page), WebSocketRoute("/v1/chat/completions", chatter)]


@pytest.fixture
def policy(tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY)
    return file


@pytest.fixture
def told(policy, tmp_path):
    """What every Gateway here is told."""
    return {"policy": policy, "state": "memory", "data": tmp_path / "data"}


@pytest.fixture
def gateway(told):
    return Gateway(Starlette(routes=ROUTES), **told)


def ask(client, path="/v1/chat/completions"):
    return client.post(path, json=ASKED, headers=KEY)


# ── What is governed ──────────────────────────────────────────────────────────────────────────────


def test_other_paths_and_websockets_pass_untouched_and_start_nothing(gateway, tmp_path):
    client = TestClient(gateway)
    assert client.get("/page").text == "a page"
    with client.websocket_connect("/v1/chat/completions") as websocket:
        assert websocket.receive_text() == "hello"
    assert not (tmp_path / "data").exists()


def test_which_paths_are_governed_can_be_said(told):
    with TestClient(Gateway(Starlette(routes=ROUTES), governs=lambda path: path == "/page", **told)) as client:
        assert client.get("/page").status_code == 401
        assert "x-gateway-decision" not in client.post("/v1/nowhere").headers


def test_it_is_added_like_any_middleware(told):
    app = Starlette(routes=ROUTES)
    app.add_middleware(Gateway, **told)
    with TestClient(app) as client:
        assert ask(client).json()["told"] == "t"
    app = Starlette(routes=ROUTES, middleware=[Mounted(Gateway, **told)])
    with TestClient(app) as client:
        assert ask(client).json()["asked"] == ASKED


def test_mounted_under_a_prefix_it_governs_the_paths_that_its_application_sees(told):
    gateway = Gateway(Starlette(routes=ROUTES), **told)
    client = TestClient(Starlette(routes=[Mount("/llm", app=gateway), Mount("/v1", app=PlainTextResponse("outside"))]))
    answer = ask(client, "/llm/v1/chat/completions")
    assert (answer.status_code, answer.json()["path"]) == (200, "/llm/v1/chat/completions")
    assert "x-gateway-decision" in answer.headers
    assert client.post("/llm/v1/chat/completions", json=ASKED).status_code == 401
    assert "x-gateway-decision" not in ask(client).headers


async def test_a_prefix_that_a_server_puts_before_the_path_is_no_part_of_the_route(gateway):
    said = await call(gateway, path="/api/v1/chat/completions", root_path="/api", headers=KEY)
    assert said.status == 200
    assert (await gateway.running.decision(said.decision))["facts"]["dialect"] == "openai.chat"
    assert (await call(gateway, path="/v1/chat/completions", root_path="/api", headers=KEY)).status == 200
    assert (await call(gateway, path="/apiary/v1/chat/completions", root_path="/api", headers=KEY)).decision is None
    await gateway.aclose()


# ── Loops ─────────────────────────────────────────────────────────────────────────────────────────


def test_with_the_lifespan_it_starts_before_the_first_request_and_counts_on(gateway, tmp_path):
    with TestClient(gateway) as client:
        assert (tmp_path / "data" / "lock").exists()
        assert [ask(client).status_code for _ in range(3)] == [200, 200, 429]
    assert gateway.running is None


def test_a_new_loop_for_each_request_is_served_and_each_has_its_record(gateway, tmp_path):
    client = TestClient(gateway)
    decisions = [ask(client).headers["x-gateway-decision"] for _ in range(3)]
    logged = "".join(file.read_text() for file in (tmp_path / "data" / "audit").rglob("0*.jsonl"))
    assert all(decision in logged for decision in decisions)
    assert logged.count('"kind":"closed"') == 2, "each log but the last is closed, not left for recovery"


async def test_a_second_loop_while_the_first_lives_is_refused_with_the_remedy(gateway):
    assert (await call(gateway, headers=KEY)).status == 200
    caught = []

    def elsewhere():
        with pytest.raises(SettingsError) as error:
            asyncio.run(call(gateway, headers=KEY))
        caught.append(str(error.value))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    await asyncio.to_thread(thread.join)
    assert "one Gateway per loop" in caught[0]
    assert (await call(gateway, headers=KEY)).status == 200
    await gateway.aclose()


async def test_requests_that_come_together_start_it_once(gateway):
    said = await asyncio.gather(*(call(gateway, headers={"authorization": f"Bearer sk-{n}"}) for n in range(20)))
    assert {one.status for one in said} == {200}
    await gateway.aclose()


async def test_after_aclose_the_next_request_starts_it_anew_and_remembers_what_was_used(gateway):
    assert (await call(gateway, headers=KEY)).status == 200
    await gateway.aclose()
    await gateway.aclose()
    assert [(await call(gateway, headers=KEY)).status for _ in range(2)] == [200, 429]
    await gateway.aclose()


async def test_a_client_that_gives_up_during_the_start_does_not_stop_it(gateway):
    first = asyncio.ensure_future(call(gateway, headers=KEY))
    await asyncio.sleep(0)
    first.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await first
    assert (await call(gateway, headers=KEY)).status == 200
    await gateway.aclose()


# ── Starts that fail ──────────────────────────────────────────────────────────────────────────────


async def test_a_start_that_fails_is_told_and_tried_again(gateway, policy):
    policy.write_text("schema: nonsense")
    for _ in range(2):
        with pytest.raises(PolicyError, match=re.escape(str(policy))):
            await call(gateway, headers=KEY)
    await gateway.aclose()
    policy.write_text(POLICY)
    assert (await call(gateway, headers=KEY)).status == 200
    await gateway.aclose()


async def test_a_start_that_fails_in_the_lifespan_is_told_once(gateway, policy):
    policy.write_text("schema: nonsense")
    sent = []

    async def receive():
        return {"type": "lifespan.startup"}

    async def send(message):
        sent.append(message)

    with pytest.raises(PolicyError):
        await gateway({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)
    assert [message["type"] for message in sent] == ["lifespan.startup.failed"]
    assert sent[0]["message"].startswith(f"gateway: {policy}")


def test_a_shutdown_of_the_application_that_fails_stops_the_gateway_all_the_same(told):
    @contextlib.asynccontextmanager
    async def lifespan(app):
        yield
        raise RuntimeError("the application fails at its end, on purpose")

    gateway = Gateway(Starlette(routes=ROUTES, lifespan=lifespan), **told)
    with pytest.raises(RuntimeError, match="on purpose"), TestClient(gateway) as client:
        assert ask(client).status_code == 200
    assert gateway.running is None


async def test_two_on_one_data_folder_are_refused_with_the_remedy(gateway, told):
    other = Gateway(Starlette(routes=ROUTES), **told)
    assert (await call(gateway, headers=KEY)).status == 200
    with pytest.raises(SettingsError, match=r"--state redis.*--data"):
        await call(other, headers=KEY)
    await gateway.aclose()
    assert (await call(other, headers=KEY)).status == 200
    await other.aclose()


# ── Beside it ─────────────────────────────────────────────────────────────────────────────────────


async def test_the_admin_plane_of_a_mounted_gateway_shows_its_decisions(gateway):
    said = await call(gateway, headers=KEY)
    admin = admin_app(gateway)
    fields = {"host": "127.0.0.1"}
    shown = await call(admin, method="GET", path=f"/api/decisions/{said.decision}", headers=fields)
    assert (shown.status, shown.json()["id"]) == (200, said.decision)
    assert (await call(admin, method="GET", path="/readyz", headers=fields)).json() == {"ready": True, "missing": []}
    assert (await call(admin, method="GET", path="/metrics", headers=fields)).status == 200
    assert (await call(gateway, method="GET", path="/readyz", headers=fields)).status == 404, "nothing of it is on the data plane"
    await gateway.aclose()


async def test_a_scope_of_a_kind_that_is_not_known_passes(told):
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    await Gateway(app, **told)({**scope_of(), "type": "something.new"}, None, None)
    assert seen == ["something.new"]
