"""`gateway replay`: the report that it writes, what it prints, and how it exits."""

from __future__ import annotations

import gzip
import itertools
import json

import pytest
from click.testing import CliRunner

from gateway.cli import COMMANDS
from gateway.cli.replay import replay_command
from tests.test_trace import LINE

POLICY = """\
schema: gateway.policy/v1
name: small
version: "1"
mode: shadow
callers: [{ id: all, match: {}, tier: free }]
tiers:
  free:
    models: ["m"]
    limits: [{ id: rpm, count: requests, rate: 3/minute, per: key }]
"""

DETECTING = """
signals:
  elicitation: { level: enforce, cap: 30 }
  templating: { level: enforce, cap: 30 }
  sampling: { level: enforce, cap: 30 }
  linkage: { level: enforce, cap: 40 }
ladder:
  - { id: open, at: 0, do: allow }
  - { id: watched, at: 10, do: watch }
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text(POLICY)
    return path


@pytest.fixture
def trace(tmp_path):
    """A trace of five requests of k-1 and one of k-2; `change` alters each record."""

    def written(name="t.jsonl", change=lambda record, number: None, packed=False):
        lines = b""
        for number, key in enumerate(["k-1", "k-1", "k-1", "k-2", "k-1", "k-1"]):
            record = json.loads(json.dumps(LINE | {"at": LINE["at"] + number, "key": key}))
            change(record, number)
            lines += json.dumps(record).encode() + b"\n"
        path = tmp_path / name
        path.write_bytes(gzip.compress(lines) if packed else lines)
        return path

    return written


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Call the command with a report in a folder of its own; gives what was printed and the report."""
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out.json"

    def called(*arguments):
        out.unlink(missing_ok=True)
        result = CliRunner().invoke(replay_command, [*(str(argument) for argument in arguments), "--report", str(out)])
        return result, json.loads(out.read_bytes()) if out.exists() else None

    return called


def test_the_report_tells_of_each_caller_and_what_became_of_its_requests(run, trace, file):
    result, report = run(trace(), "--policy", file)
    assert result.exit_code == 0, result.output
    assert report["records"] == 6
    assert report["callers"]["k-1"] == {
        "account": "a-1",
        "requests": 5,
        "refused_by_limit": 2,
        "refused_by_policy": 0,
        "refused_by_ladder": 0,
        "first": {"watch": None, "throttle": None, "perturb": None, "challenge": None, "refuse": None},
        "final": {"action": "allow", "score": 0.0, "kinds": []},
        "reasons": [],
        "campaign": None,
        "truth": {"persona": "app_chat", "hostile": True, "campaign": "c"},
    }
    assert report["callers"]["k-2"]["refused_by_limit"] == 0
    assert report["campaigns"] == {}
    assert report["summary"]["hostile"]["callers"] == 2
    assert report["summary"]["personas"]["app_chat"] == report["summary"]["hostile"]


def test_it_says_in_words_what_it_found(run, trace, file):
    result, _ = run(trace(), "--policy", file)
    assert "6 of 2 callers" in result.stdout
    assert "signals  none is enforced" in result.stdout
    assert "hostile         2 callers,     0 flagged,     0 watched" in result.stdout


def test_as_json_it_prints_the_totals(run, trace, file):
    result, report = run(trace(), "--policy", file, "--json")
    printed = json.loads(result.stdout)
    assert printed["summary"] == report["summary"]
    assert printed["report"].endswith("out.json")
    assert "callers" not in printed


def test_what_a_trace_says_of_itself_changes_no_decision(run, trace, file):
    def poison(record, number):
        record["truth"] = {"persona": "perturb", "hostile": number % 2 == 0, "campaign": "c-9", "score": 99, "action": "refuse"}

    _, plain = run(trace(change=lambda record, number: record.pop("truth")), "--policy", file)
    _, poisoned = run(trace(change=poison), "--policy", file)
    truths = {key: caller.pop("truth") for key, caller in poisoned["callers"].items()}
    assert truths["k-1"] == {"persona": "perturb", "hostile": True, "campaign": "c-9"}
    assert poisoned["callers"] == plain["callers"]
    assert poisoned["campaigns"] == plain["campaigns"]
    assert plain["summary"]["unlabelled"]["callers"] == 2
    assert plain["summary"]["personas"] == {}


