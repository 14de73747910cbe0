"""`gateway policy diff`: what it prints, as text and JSON, with and without a trace, and how it exits."""

from __future__ import annotations

import gzip
import json
from itertools import islice

import pytest
from click.testing import CliRunner

from gateway.cli.keys import keys
from gateway.cli.policy import policy
from gateway.policy.load import SHIPPED
from tests.test_trace import LINE

OLD = """\
schema: gateway.policy/v1
name: small
version: "1"
callers: [{ id: all, match: {}, tier: free }]
tiers:
  free:
    models: ["*"]
    limits:
      - { id: rpm, count: requests, rate: 3/minute, per: key }
      - { id: tpm, count: tokens, rate: 100000/minute, per: key }
"""
NEW = OLD.replace("3/minute", "1/minute").replace("100000/minute, per: key", "100000/minute, per: account")


@pytest.fixture
def files(tmp_path):
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(OLD)
    new.write_text(NEW)
    return old, new


@pytest.fixture
def trace(tmp_path):
    path = tmp_path / "t.jsonl"
    records = [LINE | {"at": LINE["at"] + n, "key": key} for n, key in enumerate(["k-1", "k-1", "k-1", "k-2"])]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def run(*arguments):
    return CliRunner().invoke(policy, ["diff", *(str(argument) for argument in arguments)])


def test_it_says_of_each_limit_what_becomes_of_what_was_used(files):
    result = run(*files)
    assert result.exit_code == 0
    assert "~ tiers.free.limits.rpm: 3 requests in any minute -> 1 requests in any minute; what was used is kept" in result.stdout
    assert "~ tiers.free.limits.tpm: per: key -> account; counting starts anew" in result.stdout
    assert "1 limit would start anew: what was used of it is forgotten" in result.stdout


def test_with_a_trace_it_says_whose_requests_would_be_decided_otherwise(files, trace):
    result = run(*files, "--replay", trace)
    assert result.exit_code == 0
    assert "replay of 4 requests by 2 callers, judged by caller rules, tiers, limits, signals and the ladder" in result.stdout
    assert "  old  refused 0\n" in result.stdout
    assert "  new  refused 2 (limit.rpm 2)\n" in result.stdout
    assert "2 requests decided otherwise; 2 callers affected" in result.stdout
    assert "k-1 (a-1); limits rpm, tpm; refused 0 -> 2 of 3" in result.stdout


def test_as_json(files, trace):
    report = json.loads(run(*files, "--json", "--replay", trace, "--replay", trace).stdout)
    assert [(change["where"], change["usage"]) for change in report["changes"]] == [
        ("tiers.free.limits.rpm", "kept"), ("tiers.free.limits.tpm", "anew"),
    ]  # fmt: skip
    replay = report["replay"]
    assert (replay["records"], replay["callers"]) == (8, 2)
    first = replay["affected"][0]
    assert (first["key"], first["rule"], first["limits"]) == ("k-1", {"old": "all", "new": "all"}, ["rpm", "tpm"])
    assert first["new"]["reasons"] == {"limit.rpm": first["new"]["refused_by_limit"]}
    assert json.loads(run(*files, "--json").stdout)["replay"] is None


def test_issued_keys_say_what_a_trace_does_not(files, trace, tmp_path):
    data = str(tmp_path / "data")
    made = CliRunner().invoke(keys, ["create", "--json", "--tag", "gold", "--data", data])
    trace.write_text(json.dumps(LINE | {"key": json.loads(made.stdout)["key_id"]}) + "\n")
    files[1].write_text(NEW.replace("match: {}", "match: { tag: gold }"))
    without = run(*files, "--replay", trace, "--data", data).stdout
    assert "nor by what a key's own record says (--keys)" in without
    assert "new  refused 1 (caller.unmatched 1)" in without
    known = run(*files, "--replay", trace, "--keys", "--data", data).stdout
    assert "(--keys)" not in known
    assert "new  refused 0" in known


def test_only_the_first_records_are_tried_where_so_asked(files, trace):
    assert "replay of 2 requests by 1 callers" in run(*files, "--replay", trace, "--first", "2").stdout


@pytest.mark.parametrize("name", SHIPPED)
def test_a_policy_is_the_same_as_itself(name):
    result = run(name, name, "--exit-code")
    assert result.exit_code == 0
    assert "no difference: both do the same" in result.stdout


@pytest.mark.parametrize(
    ("old", "new"), [("default", "strict"), ("strict", "default"), ("default", "shadow"), ("default", "passthrough")]
)
def test_shipped_policies_can_be_compared(old, new):
    result = run(old, new, "--exit-code")
    assert result.exit_code == 1
    assert result.stdout.startswith(f"old  {old}@")
    assert run(old, new).exit_code == 0


def test_development_traffic_can_be_replayed(shared):
    result = run("default", "strict", "--json", "--replay", shared / "traces" / "dev.jsonl.gz", "--first", "2000")
    replay = json.loads(result.stdout)["replay"]
    assert replay["records"] == 2000
    with gzip.open(shared / "traces" / "dev.jsonl.gz") as lines:
        biases = [json.loads(line)["request"].get("logit_bias") or {} for line in islice(lines, 2000)]
    assert replay["old"]["refused_by_policy"] == sum(any(value != -100 for value in bias.values()) for bias in biases)
    assert replay["new"]["refused_by_policy"] > replay["old"]["refused_by_policy"] > 0
    assert "hostile" not in result.stdout


def test_what_cannot_be_read_is_said_and_exits_1(files, tmp_path):
    broken = tmp_path / "broken.jsonl"
    broken.write_text("no\n")
    result = run(*files, "--replay", broken)
    assert result.exit_code == 1
    assert "broken.jsonl:1: not a record" in str(result.exception)
    assert run("default", "nothing-of-this-name").exit_code == 1
    assert run("default").exit_code == 2


def test_help_has_an_example():
    assert "Example: gateway policy diff" in run("--help").stdout
