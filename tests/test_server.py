"""Two planes in one loop: ports, signals, and what the server's log keeps to itself."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys

import aiohttp
import pytest

from gateway.errors import ResponseTruncated, SettingsError
from gateway.server import Expected, PlaneServer, bind, run_workers, serve_planes, worker_number

STREAM = [(b"content-type", b"text/event-stream")]


async def words(scope, receive, send):
    """A stream without an end, that says how it was ended."""
    await send({"type": "http.response.start", "status": 200, "headers": STREAM})
    try:
        while True:
            await send({"type": "http.response.body", "body": b"word ", "more_body": True})
            await asyncio.sleep(0.01)
    except asyncio.CancelledError:
        await send({"type": "http.response.body", "body": b"the end", "more_body": False})
        raise


async def page(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"page"})


def url(sock):
    return "http://{}:{}/".format(*sock.getsockname()[:2])


class Serving:
    """`serve_planes` under way: `told` is what happened in order."""

    def __init__(self, app, shutdown_s):
        self.told = []
        self.data, self.admin = (bind("127.0.0.1", 0, what=what) for what in ("data plane", "admin plane"))
        self.url, self.admin_url = url(self.data), url(self.admin)
        self.ready = asyncio.Event()
        self.reloaded = asyncio.Event()
        self.task = asyncio.ensure_future(
            serve_planes(
                [(PlaneServer(app, shutdown_s=shutdown_s), self.data), (PlaneServer(page, shutdown_s=1), self.admin)],
                closing=lambda: self.told.append("closing"),
                reload=self.reload,
                ready=self.ready.set,
            )
        )

    async def reload(self):
        self.told.append("reload")
        self.reloaded.set()

    async def __aenter__(self):
        await asyncio.wait_for(self.ready.wait(), 10)
        return self

    async def __aexit__(self, *exc):
        if not self.task.done():
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(self.task, 10)
        self.data.close()
        self.admin.close()


@contextlib.asynccontextmanager
async def asked(address):
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
        yield answer


async def test_both_planes_answer_and_a_signal_ends_them():
    async with Serving(page, 1) as serving:
        for address in (serving.url, serving.admin_url):
            async with asked(address) as answer:
                assert await answer.text() == "page"
                assert "server" not in answer.headers
    assert serving.told == ["closing"]


async def test_hanging_up_reloads_and_goes_on():
    async with Serving(page, 1) as serving:
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.wait_for(serving.reloaded.wait(), 5)
        async with asked(serving.url) as answer:
            assert answer.status == 200
    assert serving.told == ["reload", "closing"]


async def test_the_admin_plane_answers_while_the_data_plane_winds_up():
    async with Serving(words, 600) as serving, asked(serving.url) as stream:
        await stream.content.readexactly(5)
        os.kill(os.getpid(), signal.SIGTERM)
        while "closing" not in serving.told:
            await asyncio.sleep(0.01)
        async with asked(serving.admin_url) as answer:
            assert answer.status == 200
        os.kill(os.getpid(), signal.SIGTERM)
        assert (await stream.content.read()).endswith(b"the end")


async def test_streams_that_outlast_the_deadline_are_cancelled():
    async with Serving(words, 1) as serving, asked(serving.url) as stream:
        await stream.content.readexactly(5)
        os.kill(os.getpid(), signal.SIGINT)
        assert (await stream.content.read()).endswith(b"the end")


# ── Ports ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_port_in_use_is_told_with_the_remedy():
    with bind("127.0.0.1", 0, what="data plane") as first:
        port = first.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"data plane: cannot listen on 127.0.0.1:{port}.*--port"):
            bind("127.0.0.1", port, what="data plane")
        with pytest.raises(SettingsError, match="--admin-port"):
            bind("127.0.0.1", port, what="admin plane")
        with pytest.raises(SettingsError):
            bind("127.0.0.1", port, what="data plane", shared=True)


def test_an_address_that_is_not_this_machine_s_is_told():
    with pytest.raises(SettingsError, match=r"cannot listen on 192\.0\.2\.1:0"):
        bind("192.0.2.1", 0, what="data plane")


def test_a_shared_port_is_taken_several_times():
    with bind("127.0.0.1", 0, what="data plane", shared=True) as first:
        with bind("127.0.0.1", first.getsockname()[1], what="data plane", shared=True) as second:
            assert first.getsockname() == second.getsockname()


def test_an_ipv6_address_will_do():
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with bind("::1", 0, what="data plane") as made:
        assert made.family == socket.AF_INET6


# ── The log ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("error", "told"), [(ResponseTruncated("x"), False), (asyncio.CancelledError(), False), (ValueError("x"), True), (None, True)]
)
def test_what_is_raised_on_purpose_has_no_traceback(error, told):
    info = (type(error), error, None) if error else None
    record = logging.LogRecord("uvicorn.error", logging.ERROR, __file__, 1, "Exception in ASGI application", (), info)
    assert Expected().filter(record) is told


# ── Workers ───────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def signals():
    """The handlers that `run_workers` sets are taken back."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def test_the_number_of_a_worker_is_in_its_environment(monkeypatch):
    monkeypatch.delenv("GATEWAY_WORKER", raising=False)
    assert worker_number() == 0
    monkeypatch.setenv("GATEWAY_WORKER", "3")
    assert worker_number() == 3


@pytest.mark.parametrize(("child", "status"), [("import sys; sys.exit(2)", 2), ("import sys; sys.exit(1)", 1)])
def test_workers_that_cannot_start_end_it(monkeypatch, signals, tmp_path, child, status):
    program = tmp_path / "child"
    program.write_text(f"#!{sys.executable}\n{child}\n")
    program.chmod(0o700)
    monkeypatch.setattr("gateway.server.sys.executable", str(program))
    assert run_workers(["serve"], 2, host="127.0.0.1", port=0) == status


def test_workers_are_all_told_the_one_port_and_stopped_together(monkeypatch, signals, tmp_path):
    program = tmp_path / "child"
    body = (
        "import os, signal, sys, time\n"
        f"open(os.path.join({str(tmp_path)!r}, 'port' + os.environ['GATEWAY_WORKER']), 'w').write(sys.argv[-1])\n"
        "if os.environ['GATEWAY_WORKER'] == '1':\n"
        f"    while not os.path.exists({str(tmp_path / 'port0')!r}): time.sleep(0.01)\n"
        "    os.kill(os.getppid(), signal.SIGTERM)\n"
        "time.sleep(30)\n"
    )
    program.write_text(f"#!{sys.executable}\n{body}")
    program.chmod(0o700)
    monkeypatch.setattr("gateway.server.sys.executable", str(program))
    assert run_workers(["serve"], 2, host="127.0.0.1", port=0) == 0
    ports = {(tmp_path / f"port{number}").read_text() for number in (0, 1)}
    assert len(ports) == 1
    assert ports != {"0"}


def test_workers_on_a_port_in_use_are_not_started(signals):
    with bind("127.0.0.1", 0, what="data plane", shared=True) as taken:
        taken.listen()
        with pytest.raises(SettingsError, match="cannot listen"):
            run_workers(["serve"], 2, host="127.0.0.1", port=taken.getsockname()[1])
