"""`gateway policy`: what it prints and how it exits."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from gateway.cli.policy import policy
from gateway.policy.load import SHIPPED

GOOD = """\
schema: gateway.policy/v1
name: small
version: "1"
callers:
  - { id: paying, match: { tag: paid, attributes: { asn: "645*" } }, tier: free }
  - { id: known, match: { key: "fp:9f2c61d07ab4" }, tier: free }
tiers:
  free: { models: [small-*], limits: [{ id: rpm, count: requests, rate: 20/minute, per: key }] }
"""
FAILING = "tests:\n  - { name: hopeful, given: { key: 'fp:9f2c61d07ab4' }, expect: { action: refuse } }\n"
REPLAY = "tests:\n  - { name: recorded, replay: a.jsonl, expect: {} }\n"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text(GOOD)
    return path


def run(*arguments):
    return CliRunner().invoke(policy, [str(argument) for argument in arguments])


def test_check_says_that_a_policy_is_right():
    result = run("check", *SHIPPED)
    assert result.exit_code == 0
    assert result.stdout.count("is right") == len(SHIPPED)


def test_check_tells_every_problem_of_every_file_with_its_place(file, tmp_path):
    other = tmp_path / "q.yaml"
    other.write_text(GOOD.replace("limits:", "limts:").replace("tag: paid", "tags: paid"))
    result = run("check", file, other, "nowhere")
    assert result.exit_code == 1
    assert f"{other}:5:28: callers[0].match.tags: unknown field (did you mean 'tag'?)" in result.stdout
    assert f"{other}:8:30: tiers.free.limts: unknown field (did you mean 'limits'?)" in result.stdout
    assert "nowhere: there is no such policy file" in result.stdout
    assert f"{file}: small@1#" in result.stdout


def test_notices_are_no_problems_unless_asked_for(file):
    result = run("check", file)
    assert result.exit_code == 0
    assert "callers that match no rule are refused" in result.stdout
    assert run("check", "--strict", file).exit_code == 1


def test_check_runs_the_tests_too(file):
    file.write_text(GOOD + FAILING)
    result = run("check", file)
    assert result.exit_code == 1
    assert f"{file}:10:1: tests: 'hopeful' does not hold: action: expected refuse, came allow" in result.stdout


def test_check_as_json(file):
    file.write_text(GOOD.replace("20/minute", "20/min"))
    result = run("check", "--json", file)
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    (problem,) = report["files"][0]["problems"]
    assert (report["ok"], problem["line"], problem["column"], problem["where"]) == (False, 8, 73, "tiers.free.limits[0].rate")
    assert "did you mean 'minute'?" in problem["text"]
    assert json.loads(run("check", "--json", "default").stdout)["ok"] is True


def test_test_runs_what_the_file_carries(file):
    assert run("test", "strict").exit_code == 0
    file.write_text(GOOD + FAILING)
    result = run("test", file)
    assert result.exit_code == 1
    assert "FAIL" in result.stdout
    assert "expected refuse, came allow" in result.stdout


def test_what_could_not_be_run_counts_unless_it_is_skipped(file):
    file.write_text(GOOD + REPLAY)
    result = run("test", file)
    assert result.exit_code == 1
    assert "not run: needs `gateway replay`" in result.stdout
    assert run("test", "--skip-replay", file).exit_code == 0


def test_test_as_json(file):
    file.write_text(GOOD + FAILING + REPLAY.removeprefix("tests:\n"))
    report = json.loads(run("test", "--json", file).stdout)
    assert [(test["passed"], bool(test["not_run"])) for test in report["files"][0]["tests"]] == [(False, False), (False, True)]


def test_explain_says_which_rule_and_why(file):
    result = run("explain", file, "--tag", "paid", "--attribute", "asn=64500", "--model", "small-1")
    assert result.exit_code == 0
    assert "rule      paying: matches: tag 'paid' fits paid; attributes.asn '64500' fits 645*" in result.stdout
    assert "model     small-1 is allowed by small-*" in result.stdout
    assert "limit     rpm: 20 requests in any minute, per key (each key); enforced; state lost: refuse" in result.stdout


def test_explain_by_fingerprint(file):
    result = run("explain", file, "--json", "--key", "fp:9f2c61d07ab4")
    explanation = json.loads(result.stdout)
    assert (explanation["rule"], explanation["tier"]) == ("known", "free")
    assert explanation["rules"][0] == {"id": "paying", "matched": False, "why": "tag (none) does not fit paid"}


def test_explain_says_when_nobody_lets_a_caller_in(file):
    result = run("explain", file, "--account", "acme")
    assert result.exit_code == 1
    assert "no rule matches" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "default", "--key", "azg_0123456789"),
        ("explain", "default", "--attribute", "asn"),
        ("check",),
        ("explain",),
        ("nothing",),
    ],
)
def test_called_wrongly(arguments):
    result = run(*arguments)
    assert result.exit_code == 2
    assert "azg_" not in result.output


def test_explain_takes_the_source_that_the_policy_s_credentials_mean():
    assert run("explain", "passthrough").exit_code == 0


def test_schema_is_the_one_that_is_checked_in(root, tmp_path):
    checked_in = (root / "policies" / "policy.schema.json").read_text()
    assert run("schema").stdout == checked_in
    out = tmp_path / "s.json"
    assert run("schema", "--out", out).exit_code == 0
    assert out.read_text() == checked_in
    assert json.loads(run("schema", "--json", "--out", out).stdout)["written"] == str(out)
    assert run("schema", "--out", tmp_path / "no" / "s.json").exit_code == 2


def test_the_reference_page_comes_from_there_too(root):
    assert run("schema", "--markdown").stdout == (root / "docs" / "policy.md").read_text()


@pytest.mark.parametrize("command", [[], ["check"], ["test"], ["explain"], ["schema"]])
def test_every_command_has_help_with_an_example(command):
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "Example: gateway policy" in result.stdout
