"""`gateway quota show` and `/api/quota/{key}` beside running gateways: the operator reads what the client was told."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request

import anthropic
import openai
import pytest
from click.testing import CliRunner

from gateway.cli.keys import keys
from gateway.cli.quota import quota
from tests.support.gateway_process import GatewayProcess

HELLO = [{"role": "user", "content": "Tell me about rivers."}]
TOKEN = "a-token-of-24-characters"
POLICY = """\
schema: gateway.policy/v1
name: test
version: "1"
currency: USD
prices: { "*": { input: 1, output: 2 } }
callers:
  - { id: life, match: { account: life }, tier: life }
  - { id: month, match: { account: month }, tier: month }
  - { id: rps, match: { account: rps }, tier: rps }
  - { id: all, match: {}, tier: standard }
tiers:
  life: { models: ["*"], limits: [{ id: life, count: output_tokens, rate: 20/lifetime, per: account }] }
  month: { models: ["*"], limits: [{ id: month, count: money, rate: 0.00004/month, per: account }] }
  rps: { models: ["*"], limits: [{ id: rps, count: requests, rate: 1/second, per: key }] }
  standard:
    models: ["*"]
    limits:
      - { id: rpm, count: requests, rate: 5/hour, per: key }
      - { id: tpm, count: tokens, rate: 5000/hour, per: account }
      - { id: out, count: output_tokens, rate: 1000/hour, window: bucket, burst: 1500, per: account }
      - { id: by-model, count: requests, rate: 40/hour, per: [account, model] }
      - { id: atonce, count: concurrent, at_once: 3, per: key, lease: 5m }
