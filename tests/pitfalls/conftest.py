"""An upstream with every kind of answer, and gateways in front of it as a test needs them."""

from __future__ import annotations

import pytest

from tests.pitfalls.asking import policy
from tests.support.gateway_process import GatewayProcess
from tests.support.live_server import live_server
from tests.support.zoo import Zoo


@pytest.fixture
def zoo():
    app = Zoo()
    with live_server(app) as url:
        app.url = url
        yield app


@pytest.fixture
def start(tmp_path):
    running = []

    def started(zoo, *limits, arguments=(), name="one", rest="", credentials="client"):
        file = tmp_path / f"{name}.yaml"
        file.write_text(policy(*limits).replace("credentials: client", f"credentials: {credentials}") + "\n" + rest)
        # --upstream would stand in the place of the policy's own.
        upstream = () if "upstreams:" in rest else ("--upstream", zoo.url)
        gateway = GatewayProcess(tmp_path / name, "--policy", str(file), *upstream, *arguments)
        gateway.policy_file = file
        running.append(gateway)
        return gateway

    yield started
    for gateway in running:
        gateway.__exit__()
