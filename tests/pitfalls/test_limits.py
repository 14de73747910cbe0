"""What breaks in every peer, by the numbers of the list it was collected in: limits and streams, on real gateways."""

from __future__ import annotations

import asyncio
import json

import openai
import pytest

from tests.pitfalls.asking import CHAT, ask, at_once, leave, policy, record, until, whole


def test_01_concurrent_requests_do_not_slip_past_a_token_limit(start, zoo):
    gateway = start(zoo, "{ id: tpm, count: output_tokens, rate: 1000/hour, per: key }")
    statuses = asyncio.run(at_once(gateway, 40, endless=False, stream=True, max_tokens=200))
    # Five fit by what they ask for; as each settles for the few tokens it used, others may come in, but never more than fit at once.
    assert statuses.count(200) >= 5
    assert statuses.count(429) > 0
    assert set(statuses) == {200, 429}


def test_02_a_request_refused_by_one_limit_costs_nothing_on_another(start, zoo):
    gateway = start(zoo, "{ id: rpm, count: requests, rate: 3/hour, per: key }", "{ id: tpm, count: tokens, rate: 100/hour, per: key }")
    for _ in range(5):
        assert whole(gateway, max_tokens=5000)[0] == 429
    assert [whole(gateway, max_tokens=5)[0] for _ in range(4)] == [200, 200, 200, 429]


def test_03_slots_do_not_leak_when_clients_hang_up(start, zoo):
    gateway = start(zoo, "{ id: two, count: concurrent, at_once: 2, per: key, lease: 10m }")
    for _ in range(6):
        leave(gateway, endless=True, stream=True)
        assert until(lambda: whole(gateway)[0] == 200)


def test_03_slots_do_not_leak_when_the_upstream_breaks_or_stalls(start, zoo):
    rest = f"upstreams: [{{ id: up, url: '{zoo.url}', first_byte_timeout: 1s }}]"
    gateway = start(zoo, "{ id: one, count: concurrent, at_once: 1, per: key, lease: 10m }", rest=rest)
    for _ in range(3):
        assert b'"error"' in whole(gateway, truncate=True, stream=True)[2]
        assert until(lambda: whole(gateway)[0] == 200)


def test_05_a_lost_settle_frees_its_slot_when_the_lease_is_over(start, zoo, redis_server, redis_url):
    limits = ("{ id: one, count: concurrent, at_once: 1, per: key, lease: 2s, when_state_is_lost: allow }",)
    gateway = start(zoo, *limits, arguments=("--state", redis_url))
    connection, answer = ask(gateway, endless=True, stream=True)
    answer.read(50)
    redis_server.pause()
    try:
        answer.close()
        connection.close()
        assert until(lambda: gateway.metric("gateway_settles_total", outcome="unknown") >= 1)
    finally:
        redis_server.resume()
    assert until(lambda: whole(gateway)[0] == 200, 6)


def test_06_what_can_never_fit_is_said_so_and_a_guess_never_refuses(start, zoo):
    gateway = start(zoo, "{ id: tpm, count: tokens, rate: 60/hour, per: key }")
    status, headers, body = whole(gateway, max_tokens=100)
    assert status == 429
    assert "can never fit" in json.loads(body)["error"]["message"]
    assert headers["x-should-retry"] == "false"
    assert whole(gateway)[0] == 200


def test_07_a_stream_is_counted_when_the_client_hangs_up_and_when_the_upstream_says_nothing(start, zoo):
    gateway = start(zoo, "{ id: tpm, count: tokens, rate: 100000/hour, per: key }")
    decision = whole(gateway, stream=True)[1]["x-gateway-decision"]
    counted = record(gateway, decision)["usage"]
    assert (counted["source"], counted["output"] > 0) == ("counted", True)
    left = leave(gateway, stream=True, endless=True)
    assert until(lambda: record(gateway, left) is not None)
    found = record(gateway, left)
    assert found["end"] == "client_gone"
    assert found["usage"]["output"] > 0


def test_08_a_truncated_answer_never_looks_whole(start, zoo):
    gateway = start(zoo)
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key="sk-a", max_retries=0) as client:
        stream = client.chat.completions.create(**CHAT, stream=True, extra_body={"truncate": True})
        with pytest.raises(openai.APIError):
            list(stream)
    assert until(lambda: gateway.records()[-1]["end"] == "upstream_truncated")


def test_09_events_are_handed_on_as_they_come(start, zoo):
    gateway = start(zoo)
    connection, answer = ask(gateway, stream=True, endless=True)
    answer.read(50)
    assert zoo.sent < 1000
    answer.close()
    connection.close()


def test_10_the_upstream_stops_when_the_client_has_gone_and_is_billed(start, zoo):
    gateway = start(zoo)
    decision = leave(gateway, stream=True, endless=True)
    assert until(lambda: zoo.left == 1)
    assert until(lambda: record(gateway, decision) is not None)
    assert record(gateway, decision)["usage"]["output"] > 0


@pytest.mark.parametrize("stream", [False, True])
def test_15_limits_are_told_on_answers_streams_and_refusals_and_are_never_nonsense(start, zoo, stream):
    gateway = start(zoo, "{ id: rpm, count: requests, rate: 2/minute, per: key }")
    for status in (200, 200, 429):
        told, headers, _ = whole(gateway, stream=stream)
        assert told == status
        assert headers["x-ratelimit-limit-requests"] == "2"
        assert int(headers["x-ratelimit-remaining-requests"]) >= 0
        assert headers["ratelimit-policy"].startswith('"rpm";q=2;w=60')
        if status == 429:
            assert 1 <= int(headers["retry-after"]) <= 60
            assert "x-should-retry" not in headers
            assert int(headers["retry-after-ms"]) >= 1
        else:
            assert "retry-after" not in headers


def test_17_a_reload_keeps_what_was_used_and_a_bad_file_keeps_the_old_policy(start, zoo):
    gateway = start(zoo, "{ id: rpm, count: requests, rate: 3/hour, per: key }")
    assert [whole(gateway)[0] for _ in range(2)] == [200, 200]
    gateway.policy_file.write_text(policy("{ id: rpm, count: requests, rate: 4/hour, per: key }"))
    assert gateway.ask_admin("/api/policy/reload", method="POST")[0] == 200
    assert [whole(gateway)[0] for _ in range(3)] == [200, 200, 429]
    gateway.policy_file.write_text("schema: nonsense")
    assert gateway.ask_admin("/api/policy/reload", method="POST")[0] == 422
    assert whole(gateway)[0] == 429
    assert gateway.metric("gateway_policy_reloads_total", outcome="failed") >= 1
