"""Choosing records, and following what comes."""

from __future__ import annotations

import pytest

from gateway.audit.query import Follower, Query, select
from gateway.audit.read import decode
from gateway.model.caller import Caller
from gateway.model.decision import Action, Decision
from gateway.model.request import RequestFacts
from tests.audit.making import START, checkpoint, entry, opening, small, writer

SECOND = 1_000_000


def refused(reason):
    return Decision("refuse", Action.ALLOW, Action.ALLOW, "", reason, "p@1#0")


GLOBEX = {"caller": Caller("cd" * 16, "globex"), "facts": RequestFacts("anthropic.messages", "messages", "claude-x")}


@pytest.fixture
def data(tmp_path):
    log = writer(tmp_path)
    log.append([
        entry("plain", START),
        entry("other", START + SECOND, **GLOBEX),
        entry("limit", START + 2 * SECOND, status=429, end="refused", decision=refused("limit.free-rpm")),
        entry("blind", START + 3 * SECOND, status=401, end="refused", caller=None, facts=None, decision=refused("caller.missing")),
        entry("gone", START + 4 * SECOND, status=0, end="client_gone"),
        opening("stream", START + 5 * SECOND),
        checkpoint(),
    ])  # fmt: skip
    log.close()
    return tmp_path


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query(), "plain other limit blind gone"),
        (Query(since_us=START + 250_000 + SECOND), "other limit blind gone"),
        (Query(until_us=START + 250_000 + SECOND), "plain"),
        (Query(account="acme"), "plain limit gone"),
        (Query(account="glo*"), "other"),
        (Query(key="fp:cdcd"), "other"),
        (Query(key="cd" * 16), "other"),
        (Query(model="claude-*"), "other"),
        (Query(end="client_gone"), "gone"),
        (Query(outcome="refuse"), "limit blind"),
        (Query(reason="limit.*"), "limit"),
        (Query(status="4xx"), "limit blind"),
        (Query(status="401"), "blind"),
        (Query(account="acme", outcome="forward", since_us=START + SECOND), "gone"),
        (Query(account="nobody"), ""),
    ],
)
def test_what_is_asked_is_what_is_found(data, query, expected):
    assert [decode(line)["id"] for line in select(data, query)] == expected.split()


def test_a_limit_keeps_the_latest(data):
    assert [decode(line)["id"] for line in select(data, Query(), 2)] == ["blind", "gone"]


def test_a_follower_sees_what_comes_in_old_chains_and_new_ones_across_segments(tmp_path):
    log = writer(tmp_path, segment_bytes=1500)
    log.append([small("before")])
    follower = Follower(tmp_path)
    assert follower.poll() == []
    for number in range(12):
        log.append([small(f"a{number}"), checkpoint()])
    later = writer(tmp_path)
    later.append([small("b0")])
    assert sorted(decode(line)["id"] for line in follower.poll()) == sorted([*(f"a{number}" for number in range(12)), "b0"])
    assert follower.poll() == []
    log.append([small("a12")])
    assert [decode(line)["id"] for line in follower.poll()] == ["a12"]
    log.close()
    later.close()
