"""Whole gateways in processes of their own, as an operator starts them."""

from __future__ import annotations

import pytest

from tests.support.gateway_process import GatewayProcess

POLICY = """\
schema: gateway.policy/v1
name: test
version: "1"
callers:
  - {{ id: all, match: {{}}, tier: standard }}
tiers:
  standard:
    models: ["*"]
    routes: ["*"]
    limits: [{limits}]
{rest}
"""


@pytest.fixture(scope="session")
def demo_gateway(tmp_path_factory):
    """`gateway serve --demo` with the policy that ships."""
    with GatewayProcess(tmp_path_factory.mktemp("demo"), "--demo") as gateway:
        yield gateway


@pytest.fixture
def start(tmp_path):
    """`start("--upstream", url, policy=...)` starts a gateway on a policy text; all are stopped at the end of the test."""
    running = []

    def started(*arguments, policy=None, name="one", **other):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        if policy is not None:
            file = folder / "policy.yaml"
            file.write_text(policy)
            arguments = ("--policy", str(file), *arguments)
        gateway = GatewayProcess(folder / "data", *arguments, **other)
        running.append(gateway)
        return gateway

    yield started
    for gateway in running:
        gateway.__exit__()


@pytest.fixture
def policy_of():
    """A policy text with these limits (YAML flow mappings, one a line) and further sections."""

    def text(*limits, rest=""):
        return POLICY.format(limits=", ".join(limits), rest=rest)

    return text
