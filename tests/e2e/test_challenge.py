"""Challenges through a real server: work is shown once for each answer, and clients with our half of it do it by themselves."""

from __future__ import annotations

import httpx
import pytest
from openai import OpenAI, PermissionDeniedError

from gateway.client import ProofOfWork, solve
from tests.support.gateway_process import GatewayProcess

POLICY = """\
schema: gateway.policy/v1
name: work
version: "1"
callers: [{ id: all, match: {}, tier: t }]
credentials: client
tiers:
  t: { models: ["*"], limits: [{ id: rpm, count: requests, rate: 1000/minute, per: key }] }
response:
  challenge: { kind: proof_of_work, seconds: 0.01, most: 1, share: 1 }
"""
ASKED = {"model": "demo", "messages": [{"role": "user", "content": "Say something about the sea."}]}
KEY = {"authorization": "Bearer one-of-theirs"}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    folder = tmp_path_factory.mktemp("work")
    (folder / "work.yaml").write_text(POLICY)
    with GatewayProcess(folder / "data", "--demo", "--policy", str(folder / "work.yaml")) as running:
        yield running


def post(gateway, **headers):
    return httpx.post(
        f"{gateway.url}/v1/chat/completions", json=ASKED, headers={**KEY, **{k.replace("_", "-"): v for k, v in headers.items()}}
    )


def test_without_work_the_request_is_refused_in_the_dialects_own_words(gateway):
    answer = post(gateway)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "challenge_required"
    assert answer.headers["x-should-retry"] == "false"
    assert answer.headers["x-gateway-challenge"].startswith("azc1.")


def test_a_solution_is_good_for_one_answer(gateway):
    solution = solve(post(gateway).headers["x-gateway-challenge"])
    assert post(gateway, x_gateway_solution=solution).status_code == 200
    again = post(gateway, x_gateway_solution=solution)
    assert again.status_code == 403
    assert post(gateway, x_gateway_solution=solve(again.headers["x-gateway-challenge"])).status_code == 200


def test_a_solution_is_no_other_keys(gateway):
    solution = solve(post(gateway).headers["x-gateway-challenge"])
    assert post(gateway, authorization="Bearer another", x_gateway_solution=solution).status_code == 403


def test_the_official_client_does_the_work_by_itself(gateway):
    with OpenAI(base_url=f"{gateway.url}/v1", api_key="k", http_client=httpx.Client(auth=ProofOfWork())) as client:
        assert client.chat.completions.create(**ASKED).choices[0].message.content
    with OpenAI(base_url=f"{gateway.url}/v1", api_key="k") as client, pytest.raises(PermissionDeniedError, match="x-gateway-challenge"):
        client.chat.completions.create(**ASKED)
