"""The official Anthropic SDK against a running gateway with the demo model behind it."""

from __future__ import annotations

import anthropic
import pytest

HELLO = [{"role": "user", "content": "Tell me about rivers."}]


@pytest.fixture
def client(demo_gateway):
    with anthropic.Anthropic(base_url=demo_gateway.url, api_key=demo_gateway.demo_key, max_retries=0) as client:
        yield client


def test_messages(client, demo_gateway):
    raw = client.messages.with_raw_response.create(model="demo", max_tokens=20, messages=HELLO)
    answer = raw.parse()
    assert answer.content[0].text
    assert int(raw.headers["anthropic-ratelimit-requests-remaining"]) >= 0
    record = next(r for r in demo_gateway.records() if r["id"] == raw.headers["x-gateway-decision"])
    assert record["usage"]["output"] == answer.usage.output_tokens


def test_a_stream(client, demo_gateway):
    with client.messages.stream(model="demo", max_tokens=20, messages=HELLO) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
        decision = stream.response.headers["x-gateway-decision"]
    assert final.content[0].text == text
    record = next(r for r in demo_gateway.records() if r["id"] == decision)
    assert record["usage"]["output"] == final.usage.output_tokens
    assert record["finish"] == final.stop_reason


def test_count_tokens(client):
    assert client.messages.count_tokens(model="demo", messages=HELLO).input_tokens > 0


def test_a_bearer_token_will_do(demo_gateway):
    with anthropic.Anthropic(base_url=demo_gateway.url, auth_token=demo_gateway.demo_key, api_key=None, max_retries=0) as client:
        assert client.messages.create(model="demo", max_tokens=5, messages=HELLO).content


def test_a_wrong_key_is_the_sdk_s_authentication_error(demo_gateway):
    with anthropic.Anthropic(base_url=demo_gateway.url, api_key="azg_wrong", max_retries=0) as client:
        with pytest.raises(anthropic.AuthenticationError) as caught:
            client.messages.create(model="demo", max_tokens=5, messages=HELLO)
    assert caught.value.body["error"]["type"] == "authentication_error"


def test_a_spent_limit_is_the_sdk_s_rate_limit_error_in_its_own_body(start, policy_of):
    gateway = start("--demo", policy=policy_of("{ id: rph, count: requests, rate: 1/hour, per: key }"))
    with anthropic.Anthropic(base_url=gateway.url, api_key=gateway.demo_key, max_retries=3) as client:
        client.messages.create(model="demo", max_tokens=5, messages=HELLO)
        with pytest.raises(anthropic.RateLimitError) as caught:
            client.messages.create(model="demo", max_tokens=5, messages=HELLO)
    assert caught.value.body["error"]["type"] == "rate_limit_error"
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert gateway.metric("gateway_refusals_total", reason="limit.rph") == 1
