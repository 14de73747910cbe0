"""`gateway quota show`: where it looks, what it prints and how it exits. That it agrees with the headers is shown end to end."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from gateway.cli import main
from gateway.cli.keys import keys
from gateway.cli.quota import quota
from gateway.errors import QuotaError, SettingsError

POLICY = """\
schema: gateway.policy/v1
name: p
version: "1"
callers: [{ id: all, match: {}, tier: t }]
tiers:
  t:
    models: ["*"]
    limits:
      - { id: rpm, count: requests, rate: 10/minute, per: key }
      - { id: per-model, count: tokens, rate: 10/day, per: [key, model] }
      - { id: atonce, count: concurrent, at_once: 3, per: key, lease: 5m }
"""


@pytest.fixture
def offline(tmp_path):
    """`run(KEY, ...)` with `--offline`, on a data folder where one key was made; `run.key_id` is its id."""
    policy = tmp_path / "p.yaml"
    policy.write_text(POLICY)
    data = str(tmp_path / "data")
    made = json.loads(CliRunner().invoke(keys, ["create", "--json", "--account", "acme", "--data", data]).stdout)

    def run(*arguments):
        return CliRunner().invoke(quota, ["show", *arguments, "--offline", "--data", data, "--policy", str(policy)])

    run.key_id = made["key_id"]
    return run


def test_every_limit_has_its_line(offline):
    result = offline(f"fp:{offline.key_id[:12]}")
    assert result.exit_code == 0, result.exception
    assert f"caller   fp:{offline.key_id[:12]}, active, account acme" in result.stdout
    assert "tier t by rule all" in result.stdout
    assert "limit    rpm: 0 of 10 used, 10 left (10 requests in any minute); whole\n" in result.stdout
    assert "counted per key and model: give --model to see it" in result.stdout
    assert "limit    atonce: 0 of 3 used, 3 left (3 requests at once" in result.stdout
    assert "note     as the gateway last wrote it down" in result.stdout


def test_as_json(offline):
    told = json.loads(offline(offline.key_id, "--json", "--model", "m").stdout)
    assert told["source"] == "written down"
    assert [(limit["id"], limit["used"], limit["remaining"]) for limit in told["limits"]] == [
        ("rpm", 0, 10), ("per-model", 0, 10), ("atonce", 0, 3),
    ]  # fmt: skip


def test_an_account_is_found_by_its_name(offline):
    told = json.loads(offline("acme", "--account", "--json").stdout)
    assert (told["account"], told["limits"][0]["needs"]) == ("acme", "key")


def test_nobody_is_exit_1(offline):
    result = offline("fp:00000000")
    assert result.exit_code == 1
    assert isinstance(result.exception, QuotaError)


def test_where_no_gateway_runs_it_says_so_and_what_to_do(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["quota", "show", "fp:00000000", "--admin", "http://127.0.0.1:9"])
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert "no gateway answers at http://127.0.0.1:9" in said
    assert "--offline" in said


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["show"], SystemExit),
        (["show", "fp:00000000", "--offline", "--admin", "http://127.0.0.1:9"], SystemExit),
        (["show", "fp:00000000", "--offline", "--state", "redis://127.0.0.1:9/0"], SystemExit),
        (["show", "fp:00000000", "--admin", "file:///etc/passwd"], SettingsError),
    ],
)
def test_called_wrongly(arguments, error):
    result = CliRunner().invoke(quota, arguments)
    assert isinstance(result.exception, error)
    assert result.exit_code == 2 or error is SettingsError


@pytest.mark.parametrize("command", [[], ["show"]])
def test_every_command_has_help_with_an_example(command):
    result = CliRunner().invoke(quota, [*command, "--help"])
    assert result.exit_code == 0
    assert "Example: gateway quota show" in result.stdout
