"""A policy is edited while the gateway runs: however it hears of it, nothing under way is disturbed and nothing is forgotten."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import time
from urllib.parse import urlsplit

import pytest

from tests.e2e.conftest import POLICY
from tests.support.gateway_process import GatewayProcess
from tests.support.live_server import live_server
from tests.support.zoo import Zoo

HI = [{"role": "user", "content": "hi"}]


def text(version, rate="1000/hour"):
    limits = f"{{ id: rpm, count: requests, rate: {rate}, per: key }}"
    return POLICY.format(limits=limits, rest="credentials: client").replace('version: "1"', f'version: "{version}"')


class Edited:
    """One gateway whose policy file is edited again and again. `write(...)` a new version, `runs(version)` waits for it."""

    def __init__(self, gateway, file):
        self.gateway, self.file, self.versions = gateway, file, 0

    def write(self, **rates):
        self.versions += 1
        self.file.write_text(text(self.versions, **rates))
        return self.versions

    def running(self):
        return json.loads(self.gateway.ask_admin("/api/policy")[1])["version"]

    def runs(self, version, seconds=10.0):
        end = time.monotonic() + seconds
        while self.running() != str(version):
            assert time.monotonic() < end, f"{self.running()} still runs"
            time.sleep(0.02)

    def ask(self, key="sk-a", **body):
        parts = urlsplit(self.gateway.url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
        fields = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        connection.request("POST", "/v1/chat/completions", json.dumps({"model": "m", "messages": HI, **body}), fields)
        return connection, connection.getresponse()

    def status(self, key="sk-a"):
        connection, answer = self.ask(key)
        with contextlib.closing(connection):
            answer.read()
            return answer.status

    def record(self, decision):
        return json.loads(self.gateway.ask_admin(f"/api/decisions/{decision}")[1])

    def logged(self, words):
        end = time.monotonic() + 5
        while not any(words in line for line in list(self.gateway.errors)):
            assert time.monotonic() < end, f"{words!r} is not in the log"
            time.sleep(0.02)


@pytest.fixture(scope="module")
def edited(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reload")
    file = folder / "policy.yaml"
    file.write_text(text(0))
    with live_server(Zoo()) as url, GatewayProcess(folder / "data", "--policy", str(file), "--upstream", url) as gateway:
        yield Edited(gateway, file)


def test_an_edited_file_is_noticed_by_itself(edited):
    edited.runs(edited.write(), seconds=2.0)
    edited.logged(f"policy test@{edited.versions}#")


def test_what_happens_beside_the_file_is_not_logged(edited):
    (edited.file.parent / "gateway.log").write_text("a line\n")
    edited.runs(edited.write())
    assert not [line for line in edited.gateway.errors if "watchfiles" in line]


def test_a_hang_up_reloads(edited):
    edited.gateway.process.send_signal(signal.SIGHUP)
    edited.runs(edited.versions)
    version = edited.write()
    edited.gateway.process.send_signal(signal.SIGHUP)
    edited.runs(version)
    assert edited.gateway.process.poll() is None


def test_the_admin_plane_reloads_and_says_what_came_of_it(edited):
    version = edited.write()
    status, body = edited.gateway.ask_admin("/api/policy/reload", method="POST")
    assert status == 200
    assert (json.loads(body)["ok"], json.loads(body)["version"]) == (True, str(version))


def test_a_stream_under_way_finishes_under_the_policy_it_began_with(edited):
    before = edited.versions
    connection, answer = edited.ask(stream=True, slow=20)
    with contextlib.closing(connection):
        assert answer.read(20)
        edited.runs(edited.write())
        assert answer.read().endswith(b"data: [DONE]\n\n")
    old = edited.record(answer.headers["x-gateway-decision"])
    assert (old["end"], old["decision"]["policy"].partition("#")[0]) == ("complete", f"test@{before}")
    connection, answer = edited.ask()
    with contextlib.closing(connection):
        answer.read()
    assert edited.record(answer.headers["x-gateway-decision"])["decision"]["policy"].startswith(f"test@{before + 1}#")


def test_a_wrong_file_keeps_the_old_policy_and_says_so(edited):
    good = edited.versions
    failed = edited.gateway.metric("gateway_policy_reloads_total", outcome="failed")
    edited.file.write_text(text(good + 1).replace("tiers:", "tears:"))
    edited.logged("stays in force")
    status, body = edited.gateway.ask_admin("/api/policy/reload", method="POST")
    assert status == 422
    assert f"{edited.file}:" in json.loads(body)["problems"][0]
    assert edited.running() == str(good)
    assert edited.gateway.metric("gateway_policy_reloads_total", outcome="failed") > failed
    assert edited.status("sk-wrong") == 200
    edited.runs(edited.write())


def test_usage_survives_and_a_new_amount_counts_from_there(edited):
    edited.runs(edited.write(rate="3/hour"))
    assert [edited.status("sk-used") for _ in range(4)] == [200, 200, 200, 429]
    edited.runs(edited.write(rate="5/hour"))
    assert [edited.status("sk-used") for _ in range(3)] == [200, 200, 429]
    edited.runs(edited.write(rate="2/hour"))
    assert edited.status("sk-used") == 429