def test_several_traces_are_merged_by_time_and_packed_or_plain_alike(run, trace, file):
    def later(record, number):
        record["at"] += 0.5

    one, two = trace(packed=True, name="a.gz"), trace("b.jsonl", later)
    _, report = run(two, one, "--policy", file)
    assert (report["records"], report["callers"]["k-1"]["requests"], report["callers"]["k-1"]["refused_by_limit"]) == (12, 10, 7)
    _, first = run(two, one, "--policy", file, "--first", "2")
    assert first["records"] == 4


def test_nothing_is_written_but_the_report(run, trace, file, tmp_path):
    run(trace(), "--policy", file)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.json", "p.yaml", "t.jsonl"]


def test_what_is_wrong_is_said_and_leaves_no_report(run, trace, file, tmp_path):
    broken = tmp_path / "broken.jsonl"
    broken.write_text("no\n")
    result, report = run(broken, "--policy", file)
    assert (result.exit_code, report) == (1, None)
    assert "broken.jsonl:1: not a record" in str(result.exception)
    assert run(tmp_path / "absent.jsonl", "--policy", file)[0].exit_code == 1
    assert run(trace(), "--policy", "no-such-policy")[0].exit_code == 1
    assert run("--policy", file)[0].exit_code == 2
    arguments = [str(trace()), "--policy", str(file), "--report", str(tmp_path / "nowhere" / "out.json")]
    result = CliRunner().invoke(replay_command, arguments)
    assert result.exit_code == 2
    assert "is no folder that can be written to" in result.output


def test_help_has_an_example_and_the_command_its_line():
    assert "Example: gateway replay" in CliRunner().invoke(replay_command, ["--help"]).stdout
    assert "replay" in COMMANDS


def test_development_traffic_can_be_replayed(run, shared):
    result, report = run(shared / "traces" / "dev.jsonl.gz", "--policy", "default", "--first", "2000")
    assert result.exit_code == 0
    assert report["records"] == 2000 == sum(caller["requests"] for caller in report["callers"].values())
    assert report["summary"]["unlabelled"]["callers"] == 0
    assert set(report["summary"]) == {"hostile", "honest", "unlabelled", "personas"}


def test_development_traffic_with_its_truth_turned_round_is_decided_alike(run, shared, tmp_path):
    policy = tmp_path / "enforced.yaml"
    policy.write_text(POLICY.replace('["m"]', '["*"]').replace("rate: 3/minute", "rate: 300/minute") + DETECTING)
    plain, turned = tmp_path / "plain.jsonl", tmp_path / "turned.jsonl"
    with gzip.open(shared / "traces" / "dev.jsonl.gz") as lines:
        records = [json.loads(line) for line in itertools.islice(lines, 3000)]
    plain.write_text("".join(json.dumps(record) + "\n" for record in records))
    for record in records:
        record["truth"] |= {"hostile": not record["truth"]["hostile"], "persona": "nobody", "campaign": "all"}
    turned.write_text("".join(json.dumps(record) + "\n" for record in records))
    _, honest = run(plain, "--policy", policy)
    _, lied = run(turned, "--policy", policy)
    assert honest["summary"]["hostile"]["callers"] == lied["summary"]["honest"]["callers"]
    assert honest["signals"] == dict.fromkeys(["elicitation", "linkage", "sampling", "templating"], "enforce")
    assert any(caller["reasons"] for caller in honest["callers"].values())
    for report in (honest, lied):
        for caller in report["callers"].values():
            del caller["truth"]
    assert honest["callers"] == lied["callers"]
    assert honest["campaigns"] == lied["campaigns"]


def test_what_people_decided_counts_where_it_is_given(run, trace, file, tmp_path):
    file.write_text(POLICY + DETECTING)
    said = {"finding": "confirmed", "by": "maria", "why": "sells it", "stands": True}
    decided = [said | {"key_id": "k-1", "at_us": int(LINE["at"] * 1e6)}]
    (tmp_path / "decided.json").write_text(json.dumps(decided))
    _, without = run(trace(), "--policy", file)
    _, report = run(trace(), "--policy", file, "--rulings", "decided.json")
    assert [one["callers"]["k-1"]["final"]["action"] for one in (without, report)] == ["allow", "watch"]
    assert report["callers"]["k-2"] == without["callers"]["k-2"]
    result, _ = run(trace(), "--policy", file, "--rulings", "nowhere.json")
    assert result.exit_code == 1
