"""`gateway lab`: traffic is written and summed up, experiments are run and told, and both exit as promised."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from gateway.cli import cli
from gateway.cli.lab import lab
from gateway.errors import SettingsError
from gateway.lab.experiments import EXPERIMENTS
from gateway.lab.experiments.base import Table
from gateway.lab.personas import PERSONAS
from gateway.trace import read_trace


def run(*arguments):
    return CliRunner().invoke(lab, ["traffic", *map(str, arguments)])


def test_a_trace_is_written_and_told(tmp_path):
    out = tmp_path / "t.jsonl.gz"
    told = json.loads(run("--callers", 12, "--days", 1, "--out", out, "--json").stdout)
    records = list(read_trace(out))
    assert told["records"] == len(records) == sum(one["requests"] for one in told["personas"].values())
    assert told["callers"]["all"] == len({record.key for record in records}) == 12
    assert told["callers"]["hostile"] == sum(one["callers"] for one in told["personas"].values() if one["hostile"])


def test_people_get_lines(tmp_path):
    result = run("--callers", 6, "--days", 1, "--personas", "people_de,cot_harvest", "--hostile", 0.5, "--out", tmp_path / "t.jsonl")
    assert result.exit_code == 0, result.output
    assert "requests of 6 callers in 1 days, seed 1" in result.stdout
    assert "cot_harvest" in result.stdout
    assert "hostile  " in result.stdout


def test_prompts_and_arrivals_are_taken_from_files(tmp_path):
    prompts, arrivals, out = tmp_path / "p.jsonl", tmp_path / "a.csv", tmp_path / "t.jsonl"
    prompts.write_text("".join(json.dumps({"text": f"zebra question {number}"}) + "\n" for number in range(50)))
    arrivals.write_text("client,second,requests_per_second,iat_cv\nx,0,1,1\nx,600,2,1\n")
    files = ("--prompts", prompts, "--arrivals", arrivals, "--out", out)
    assert run("--callers", 3, "--personas", "corpus_walk", *files).exit_code == 0
    assert all("zebra question" in line for line in out.read_text().splitlines())


def test_personas_are_listed_for_people_and_programs():
    told = run("--personas", "list").stdout
    assert all(name in told for name in PERSONAS)
    assert "twin of show_your_work" in told
    plain = json.loads(run("--personas", "list", "--json").stdout)
    assert {one["name"]: one["hostile"] for one in plain} == {name: persona.hostile for name, persona in PERSONAS.items()}


def test_wrong_calls_are_told_apart(tmp_path):
    assert run("--callers", 3).exit_code == 2
    assert isinstance(run("--personas", "nobody", "--out", tmp_path / "t").exception, SettingsError)
    assert isinstance(run("--prompts", tmp_path / "absent", "--out", tmp_path / "t").exception, SettingsError)


@pytest.mark.parametrize("words", [["lab"], ["lab", "traffic"]])
def test_help_shows_an_example(words):
    told = CliRunner().invoke(cli, [*words, "--help"]).stdout
    assert "Example: gateway lab traffic" in told


def test_experiments_are_listed_by_name():
    told = CliRunner().invoke(lab, ["run", "--list"]).stdout
    assert [line.split()[0] for line in told.splitlines()] == list(EXPERIMENTS)
    listed = json.loads(CliRunner().invoke(lab, ["run", "--list", "--json"]).stdout)
    assert [one["name"] for one in listed] == list(EXPERIMENTS)


def test_an_unknown_experiment_is_named():
    assert "first_layer" in str(CliRunner().invoke(lab, ["run", "first_layer"]).exception)


def test_an_experiment_prints_its_tables_and_writes_them_into_a_page(tmp_path, monkeypatch):
    class Tiny:
        name = "tiny"
        says = "nothing"

        async def run(self, setting):
            return (Table("Tiny", ("seed", "scale"), ((str(setting.seed), str(setting.scale)),)),)

    monkeypatch.setitem(EXPERIMENTS, "tiny", Tiny())
    page = tmp_path / "page.md"
    page.write_text("# Page\n")
    asked = ["run", "tiny", "--seed", "7", "--scale", "0.5"]
    done = CliRunner().invoke(lab, [*asked, "--out", str(page), "--json"])
    assert json.loads(done.stdout)["tiny"][0]["rows"] == [{"seed": "7", "scale": "0.5"}]
    assert "| 7 | 0.5 |" in page.read_text()
    assert "`gateway lab run tiny --seed 7`" in page.read_text()
    assert "| 7 | 0.5 |" in CliRunner().invoke(lab, asked).stdout
    lost = CliRunner().invoke(lab, [*asked, "--out", str(tmp_path / "absent" / "page.md")])
    assert isinstance(lost.exception, SettingsError)
