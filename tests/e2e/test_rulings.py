"""A person clears and confirms callers: every gateway goes by it within about a second, and every log says so."""

from __future__ import annotations

import json
import time
import urllib.request

import pytest

from gateway.audit.folder import chain_folders, segments
from gateway.audit.read import decode, lines_of

LADDER = """
ladder:
  - { id: open, at: 0, do: allow }
  - { id: watched, at: 10, do: watch }
  - { id: altered, at: 20, do: perturb }
"""
CHAT = json.dumps({"model": "demo", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}).encode()


def asked(gateway, key):
    """What the ladder does with a request of this key, as the gateway's own record of it says."""
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    request = urllib.request.Request(gateway.url + "/v1/chat/completions", CHAT, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        answer.read()
        decided = answer.headers["x-gateway-decision"]
    return json.loads(gateway.ask_admin(f"/api/decisions/{decided}")[1])["decision"]["action"]


def comes_to(gateway, key, action):
    """Whether the gateway treats this key so within 2 seconds."""
    end = time.monotonic() + 2.0
    while (done := asked(gateway, key)) != action and time.monotonic() < end:
        time.sleep(0.05)
    return done == action


def ruled(gateway, key_id, what, by, why):
    """POST /api/risk/KEY/clear or /confirm."""
    body = json.dumps({"by": by, "why": why}).encode()
    url = f"{gateway.admin}/api/risk/{key_id}/{what}"
    request = urllib.request.Request(url, body, {"content-type": "application/json"}, method="POST")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def told(gateway, few=0):
    """(finding, by, why) of each ruling in the gateway's log, as soon as there are so many."""
    end = time.monotonic() + 2.0
    while True:
        found = [decode(line) for chain in chain_folders(gateway.data) for path in segments(chain) for line in lines_of(path)]
        lines = [line for line in found if line["kind"] == "ruling"]
        if len(lines) >= few or time.monotonic() > end:
            return [(line["finding"], line["by"], line["why"]) for line in lines]
        time.sleep(0.05)


def created(gateway, *arguments):
    made = json.loads(gateway.command("keys", "create", "--json", *arguments).stdout)
    return made["key"], made["key_id"]


def test_beside_an_embedded_gateway_a_decision_holds_at_once_and_is_in_its_log(start, policy_of):
    gateway = start("--demo", policy=policy_of(rest=LADDER))
    key, key_id = created(gateway)
    assert asked(gateway, key) == "allow"
    gateway.command("risk", "confirm", key_id, "--by", "maria", "--why", "sells it")
    assert comes_to(gateway, key, "perturb")
    gateway.command("risk", "clear", key_id, "--by", "otto", "--why", "it was somebody else")
    assert comes_to(gateway, key, "allow")
    answer = ruled(gateway, key_id, "confirm", "maria", "it was not")
    assert (answer["finding"], asked(gateway, key)) == ("confirmed", "perturb")
    decided = [("confirmed", "maria", "sells it"), ("cleared", "otto", "it was somebody else"), ("confirmed", "maria", "it was not")]
    assert told(gateway, 3) == decided
    records = gateway.records()
    assert {record["kind"] for record in records} == {"record"}
    assert gateway.terminate() == 0
    checked = gateway.verify()
    assert checked.returncode == 0, checked.stdout
    assert "unanchored" not in checked.stdout


def test_a_process_that_starts_goes_by_what_was_decided_before_and_says_so_in_its_own_chain(start, policy_of):
    policy = policy_of(rest=LADDER)
    gateway = start("--demo", policy=policy)
    key, key_id = created(gateway)
    gateway.terminate()
    for what in ("clear", "confirm"):
        gateway.command("risk", what, key_id, "--by", "maria", "--why", f"to {what}")
    again = start("--demo", policy=policy)
    assert comes_to(again, key, "perturb")
    assert told(again, 1) == [("confirmed", "maria", "to confirm")]


@pytest.fixture
def pair(start, policy_of, redis_url):
    return [start("--demo", "--state", redis_url, policy=policy_of(rest=LADDER), name=name) for name in ("one", "two")]


def test_what_is_decided_at_one_gateway_holds_at_the_other_and_each_log_says_it_once(pair, redis_url):
    one, two = pair
    key, key_id = created(one, "--state", redis_url)
    assert [asked(gateway, key) for gateway in pair] == ["allow", "allow"]
    ruled(one, key_id, "confirm", "maria", "sells it")
    assert asked(one, key) == "perturb"
    assert comes_to(two, key, "perturb")
    two.command("risk", "clear", key_id, "--by", "otto", "--why", "it was somebody else", "--state", redis_url)
    assert [comes_to(gateway, key, "allow") for gateway in pair] == [True, True]
    decided = [("confirmed", "maria", "sells it"), ("cleared", "otto", "it was somebody else")]
    assert [told(gateway, 2) for gateway in pair] == [decided, decided]
    assert [gateway.verify().returncode for gateway in pair] == [0, 0]