"""


def chat(gateway, key, *, stream=False, model="demo", path="/v1/chat/completions"):
    """Status, header fields and body of one request, read to its end."""
    body = json.dumps({"model": model, "messages": HELLO, "max_tokens": 12, "stream": stream}).encode()
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    request = urllib.request.Request(gateway.url + path, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def told(headers):
    """{limit: remaining} as the RateLimit field says."""
    return {name: int(left) for name, left in re.findall(r'"([\w-]+)";r=(\d+)', headers["ratelimit"])}


def show(gateway, *arguments, token=TOKEN):
    """`gateway quota show`, run here, beside the gateway."""
    environment = {"GATEWAY_ADMIN_TOKEN": token, "GATEWAY_SECRET": None, "GATEWAY_STATE": None}
    return CliRunner().invoke(quota, ["show", *arguments, "--data", str(gateway.data)], env=environment)


def shown(done):
    assert done.exit_code == 0, done.exception or done.output
    return {limit["id"]: limit for limit in json.loads(done.stdout)["limits"]}


def made(gateway, account, *arguments):
    """A new key of an account, and its fingerprint."""
    done = CliRunner().invoke(keys, ["create", "--json", "--account", account, "--data", str(gateway.data), *arguments])
    record = json.loads(done.stdout)
    return record["key"], record["fingerprint"]


def ask_api(gateway, path, token=TOKEN):
    request = urllib.request.Request(gateway.admin + path, headers={"authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """A gateway with embedded state and a token on its admin plane; accounts have limits by their names."""
    folder = tmp_path_factory.mktemp("quota")
    policy = folder / "policy.yaml"
    policy.write_text(POLICY)
    with GatewayProcess(folder / "data", "--demo", "--policy", str(policy), env={"GATEWAY_ADMIN_TOKEN": TOKEN}) as gateway:
        yield gateway


@pytest.mark.parametrize("stream", [False, True])
def test_the_gateway_that_serves_says_what_the_client_was_told(one, stream):
    key, name = made(one, f"acme-{stream}")
    for _ in range(2):
        status, headers, _ = chat(one, key, stream=stream)
        assert status == 200
    limits = shown(show(one, name, "--admin", one.admin, "--model", "demo", "--json"))
    left = told(headers)
    assert limits["rpm"]["remaining"] == left["rpm"] == int(headers["x-ratelimit-remaining-requests"]) == 3
    assert limits["by-model"]["remaining"] == left["by-model"] == 38
    assert (limits["atonce"]["open_slots"], left["atonce"]) == (0, 2), "the slot of the answer is free again"
    assert limits["tpm"]["used"] > limits["out"]["used"] > 0
    status, page = ask_api(one, f"/api/quota/{name}?model=demo")
    assert status == 200
    api = {limit["id"]: limit["used"] for limit in page["limits"]}
    assert [api[limit] for limit in ("rpm", "tpm", "by-model")] == [limits[limit]["used"] for limit in ("rpm", "tpm", "by-model")]


def test_a_full_limit_is_told_with_the_wait_that_the_client_heard(one):
    key, name = made(one, "full")
    for _ in range(5):
        assert chat(one, key)[0] == 200
    status, headers, _ = chat(one, key, stream=True)
    assert status == 429
    assert headers["x-should-retry"] == "false", "an hour is longer than a program should hang"
    limit = shown(show(one, name, "--admin", one.admin, "--json"))["rpm"]
    assert (limit["remaining"], limit["fits"]) == (0, False)
    assert 0 <= int(headers["retry-after-ms"]) * 1000 - limit["retry_us"] < 30_000_000
    people = show(one, name, "--admin", one.admin).stdout
    assert "limit    rpm: 5 of 5 used, 0 left (5 requests in any hour)" in people
    assert "full: room again in" in people


def test_unknown_keys_other_tiers_and_no_secrets(one):
    key, name = made(one, "third")
    nobody = show(one, "fp:00000000", "--admin", one.admin)
    assert nobody.exit_code == 1
    assert "no issued key begins with 00000000" in str(nobody.exception)
    assert ask_api(one, "/api/quota/00000000")[0] == 404
    assert ask_api(one, "/api/quota?account=third")[0] == 200
    secret = show(one, key, "--admin", one.admin)
    assert (secret.exit_code, key in secret.output + str(secret.exception)) == (1, False)
    assert show(one, name, "--admin", one.admin, "--tier", "gold").exit_code == 1
    assert "life" in shown(show(one, name, "--admin", one.admin, "--tier", "life", "--json"))
    by_account = shown(show(one, "third", "--account", "--admin", one.admin, "--json"))
    assert (by_account["rpm"]["needs"], by_account["tpm"]["needs"]) == ("key", "")
    refused = show(one, name, "--admin", one.admin, token=None)
    assert refused.exit_code == 1
    assert "set GATEWAY_ADMIN_TOKEN" in str(refused.exception)


def test_without_a_gateway_the_last_word_is_read_from_disk(start, tmp_path):
    gateway = start("--demo", policy=POLICY)
    key, name = made(gateway, "acme")
    assert chat(gateway, key)[0] == 200
    assert gateway.terminate() == 0
    gone = show(gateway, name, "--admin", gateway.admin)
    assert gone.exit_code == 1
    assert "--offline" in str(gone.exception)
    limits = shown(show(gateway, name, "--offline", "--policy", str(tmp_path / "one" / "policy.yaml"), "--json"))
    assert (limits["rpm"]["used"], limits["tpm"]["used"] > 0) == (1, True)


def test_shared_state_is_read_where_it_is(start, redis_url, tmp_path):
    state = ("--state", redis_url + "?deadline_ms=3000")
    gateway = start("--demo", *state, policy=POLICY)
    key, name = made(gateway, f"shared-{time.time_ns()}", *state)
    for _ in range(3):
        status, headers, _ = chat(gateway, key)
        assert status == 200
    arguments = (name, *state, "--policy", str(tmp_path / "one" / "policy.yaml"), "--model", "demo", "--json")
    left = told(headers)
    limits = shown(show(gateway, *arguments))
    assert {limit: limits[limit]["remaining"] for limit in ("rpm", "by-model")} == {limit: left[limit] for limit in ("rpm", "by-model")}
    assert gateway.terminate() == 0
    assert shown(show(gateway, *arguments))["rpm"]["used"] == 3


# ── What the SDKs hear of limits that are full and budgets that are spent ───────────────────────


@pytest.mark.parametrize("account", ["life", "month"])
def test_a_spent_budget_is_told_as_one_and_not_asked_again(one, account):
    gateway, (key, name) = one, made(one, account)
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key=key, max_retries=2) as client:
        for _ in range(10):
            try:
                client.chat.completions.create(model="demo", messages=HELLO, max_tokens=10, stream=True).close()
                client.chat.completions.create(model="demo", messages=HELLO, max_tokens=10)
            except openai.RateLimitError as error:
                spent = error
                break
        else:
            pytest.fail("the budget was never spent")
    assert (spent.type, spent.code) == ("insufficient_quota", "insufficient_quota")
    assert spent.response.headers["x-should-retry"] == "false"
    month = account == "month"
    assert ("retry-after" in spent.response.headers, "ratelimit" in spent.response.headers) == (month, not month)
    limit = shown(show(gateway, name, "--admin", gateway.admin, "--json"))[account]
    assert (limit["used"] > 0, limit["reset_us"] is None) == (True, not month)
    assert limit["unit"] == ("micro-USD" if month else "output_tokens")
    with anthropic.Anthropic(base_url=gateway.url, api_key=key, max_retries=2) as client:
        with pytest.raises(anthropic.RateLimitError) as raised:
            client.messages.create(model="demo", max_tokens=10, messages=HELLO)
    assert raised.value.body["error"]["type"] == "billing_error"


def test_the_sdk_that_waits_as_it_is_told_gets_its_answer(one):
    with openai.OpenAI(base_url=one.url + "/v1", api_key=made(one, "rps")[0], max_retries=1) as client:
        for _ in range(2):
            assert client.chat.completions.create(model="demo", messages=HELLO, max_tokens=2).choices
