"""`gateway risk`: beside the process that serves, for people and as JSON."""

from __future__ import annotations

import asyncio
import json

import pytest
from click.testing import CliRunner

from gateway.cli import cli
from gateway.cli.beside import WallClock
from gateway.cli.risk import risk
from gateway.errors import RiskError
from gateway.model.evidence import Evidence, Verdict
from gateway.stores.memory import open_memory

KEY = "a1" * 16


@pytest.fixture
def run(tmp_path):
    """`run("show", KEY, ...)` on a state in which one caller is suspected."""

    async def suspect():
        clock = WallClock()
        opened = await open_memory("memory", tmp_path, secret=None, clock=clock, exclusive=True)
        reason = Evidence("elicitation", "1", "wording", 24.0, "41 of 52 prompts\x1b[31m", "8 of 52")
        opened.verdicts.put(KEY, Verdict(24.0, frozenset({"wording"}), None, (reason,), 24.0, 24.0, at_us=clock.now()))
        await opened.aclose()

    asyncio.run(suspect())
    return lambda *arguments: CliRunner().invoke(risk, [*arguments, "--data", str(tmp_path)])


def test_the_list_has_a_line_a_caller(run):
    told = run("list").stdout
    assert told.startswith(f"fp:{KEY[:12]}")
    assert "24.0 dB" in told
    assert [row["key_id"] for row in json.loads(run("list", "--json").stdout)] == [KEY]
    assert run("list", "--at-least", "30").stdout == ""
    assert run("list", "--campaigns").stderr == "no campaign\n"


def test_a_caller_is_shown_with_numbers_and_nothing_that_a_terminal_obeys(run):
    result = run("show", KEY[:8])
    assert result.exit_code == 0, result.exception
    assert "score     24.0 decibans" in result.stdout
    assert "signal    elicitation v1 (wording) +24.0" in result.stdout
    assert "\x1b" not in result.stdout


def test_clear_confirm_and_what_was_decided(run):
    assert run("clear", KEY[:8], "--by", "maria", "--why", "one exercise").exit_code == 0
    assert "score     0.0 decibans" in run("show", KEY).stdout
    assert json.loads(run("confirm", KEY, "--why", "sells it", "--json").stdout)["finding"] == "confirmed"
    told = json.loads(run("decisions", "--json").stdout)
    assert [(one["finding"], one["stands"]) for one in told] == [("cleared", False), ("confirmed", True)]
    assert "decided   confirmed by" in run("show", KEY).stdout


def test_nobody_is_exit_1_and_a_decision_without_a_reason_2(run):
    nobody = run("show", "0" * 8)
    assert nobody.exit_code == 1
    assert isinstance(nobody.exception, RiskError)
    assert run("clear", KEY).exit_code == 2
    assert run("list", "--campaigns", "--at-least", "3").exit_code == 2


def test_a_verified_caller_gets_a_token_of_its_own(tmp_path):
    made = json.loads(CliRunner().invoke(cli, ["keys", "create", "--account", "acme", "--data", str(tmp_path), "--json"]).output)
    result = CliRunner().invoke(cli, ["risk", "grace", made["key_id"], "--for", "1d", "--data", str(tmp_path), "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.output)
    assert told["key_id"] == made["key_id"]
    assert told["grace"].startswith(f"azv1.{told['until']}.")
    wrong = CliRunner().invoke(cli, ["risk", "grace", made["key_id"], "--for", "soon", "--data", str(tmp_path)])
    assert wrong.exit_code == 2
