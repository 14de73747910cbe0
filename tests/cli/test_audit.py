"""`gateway audit`, as it is called: what is printed, and with which status it ends."""

from __future__ import annotations

import asyncio
import json
import sys

import pytest
from click.testing import CliRunner

from gateway.audit.folder import segments
from gateway.cli import cli
from gateway.model.decision import Action, Decision
from gateway.model.request import RequestFacts
from tests.audit.making import START, checkpoint, entry, opening, writer

HOUR = 3_600_000_000
ID = "0193c0de4f2a70000000000000000001"


@pytest.fixture
def data(tmp_path):
    refused = Decision("refuse", Action.ALLOW, Action.ALLOW, "", "limit.free-rpm", "p@1#0")
    log = writer(tmp_path)
    log.append([
        entry(ID, START),
        entry("0193c0de4f2b70000000000000000002", START + HOUR, status=429, end="refused", decision=refused),
        opening("0193c0de4f2c70000000000000000003", START + 2 * HOUR),
        entry("0193c0de4f2d70000000000000000004", START + 2 * HOUR, facts=RequestFacts("openai.chat", "chat", "evil\x1b[2Jmodel")),
        checkpoint(),
    ])  # fmt: skip
    log.close()
    return tmp_path


def call(data, *arguments):
    return CliRunner().invoke(cli, ["audit", *arguments, "--data", str(data)])


def file_of(data):
    return segments(next((data / "audit").iterdir()))[0]


def test_query_prints_a_line_for_each_record_and_never_what_a_terminal_would_obey(data):
    result = call(data, "query")
    assert result.exit_code == 0
    rows = result.stdout.splitlines()
    assert len(rows) == 3
    assert rows[0].split("  ") == [
        "2026-11-24 13:40:21.250Z", "200", "complete", "acme", "gpt-4o", "allow/open", "12+34tok", "0.250s", ID
    ]  # fmt: skip
    assert "refuse/limit.free-rpm" in rows[1]
    assert "\x1b" not in result.stdout


def test_query_as_json_prints_each_record_as_it_is_stored_with_its_id_on_top(data):
    result = call(data, "query", "--json")
    stored = [line for line in file_of(data).read_text().splitlines() if '"kind":"record"' in line]
    assert result.stdout.splitlines() == stored
    assert json.loads(stored[0])["id"] == ID


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        (["--since", "2026-11-24T14:00"], 2),
        (["--since", "2026-11-24T14:00:00+00:00", "--until", "2026-11-24T15:00"], 1),
        (["--until", "2026-11-24"], 0),
        (["--since", "1w", "--account", "nobody"], 0),
        (["--status", "429"], 1),
        (["--status", "2xx", "--limit", "1"], 1),
        (["--reason", "limit.*"], 1),
        (["--outcome", "refuse", "--end", "refused", "--key", "fp:abab", "--model", "gpt-*", "--account", "ac*"], 1),
    ],
)
def test_query_filters(data, filters, count):
    result = call(data, "query", *filters)
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == count


@pytest.mark.parametrize("wrong", [["--since", "yesterday"], ["--status", "2x"], ["--end", "fine"], ["--limit", "0"]])
def test_query_called_wrongly_ends_with_2(data, wrong):
    assert call(data, "query", *wrong).exit_code == 2


def test_tail_prints_the_last_records(data):
    assert [row.split("  ")[-1][-1] for row in call(data, "tail", "-n", "2").stdout.splitlines()] == ["2", "4"]
    assert len(call(data, "tail", "--json").stdout.splitlines()) == 3


async def test_tail_follows_what_a_gateway_writes(data, root):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "audit", "tail", "-n", "1", "-f", "--json", "--data", str(data),
        cwd=root, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert json.loads(await process.stdout.readline())["id"].endswith("4")
    log = writer(data)
    log.append([entry("0193c0de4f2e70000000000000000005", START + 3 * HOUR)])
    assert json.loads(await process.stdout.readline())["id"].endswith("5")
    process.terminate()
    await process.wait()
    log.close()


def test_show_prints_one_record_by_its_id_or_the_beginning_of_it(data):
    result = call(data, "show", ID)
    assert result.exit_code == 0
    assert "caller.account             acme" in result.stdout
    assert "ended                      2026-11-24 13:40:21.250Z" in result.stdout
    assert json.loads(call(data, "show", "0193c0de4f2a", "--json").stdout)["id"] == ID


def test_show_ends_with_1_where_there_is_none_and_with_2_where_there_are_several(data):
    assert call(data, "show", "ffffffff").exit_code == 1
    several = call(data, "show", "0193c0de")
    assert several.exit_code == 2
    assert "give more of it" in several.stderr
    assert call(data, "show", '"x"').exit_code == 2
    assert call(data, "show", "0193c0de4f2c").exit_code == 1  # an opening is no record


def test_verify_says_that_all_holds(data):
    result = call(data, "verify")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "ok: 3 records in 1 chains"
    document = json.loads(call(data, "verify", "--json").stdout)
    assert document["ok"] is True
    assert call(data, "verify", "--expect", document["chains"][0]["head"]).exit_code == 0
    assert call(data, "verify", "--expect", "ab" * 32).exit_code == 1
    assert call(data, "verify", "--expect", "short").exit_code == 2


def test_verify_says_where_something_was_altered_and_ends_with_1(data):
    path = file_of(data)
    path.write_bytes(path.read_bytes().replace(b'"status":429', b'"status":200'))
    result = call(data, "verify")
    assert result.exit_code == 1
    assert f"{path.parent.name}/000001.jsonl:3 (seq 2): this line was altered" in result.stdout
    document = json.loads(call(data, "verify", "--json").stdout)
    assert document["ok"] is False
    assert (document["broken"][0]["line"], document["broken"][0]["seq"]) == (3, 2)


def test_verify_notices_what_a_kill_leaves_and_ends_with_0(data):
    log = writer(data)
    log.append([entry("0193c0de4f2e70000000000000000005")])
    with open(segments(log.folder)[0], "ab") as file:
        file.write(b'{"v":1,"seq":2')
    result = call(data, "verify")
    assert result.exit_code == 0
    assert "notice" in result.stdout
    assert "incomplete last line" in result.stdout


@pytest.mark.parametrize("command", [["tail"], ["query"], ["show", "abcdef"], ["verify"]])
def test_where_there_is_no_log_the_command_says_so_and_ends_with_2(tmp_path, command, root):
    from gateway.cli import main

    with pytest.raises(SystemExit) as ended:
        main(["audit", *command, "--data", str(tmp_path)])
    assert ended.value.code == 2


@pytest.mark.parametrize("command", [[], ["tail"], ["query"], ["show"], ["verify"]])
def test_each_command_has_help_with_an_example(command):
    result = CliRunner().invoke(cli, ["audit", *command, "--help"])
    assert result.exit_code == 0
    assert "Example: gateway audit" in result.stdout
