"""`gateway calibrate`, as an operator runs it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from gateway.cli.calibrate import broken, calibrate_command
from gateway.cli.lab import lab
from gateway.errors import SettingsError
from gateway.policy.load import read
from gateway.risk.baseline import general, read_baseline


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    path = tmp_path_factory.mktemp("traffic") / "t.jsonl.gz"
    arguments = ["traffic", "--callers", "40", "--days", "2", "--hostile", "0", "--out", str(path)]
    assert CliRunner().invoke(lab, arguments, catch_exceptions=False).exit_code == 0
    return path


def run(*arguments):
    return CliRunner().invoke(calibrate_command, [str(argument) for argument in arguments], catch_exceptions=False)


def test_it_writes_a_baseline_a_report_and_a_picture(trace, tmp_path):
    out, report, picture = tmp_path / "own.json", tmp_path / "r.json", tmp_path / "p.svg"
    ran = run(trace, "--out", out, "--report", report, "--picture", picture, "--quarantine", "0s", "--json")
    told = json.loads(ran.stdout)
    assert ran.exit_code == (1 if broken(told) else 0)
    assert json.loads(report.read_text()) == {name: value for name, value in told.items() if name != "baseline"}
    assert picture.read_text().startswith("<svg")
    assert read_baseline(out.read_bytes()).lives == pytest.approx(general().lives + told["lives"]["own"], abs=0.1)


def test_a_policy_takes_what_it_wrote(trace, tmp_path):
    run(trace, "--out", tmp_path / "own.json", "--quarantine", "0s")
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "schema: gateway.policy/v1\nname: p\nversion: '1'\ncallers: [{ id: all, match: {}, tier: t }]\n"
        "tiers: { t: { models: ['*'], limits: [] } }\nsignals: { baseline: own.json }\n"
    )
    assert read(policy).policy.baseline.callers > 30


def test_in_words(trace, tmp_path):
    key = json.loads(run(trace, "--out", tmp_path / "b.json", "--quarantine", "0s", "--json").stdout)
    (tmp_path / "no.txt").write_text("# confirmed\nk-nobody\n")
    ran = run(trace, "--out", tmp_path / "b.json", "--quarantine", "0s", "--exclude", tmp_path / "no.txt")
    assert f"learned from; judged {key['callers']['held_out']} by the other" in ran.stdout
    assert "told  30" in ran.stdout


def test_promises_that_are_not_kept_are_named():
    level = {"decibans": 20, "share_95": [0.02, 0.09], "promised": 0.01}
    assert broken({"levels": [level, {**level, "decibans": 10, "promised": 0.1}, {**level, "decibans": 25}]}) == [20]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (["--quarantine", "soon"], "--quarantine soon"),
        (["--out", "/nowhere/b.json"], "no folder that can be written to"),
        (["--holdout", "2"], "--holdout"),
    ],
)
def test_a_wrong_call_says_why(trace, tmp_path, wrong, why):
    ran = run(trace, "--out", tmp_path / "b.json", *wrong)
    assert (ran.exit_code, why in ran.stderr) == (2, True)


def test_a_previous_baseline_that_is_none_or_a_list_that_cannot_be_read_is_a_wrong_call(trace, tmp_path):
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(SettingsError, match="this is no baseline"):
        run(trace, "--out", tmp_path / "b.json", "--previous", tmp_path / "bad.json")
    with pytest.raises(SettingsError, match="no list of key ids"):
        run(trace, "--out", tmp_path / "b.json", "--exclude", tmp_path / "absent.txt")
