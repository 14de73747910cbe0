"""`gateway serve` as an operator starts it: what it prints, what it refuses to start with, and what its log never holds."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from urllib.parse import urlsplit

import aiohttp
import pytest

from gateway.cli import main
from tests.support.gateway_process import ROOT, GatewayProcess

HI = [{"role": "user", "content": "hi"}]


def environment(**given):
    return {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")} | given


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(url, path="/v1/chat/completions", key=None, method="POST", **body):
    """(status, body) of one request on a connection of its own."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    try:
        fields = {"content-type": "application/json", **({"authorization": f"Bearer {key}"} if key else {})}
        connection.request(method, path, json.dumps(body) if method == "POST" else None, fields)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """A demo whose ports come from the environment."""
    ports = {"GATEWAY_PORT": str(free_port()), "GATEWAY_ADMIN_PORT": str(free_port())}
    with GatewayProcess(tmp_path_factory.mktemp("serve"), "--demo", ports=(), env=ports) as process:
        process.ports = ports
        yield process


# ── What it prints ────────────────────────────────────────────────────────────────────────────────


def test_the_ports_of_the_environment_are_the_ones_it_listens_on_and_prints(gateway):
    assert gateway.url == f"http://127.0.0.1:{gateway.ports['GATEWAY_PORT']}"
    assert gateway.admin == f"http://127.0.0.1:{gateway.ports['GATEWAY_ADMIN_PORT']}"


def test_the_request_that_it_prints_works_when_pasted(gateway):
    done = subprocess.run(["sh", "-c", gateway.curl], capture_output=True, text=True, check=True, timeout=20)
    assert json.loads(done.stdout)["choices"][0]["message"]["content"]


def test_the_first_key_that_it_prints_works(gateway):
    assert ask(gateway.url, key=gateway.demo_key, model="any", messages=HI)[0] == 200
    assert "".join(gateway.lines).count("azg_") == 1


# ── Two planes ────────────────────────────────────────────────────────────────────────────────────

PLANE = ["/healthz", "/readyz", "/metrics", "/api/policy", "/api/decisions/x", "/console"]


@pytest.mark.parametrize("path", PLANE)
def test_nothing_of_the_admin_plane_answers_on_the_data_plane_s_port(gateway, path):
    status, body = ask(gateway.url, path, method="GET")
    assert (status, json.loads(body)["error"]["code"]) == (401, "invalid_api_key")
    status, body = ask(gateway.url, path, key=gateway.demo_key, method="GET")
    assert status in {403, 404}
    assert "error" in json.loads(body)


def test_the_admin_plane_is_ready_and_serves_no_model(gateway):
    assert json.loads(gateway.ask_admin("/readyz")[1]) == {"ready": True, "missing": []}
    assert ask(gateway.admin, key=gateway.demo_key, model="demo", messages=HI)[0] == 404


# ── What the log never holds ──────────────────────────────────────────────────────────────────────


def test_neither_keys_nor_prompts_nor_answers_stand_in_the_log_or_the_records(gateway):
    made = gateway.create_key("--account", "acme")
    for key in (made, "azg_MARKERwrongkey", "sk-MARKERforeign"):
        for stream in (False, True):
            ask(gateway.url, key=key, model="demo", messages=[{"role": "user", "content": "MARKERprompt"}], stream=stream)
        ask(gateway.url, "/v1/messages", key=key, model="demo", max_tokens="MARKERbad", messages=[])
        ask(gateway.url, "/v1/MARKERpath?key=MARKERquery", key=key, model="MARKERmodel")
    ask(gateway.url, key=made, model="demo", messages="MARKERshape")
    logged = "".join(gateway.errors) + "".join(gateway.lines)
    assert "MARKER" not in logged
    assert made not in logged
    assert "Traceback" not in logged
    written = "".join(file.read_text(errors="replace") for file in (gateway.data / "audit").rglob("*.jsonl"))
    assert "acme" in written
    for secret in (made, gateway.demo_key, "MARKERwrong", "MARKERforeign", "MARKERprompt", "MARKERquery", "MARKERshape", "MARKERbad"):
        assert secret not in written


# ── What it refuses to start with ─────────────────────────────────────────────────────────────────

WRONG = {
    "workers without a shared state": (["--demo", "--workers", "2"], {}, "--state redis://"),
    "no workers": (["--demo", "--workers", "0"], {}, "at least 1"),
    "the admin plane open to all": (["--demo", "--admin-host", "0.0.0.0"], {}, "GATEWAY_ADMIN_TOKEN"),
    "a token that is too short": (["--demo"], {"GATEWAY_ADMIN_TOKEN": "short"}, "openssl rand"),
    "a secret that is too short": (["--demo"], {"GATEWAY_SECRET": "short"}, "openssl rand"),
    "a secret's file that is not there": (["--demo"], {"GATEWAY_SECRET_FILE": "/nowhere/secret"}, "/nowhere/secret cannot be read"),
    "a secret twice": (["--demo"], {"GATEWAY_SECRET": "x" * 32, "GATEWAY_SECRET_FILE": "/x"}, "set one of them"),
    "an unknown policy": (["--demo", "--policy", "pasthrough"], {}, "did you mean 'passthrough'"),
    "a policy's file that is not there": (["--demo", "--policy", "/nowhere/policy.yaml"], {}, "there is no such policy file"),
    "no upstream": ([], {}, "--upstream URL, or --demo"),
    "two answers to one question": (["--demo", "--upstream", "http://a"], {}, "give one of them"),
    "an upstream that is no URL": (["--upstream", "localhost:8000"], {}, "http:// or https://"),
    "an upstream with a credential": (["--upstream", "http://user:MARKER@a"], {}, "GATEWAY_UPSTREAM_KEY"),
    "an unknown state": (["--demo", "--state", "memori"], {}, "redis://HOST:PORT/DB"),
    "a port that is none": (["--demo", "--port", "70000"], {}, "--port"),
    "a number that is none": (["--demo"], {"GATEWAY_PORT": "http"}, "--port"),
    "an unknown client": (["--demo", "--upstream-client", "curl"], {}, "aiohttp"),
}


