"""The official OpenAI SDK against a running gateway with the demo model behind it: what a newcomer would call."""

from __future__ import annotations

import openai
import pytest

HELLO = [{"role": "user", "content": "Tell me about rivers."}]


@pytest.fixture
def client(demo_gateway):
    with openai.OpenAI(base_url=demo_gateway.url + "/v1", api_key=demo_gateway.demo_key, max_retries=0) as client:
        yield client


def test_chat(client, demo_gateway):
    raw = client.chat.completions.with_raw_response.create(model="demo", messages=HELLO, max_tokens=20)
    answer = raw.parse()
    assert answer.choices[0].message.content
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert int(raw.headers["x-ratelimit-remaining-requests"]) < int(raw.headers["x-ratelimit-limit-requests"])
    assert '"' in raw.headers["ratelimit"]
    status, record = demo_gateway.ask_admin(f"/api/decisions/{raw.headers['x-gateway-decision']}")
    assert status == 200
    assert str(answer.usage.completion_tokens) in record
    assert "rivers" not in record


@pytest.mark.parametrize("asked", [True, False])
def test_a_stream_shows_usage_exactly_when_the_client_asked_for_it(client, asked):
    options = {"stream_options": {"include_usage": True}} if asked else {}
    stream = client.chat.completions.create(model="demo", messages=HELLO, max_tokens=20, stream=True, seed=3, **options)
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text
    assert any(chunk.usage for chunk in chunks) is asked
    assert any(not chunk.choices for chunk in chunks) is asked


def test_a_stream_that_was_not_asked_to_tell_usage_is_settled_by_the_upstream_s_count(client, demo_gateway):
    raw = client.chat.completions.with_raw_response.create(model="demo", messages=HELLO, max_tokens=20, stream=True)
    list(raw.parse())
    record = next(r for r in demo_gateway.records() if r["id"] == raw.headers["x-gateway-decision"])
    assert record["usage"]["source"] == "upstream"
    assert record["settle"] == "settled"


def test_responses(client):
    answer = client.responses.create(model="demo", input="Tell me about rivers.", max_output_tokens=20)
    assert answer.output_text
    assert answer.usage.total_tokens > 0


def test_a_stored_response_belongs_to_the_key_that_made_it(client, demo_gateway):
    answer = client.responses.create(model="demo", input="Tell me about rivers.", max_output_tokens=20)
    again = client.responses.create(model="demo", input="And lakes?", previous_response_id=answer.id, max_output_tokens=20)
    assert again.output_text
    with openai.OpenAI(base_url=client.base_url, api_key=demo_gateway.create_key("--account", "other"), max_retries=0) as other:
        with pytest.raises(openai.NotFoundError):
            other.responses.create(model="demo", input="And lakes?", previous_response_id=answer.id)


def test_a_stream_of_responses(client):
    events = list(client.responses.create(model="demo", input="Tell me about rivers.", max_output_tokens=20, stream=True))
    assert events[0].type == "response.created"
    assert events[-1].type in {"response.completed", "response.incomplete"}
    assert [event.sequence_number for event in events] == list(range(len(events)))


def test_embeddings(client):
    answer = client.embeddings.create(model="demo", input=["rivers", "lakes"])
    assert len(answer.data) == 2


def test_completions(client):
    assert client.completions.create(model="demo", prompt="Rivers", max_tokens=10).choices[0].text


def test_models(client):
    assert [model.id for model in client.models.list()]


def test_a_wrong_key_is_the_sdk_s_authentication_error(demo_gateway):
    with openai.OpenAI(base_url=demo_gateway.url + "/v1", api_key="azg_wrong", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError) as caught:
            client.chat.completions.create(model="demo", messages=HELLO)
    assert caught.value.code == "invalid_api_key"
    assert "azg_wrong" not in str(caught.value)


def test_an_error_of_the_model_passes_as_it_is(client):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="demo", messages=HELLO, temperature=99)
    assert caught.value.param == "temperature"


def test_the_async_client_streams(demo_gateway):
    import asyncio

    async def main():
        async with openai.AsyncOpenAI(base_url=demo_gateway.url + "/v1", api_key=demo_gateway.demo_key) as client:
            stream = await client.chat.completions.create(model="demo", messages=HELLO, max_tokens=10, stream=True)
            return [chunk async for chunk in stream]

    assert asyncio.run(main())


def test_the_sdk_retries_when_a_limit_says_so_and_then_gets_its_answer(start, policy_of):
    gateway = start("--demo", policy=policy_of("{ id: rps, count: requests, rate: 1/second, per: key }"))
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.demo_key, max_retries=5) as client:
        for _ in range(3):
            assert client.chat.completions.create(model="demo", messages=HELLO, max_tokens=3).choices
    assert gateway.metric("gateway_refusals_total", reason="limit.rps") >= 1


def test_the_sdk_does_not_retry_what_can_never_fit(start, policy_of):
    gateway = start("--demo", policy=policy_of("{ id: tpm, count: tokens, rate: 50/minute, per: key }"))
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.demo_key, max_retries=5) as client:
        with pytest.raises(openai.RateLimitError, match="can never fit"):
            client.chat.completions.create(model="demo", messages=HELLO, max_tokens=500)
    assert gateway.metric("gateway_refusals_total", reason="limit.tpm") == 1
