"""What a real gateway wrote down is exported, read as recorded traffic, and replayed."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

from gateway.trace import read_trace

CHAT = {"model": "demo", "messages": [{"role": "user", "content": "a question nobody may keep"}], "max_tokens": 4}
LIMIT = "{ id: rpm, count: requests, rate: 3/minute, per: key }"


def ask(gateway, path, body, key=None):
    headers = {"authorization": f"Bearer {key or gateway.demo_key}", "content-type": "application/json"}
    request = urllib.request.Request(gateway.url + path, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_the_log_of_a_gateway_replays(start, policy_of, tmp_path):
    policy = policy_of(LIMIT)
    gateway = start("--demo", policy=policy)
    asked = [
        ("/v1/chat/completions", CHAT),
        ("/v1/chat/completions", CHAT | {"n": 2, "logprobs": True, "top_logprobs": 3, "logit_bias": {"5": -2, "6": 4}}),
        ("/v1/completions", {"model": "demo", "prompt": "nobody may keep it", "max_tokens": 3, "stream": True}),
        ("/v1/chat/completions", CHAT),
    ]
    assert [ask(gateway, *one) for one in asked] == [200, 200, 200, 429]
    assert ask(gateway, *asked[0], key="azg_nobody") == 401
    trace = tmp_path / "log.jsonl.gz"
    told = gateway.command("audit", "export", "--format", "trace", "--out", str(trace)).stderr
    assert told == f"4 records in {trace}\n1 left out, which have no caller or no path\n"

    records = list(read_trace(trace))
    bodies = [json.loads(record.body) for record in records]
    assert [record.status for record in records] == [200, 200, 200, 429]
    assert (bodies[1]["n"], bodies[1]["top_logprobs"], sorted(bodies[1]["logit_bias"].values())) == (2, 3, [-2.0, 4.0])
    assert (bodies[2]["max_tokens"], bodies[2]["stream"]) == (3, True)
    assert "nobody may keep" not in str(bodies)
    assert all(record.usage.output > 0 and record.duration_us >= record.first_byte_us > 0 for record in records[:3])

    report = tmp_path / "report.json"
    policy_file = gateway.data.parent / "policy.yaml"
    gateway.command("replay", str(trace), "--policy", str(policy_file), "--report", str(report), "--keys")
    replayed = json.loads(report.read_bytes())
    key_id = records[0].key
    caller = replayed["callers"][key_id]
    assert (replayed["records"], caller["requests"], caller["refused_by_limit"]) == (4, 4, 1)
    jsonl = gateway.command("audit", "export").stdout.splitlines()
    assert [json.loads(line)["id"] for line in jsonl] == [record["id"] for record in gateway.records()]
    assert len(jsonl) == 5
