"""Told to stop, a gateway lets streams finish, ends the late ones by their dialect's own error event, and settles and records all."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import time
from urllib.parse import urlsplit

import pytest

from tests.support.live_server import live_server
from tests.support.zoo import Zoo

HI = [{"role": "user", "content": "hi"}]
LIMITS = ("{ id: tpm, count: tokens, rate: 100000/hour, per: key }", "{ id: two, count: concurrent, at_once: 2, per: key, lease: 10m }")


@pytest.fixture(scope="module")
def zoo():
    app = Zoo()
    with live_server(app) as url:
        app.url = url
        yield app


@pytest.fixture
def begin(start, policy_of, zoo):
    """`begin(shutdown)` starts a gateway in front of the zoo and one stream on it: (gateway, connection, response)."""
    with contextlib.ExitStack() as stack:

        def begun(shutdown, **body):
            gateway = start("--upstream", zoo.url, "--shutdown", str(shutdown), policy=policy_of(*LIMITS, rest="credentials: client"))
            parts = urlsplit(gateway.url)
            connection = stack.enter_context(contextlib.closing(http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)))
            fields = {"authorization": "Bearer sk-a", "content-type": "application/json"}
            asked = {"model": "m", "messages": HI, "stream": True, "endless": True, **body}
            connection.request("POST", "/v1/chat/completions", json.dumps(asked), fields)
            return gateway, connection, connection.getresponse()

        yield begun


def refused(gateway):
    """Whether the data plane takes no new connection any more."""
    parts = urlsplit(gateway.url)
    end = time.monotonic() + 5
    while time.monotonic() < end:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=2)
        try:
            connection.connect()
        except ConnectionRefusedError:
            return True
        finally:
            connection.close()
        time.sleep(0.02)
    return False


def assert_ended_by_shutdown(gateway, rest, decision):
    last = rest.decode().strip().splitlines()[-1]
    assert json.loads(last.removeprefix("data: "))["error"]["type"] == "server_error"
    assert b"[DONE]" not in rest
    record = next(record for record in gateway.records() if record["id"] == decision)
    assert (record["end"], record["settle"]) == ("shutdown", "settled")
    assert record["usage"]["output"] > 0
    verified = gateway.verify()
    assert verified.returncode == 0, verified.stdout + verified.stderr
    log = "".join(gateway.errors)
    assert "Traceback" not in log
    assert "Exception in ASGI" not in log


def test_a_stream_that_ends_in_time_ends_whole_and_nothing_new_comes_in(begin, zoo):
    gateway, _, answer = begin(10, endless=False, slow=20)
    answer.read(20)
    gateway.process.send_signal(signal.SIGTERM)
    assert refused(gateway)
    assert answer.read().endswith(b"data: [DONE]\n\n")
    assert gateway.process.wait(10) == 0
    assert gateway.records()[-1]["end"] == "complete"
    assert gateway.verify().returncode == 0


def test_a_longer_one_is_ended_by_its_dialect_s_error_event_settled_and_recorded(begin):
    gateway, _, answer = begin(1)
    answer.read(50)
    gateway.process.send_signal(signal.SIGTERM)
    rest = answer.read()
    assert gateway.process.wait(10) == 0
    assert_ended_by_shutdown(gateway, rest, answer.headers["x-gateway-decision"])


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_does_not_wait_for_the_deadline(begin, second):
    gateway, _, answer = begin(600)
    answer.read(50)
    gateway.process.send_signal(signal.SIGINT)
    assert refused(gateway)
    gateway.process.send_signal(second)
    rest = answer.read()
    assert gateway.process.wait(10) == 0
    assert_ended_by_shutdown(gateway, rest, answer.headers["x-gateway-decision"])


def test_an_answer_that_has_not_begun_is_told_that_the_service_restarts(start, policy_of, zoo):
    gateway = start("--upstream", zoo.url, "--shutdown", "1", policy=policy_of(*LIMITS, rest="credentials: client"))
    parts = urlsplit(gateway.url)
    with contextlib.closing(http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)) as connection:
        fields = {"authorization": "Bearer sk-a", "content-type": "application/json"}
        connection.request("POST", "/v1/chat/completions", json.dumps({"model": "m", "messages": HI, "stall": 30}), fields)
        time.sleep(0.2)
        gateway.process.send_signal(signal.SIGTERM)
        answer = connection.getresponse()
        assert answer.status == 503
        assert json.loads(answer.read())["error"]["type"] == "server_error"
        assert int(answer.headers["retry-after"]) >= 1
    assert gateway.process.wait(10) == 0
    record = gateway.records()[-1]
    assert (record["end"], record["status"], record["settle"]) == ("shutdown", 503, "settled")
