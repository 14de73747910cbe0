"""Money, lifetimes, calendars, weights and amounts of a key's own, on a whole gateway: what a caller meets, and what an edit keeps."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request

import pytest

from tests.e2e.conftest import POLICY
from tests.support.gateway_process import GatewayProcess

LIMITS = (
    "{ id: life, count: requests, rate: 2/lifetime, per: key }",
    "{ id: usd, count: money, rate: 0.5/month, zone: Europe/Berlin, per: account }",
    "{ id: heavy, count: requests, rate: 10/day, window: calendar, per: key, multipliers: { demo-big: 4 } }",
)
PRICES = "prices: { 'demo*': { input: 1000, output: 20000.5 } }"


def ask(gateway, key, model="demo"):
    """Status, header fields and JSON of one chat completion of one token."""
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}).encode()
    fields = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(gateway.url + "/v1/chat/completions", body, fields), timeout=20) as answer:
            return answer.status, dict(answer.headers), json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), json.load(error)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kinds")
    (folder / "policy.yaml").write_text(POLICY.format(limits=", ".join(LIMITS), rest=PRICES))
    with GatewayProcess(folder / "data", "--demo", "--policy", str(folder / "policy.yaml")) as gateway:
        yield gateway


def test_a_spent_budget_is_final_and_money_is_told_to_nobody(gateway):
    key = gateway.create_key()
    answers = [ask(gateway, key) for _ in range(3)]
    assert [status for status, _, _ in answers] == [200, 200, 429]
    _, fields, body = answers[2]
    assert (body["error"]["code"], fields["x-should-retry"]) == ("insufficient_quota", "false")
    assert not {"retry-after", "retry-after-ms"} & set(fields)
    assert '"life";r=0' in fields["ratelimit"]
    assert "usd" not in fields["ratelimit"] + fields["ratelimit-policy"]
    usage = next(record for record in gateway.records() if record["status"] == 200)["usage"]
    assert usage["micro_cost"] == -(-(usage["input"] * 1000 * 10**6 + usage["output"] * 20_000_500_000) // 10**6) > 20_000


def test_a_model_without_a_price_is_refused_where_money_is_limited(gateway):
    status, _, body = ask(gateway, gateway.create_key(), model="unpriced")
    assert (status, body["error"]["code"]) == (403, "model_not_priced")


def test_a_key_s_own_amounts_need_no_edit_and_a_heavy_model_counts_more(gateway):
    rich = gateway.create_key("--limit", "life=9", "--limit", "heavy=5")
    assert [ask(gateway, rich)[0] for _ in range(2)] == [200, 200]
    status, fields, body = ask(gateway, rich, model="demo-big")
    assert (status, '"life";r=7' in fields["ratelimit"]) == (429, True)
    assert "requests per day: Limit 5, Used 2, Requested 4" in body["error"]["message"]
    poor = gateway.create_key("--limit", "usd=0")
    assert ask(gateway, poor)[2]["error"]["code"] == "rate_limit_exceeded"


def test_an_edited_amount_keeps_what_was_used_and_an_edited_kind_starts_anew(start, policy_of):
    gateway = start("--demo", policy=policy_of(*LIMITS, rest=PRICES))
    key, file = gateway.create_key(), gateway.data.parent / "policy.yaml"
    assert [ask(gateway, key)[0] for _ in range(3)] == [200, 200, 429]

    def edited(version, *limits):
        file.write_text(policy_of(*limits, rest=PRICES).replace('version: "1"', f'version: "{version}"'))
        end = time.monotonic() + 10
        while json.loads(gateway.ask_admin("/api/policy")[1])["version"] != str(version):
            assert time.monotonic() < end
            time.sleep(0.02)

    edited(2, LIMITS[0].replace("2/lifetime", "3/lifetime"), *LIMITS[1:])
    assert [ask(gateway, key)[0] for _ in range(2)] == [200, 429]
    edited(3, LIMITS[0].replace("2/lifetime", "2/month"), *LIMITS[1:])
    assert [ask(gateway, key)[0] for _ in range(3)] == [200, 200, 429]