@pytest.fixture
def start(monkeypatch, capsys):
    """`start(*arguments, **environment)` runs the command here, where it does not get as far as serving: (status, standard error)."""
    for name in [name for name in os.environ if name.startswith("GATEWAY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr("logging.basicConfig", lambda **options: None)
    log = logging.getLogger("uvicorn.error")
    kept = list(log.filters)

    def started(*arguments, **given):
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main(["serve", "--admin-port", "0", *arguments])
        told = capsys.readouterr()
        assert told.out == ""
        return ended.value.code, told.err

    yield started
    log.filters[:] = kept


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_work_is_called_wrongly_and_told_with_the_remedy(start, case, tmp_path):
    arguments, given, remedy = WRONG[case]
    ports = [] if "--port" in arguments or "GATEWAY_PORT" in given else ["--port", "0"]
    status, told = start("--data", str(tmp_path / "data"), *ports, *arguments, **given)
    assert status == 2
    assert remedy in told
    assert "MARKER" not in told


def test_as_a_process_too_it_ends_with_status_2_and_no_traceback(tmp_path):
    line = [sys.executable, "-m", "gateway", "serve", "--port", "0", "--admin-port", "0", "--data", str(tmp_path)]
    done = subprocess.run(line, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: no model endpoint is known")
    assert "Traceback" not in done.stderr


def test_a_policy_that_is_wrong_is_a_problem_found_with_its_place(start, tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text("schema: gateway.policy/v1\nname: x\nversion: '1'\ncalers: []\ntiers: {}\n")
    status, told = start("--demo", "--port", "0", "--policy", str(policy), "--data", str(tmp_path))
    assert status == 1
    assert f"{policy}:4:1" in told


def test_a_second_gateway_on_the_same_port_or_data_says_which_is_taken(gateway, start, tmp_path):
    for arguments, remedy in (
        (["--port", gateway.ports["GATEWAY_PORT"], "--data", str(tmp_path)], "choose another with --host or --port"),
        (["--port", "0", "--data", str(gateway.data)], "another gateway is using"),
    ):
        status, told = start("--demo", *arguments)
        assert status == 2
        assert remedy in told
    assert ask(gateway.url, key=gateway.demo_key, model="demo", messages=HI)[0] == 200


# ── Flags ─────────────────────────────────────────────────────────────────────────────────────────


def test_an_admin_token_is_asked_for(tmp_path):
    token = "a-token-of-the-operator"
    with GatewayProcess(
        tmp_path, "--demo", "--admin-host", "127.0.0.2", "--host", "127.0.0.3", env={"GATEWAY_ADMIN_TOKEN": token}
    ) as gateway:
        assert gateway.url.startswith("http://127.0.0.3:")
        assert gateway.admin.startswith("http://127.0.0.2:")
        assert ask(gateway.admin, "/api/policy", method="GET")[0] == 401
        assert ask(gateway.admin, "/api/policy", key=token, method="GET")[0] == 200
        assert ask(gateway.admin, "/healthz", method="GET")[0] == 200
        assert gateway.terminate() == 0


def chains(gateway):
    """Process ids by the logs that each process writes for itself, and how many records each has."""
    found = {}
    for folder in (gateway.data / "audit").iterdir():
        lines = [json.loads(line) for file in sorted(folder.glob("0*.jsonl")) for line in file.read_text().splitlines()]
        if lines:
            found[lines[0]["pid"]] = sum(line["kind"] == "record" for line in lines)
    return found


async def many(url, key, clients, each):
    """Statuses of so many clients that ask in turn, each time on a connection of its own."""
    statuses = []
    fields = {"authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(headers=fields, connector=aiohttp.TCPConnector(force_close=True)) as session:

        async def client():
            for _ in range(each):
                body = {"model": "demo", "messages": HI, "max_tokens": 1}
                async with session.post(url + "/v1/chat/completions", json=body) as answer:
                    await answer.read()
                    statuses.append(answer.status)

        await asyncio.gather(*(client() for _ in range(clients)))
    return statuses


def running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_workers_share_the_port_and_the_limits_and_stop_together(tmp_path, redis_url):
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "schema: gateway.policy/v1\nname: w\nversion: '1'\ncallers: [{ id: all, match: {}, tier: t }]\n"
        'tiers: { t: { models: ["*"], limits: [{ id: rpm, count: requests, rate: 50/hour, per: key }] } }\n'
    )
    with GatewayProcess(tmp_path / "data", "--demo", "--workers", "2", "--state", redis_url, "--policy", str(policy)) as gateway:
        end = time.monotonic() + 20
        while "".join(gateway.lines).count("data plane") < 2:
            assert time.monotonic() < end
            time.sleep(0.05)
        statuses = asyncio.run(many(gateway.url, gateway.demo_key, 8, 10))
        assert Counter(statuses) == {200: 50, 429: 30}
        counts = chains(gateway)
        assert len(counts) == 2
        assert all(counts.values()), f"both have served: {counts}"
        assert gateway.process.pid not in counts
        first = min(counts)
        os.kill(first, 9)
        while "is started anew" not in "".join(gateway.errors):
            assert time.monotonic() < end
            time.sleep(0.05)
        assert gateway.terminate() == 0
        assert not any(running(pid) for pid in counts)
    assert gateway.verify().returncode == 0
