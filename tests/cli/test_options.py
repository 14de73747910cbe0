"""Options that are spelled the same everywhere, and results as JSON."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gateway.cli import COMMANDS, cli
from gateway.cli.options import json_option, moment, print_json, state_options


@click.command()
@state_options
@json_option
def told(state, data, as_json):
    print_json({"state": state, "data": str(data), "json": as_json, "is_path": isinstance(data, Path)})


def run(*arguments, **environment):
    return json.loads(CliRunner(env=environment).invoke(told, arguments, catch_exceptions=False).output)


def test_state_and_data_have_defaults():
    assert run() == {"state": "memory", "data": "gateway-data", "json": False, "is_path": True}


def test_they_come_from_the_environment_and_flags_stand_over_it():
    assert run(GATEWAY_STATE="redis://h/1", GATEWAY_DATA="/d")["state"] == "redis://h/1"
    assert run(GATEWAY_STATE="redis://h/1", GATEWAY_DATA="/d")["data"] == "/d"
    assert run("--state", "memory", "--data", "/e", "--json", GATEWAY_DATA="/d") == {
        "state": "memory",
        "data": "/e",
        "json": True,
        "is_path": True,
    }


def test_a_file_is_no_data_folder(tmp_path):
    (tmp_path / "file").touch()
    assert CliRunner().invoke(told, ["--data", str(tmp_path / "file")]).exit_code == 2


def test_json_is_one_document_that_people_can_read(capsys):
    print_json({"a": [1, "\u00e9"]})
    text = capsys.readouterr().out
    assert json.loads(text) == {"a": [1, "\u00e9"]}
    assert "\n" in text.strip()


def commands(group=cli, path=()):
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize(("path", "command"), list(commands()), ids=lambda value: "-".join(value) if isinstance(value, tuple) else "")
def test_each_command_has_help_with_an_example(path, command):
    shown = CliRunner().invoke(cli, [*path, "--help"])
    assert shown.exit_code == 0
    assert "Example: gateway " in shown.output


def test_the_commands_are_listed_with_a_line_each_and_an_unknown_one_is_called_wrongly():
    listed = CliRunner().invoke(cli, ["--help"]).output
    assert all(name in listed and line in listed for name, (_, line) in COMMANDS.items())
    assert CliRunner().invoke(cli, ["surf"]).exit_code == 2


@pytest.mark.parametrize(
    ("text", "at_us"),
    [
        ("2026-11-24", 1_795_478_400_000_000),
        ("2026-11-24T13:00", 1_795_525_200_000_000),
        ("2026-11-24T13:00+01:00", 1_795_521_600_000_000),
    ],
)
def test_a_moment_is_a_date_or_time_of_utc_or_of_the_zone_it_names(text, at_us):
    assert moment(None, None, text) == at_us


def test_a_moment_may_be_a_time_ago():
    before = time.time_ns() // 1000
    at_us = moment(None, None, "2h")
    assert before <= at_us + 2 * 3600 * 1_000_000 <= time.time_ns() // 1000
    assert moment(None, None, None) is None
    with pytest.raises(click.BadParameter):
        moment(None, None, "yesterday")
