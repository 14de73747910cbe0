"""The middleware in front of an application of each framework, on a real server: answers, streams, disconnects, errors, other paths."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from urllib.parse import urlsplit

import pytest

from gateway import Gateway
from tests.frameworks.apps import APPS, CHAT, DONE, WORD, Seen
from tests.support.live_server import live_server

POLICY = """\
schema: gateway.policy/v1
name: mounted
version: "1"
credentials: client
usage: count
callers:
  - { id: all, match: {}, tier: standard }
tiers:
  standard:
    models: ["*"]
    limits:
      - { id: rpm, count: requests, rate: 1000/minute, per: key }
      - { id: one, count: concurrent, at_once: 1, per: key, lease: 60s }
"""
LIFESPAN = {"starlette": "on", "fastapi": "on", "django": "off", "quart": "on", "litestar": "on"}


@pytest.fixture(params=APPS)
def mounted(request, tmp_path):
    """(base URL, what the application saw, the middleware) of one framework."""
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    seen = Seen()
    gateway = Gateway(APPS[request.param](seen), policy=policy, state="memory", data=tmp_path / "data")
    with live_server(gateway, lifespan=LIFESPAN[request.param]) as url:
        yield url, seen, tmp_path / "data"


def call(url, method="POST", path="/v1/chat/completions", key="Bearer sk-a", **body):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    headers = {"content-type": "application/json", **({"authorization": key} if key else {})}
    data = json.dumps({"model": "m", "messages": [], **body}) if method == "POST" else None
    connection.request(method, path, data, headers)
    return connection, connection.getresponse()


def whole(url, **body):
    connection, answer = call(url, **body)
    with contextlib.closing(connection):
        return answer.status, answer.read(), answer.headers


def until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_a_document_passes_and_the_application_learns_who_called(mounted):
    url, seen, _ = mounted
    status, body, headers = whole(url)
    assert (status, json.loads(body)) == (200, CHAT)
    assert headers["x-gateway-decision"] == seen.callers[-1]["decision"]
    assert seen.callers[-1]["tier"] == "standard"


def test_a_stream_passes_whole(mounted):
    url, _, _ = mounted
    status, body, _ = whole(url, stream=True)
    assert (status, body) == (200, WORD * 3 + DONE)


def test_events_arrive_while_the_application_is_still_sending(mounted):
    url, seen, _ = mounted
    connection, answer = call(url, stream=True, count=200)
    with contextlib.closing(connection):
        assert answer.read(len(WORD)) == WORD
        assert seen.sent < 150


def test_a_client_that_leaves_stops_the_application_and_frees_its_slot(mounted):
    url, seen, _ = mounted
    connection, answer = call(url, stream=True, count=3000)
    assert answer.read(len(WORD)) == WORD
    assert whole(url)[0] == 429
    answer.close()
    connection.close()
    assert until(lambda: seen.left == 1)
    assert until(lambda: whole(url)[0] == 200)


def test_an_error_of_the_application_is_shown_by_its_own_framework(mounted):
    url, _, _ = mounted
    status, body, _ = whole(url, crash=True)
    assert status == 500
    assert b"on purpose" not in body
    assert whole(url)[0] == 200


def test_without_a_credential_the_dialect_s_own_401(mounted):
    url, seen, _ = mounted
    status, body, _ = whole(url, key=None)
    assert status == 401
    assert json.loads(body)["error"]["code"] == "invalid_api_key"
    assert seen.callers == []


def test_other_paths_are_not_touched(mounted):
    url, _, _ = mounted
    status, body, headers = whole(url, method="GET", path="/page", key=None)
    assert (status, body) == (200, b"a page")
    assert "x-gateway-decision" not in headers


def test_the_record_is_on_disk_when_the_answer_ends(mounted):
    url, _, data = mounted
    decision = whole(url)[2]["x-gateway-decision"]
    assert any(decision in file.read_text() for file in (data / "audit").rglob("*") if file.is_file() and file.suffix == ".jsonl")
