"""The demo model on a loopback port of its own, served by uvicorn, and the official clients that call it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import anthropic
import httpx
import openai
import pytest
import uvicorn

from gateway.demo import demo_app


@contextlib.contextmanager
def served(app):
    """An ASGI application at a URL, until the block ends."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, lifespan="on", log_config=None, ws="none", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        sock.close()


@pytest.fixture(scope="session")
def demo_url():
    """The demo model, as fast as it can."""
    with served(demo_app()) as url:
        yield url


@pytest.fixture(scope="session")
def client(demo_url):
    """The OpenAI SDK, calling the demo."""
    with openai.OpenAI(base_url=f"{demo_url}/v1", api_key="any will do", max_retries=0) as made:
        yield made


@pytest.fixture(scope="session")
def claude(demo_url):
    """The Anthropic SDK, calling the demo."""
    with anthropic.Anthropic(base_url=demo_url, api_key="any will do", max_retries=0) as made:
        yield made


@pytest.fixture(scope="session")
def http(demo_url):
    """Plain HTTP to the demo."""
    with httpx.Client(base_url=demo_url) as made:
        yield made


@pytest.fixture
def user():
    """One user's message in the shape both families share."""
    return lambda text="Tell me about rivers.": [{"role": "user", "content": text}]
