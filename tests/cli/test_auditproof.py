"""`gateway audit keys|rotate|prove|check`, as an operator and a third party use them."""

from __future__ import annotations

import json

from click.testing import CliRunner

from gateway.audit.signing import Signer, keys_folder
from gateway.cli import cli
from tests.audit.making import START, checkpoint, entry, writer


def run(*arguments):
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def logged(data):
    log = writer(data, signer=Signer(data, START, {}))
    log.append([entry("record-1"), entry("record-2"), checkpoint()])
    log.close()
    [public] = keys_folder(data).glob("*.pub")
    return public


def test_a_third_party_checks_one_record_with_the_public_key(tmp_path):
    public = logged(tmp_path)
    proof = tmp_path / "proof.json"
    assert run("audit", "prove", "record-1", "--out", proof, "--data", tmp_path).exit_code == 0
    checked = run("audit", "check", proof, "--public-key", public)
    assert (checked.exit_code, checked.output[:2]) == (0, "ok")
    proof.write_text(proof.read_text().replace("record-1", "record-7"))
    checked = run("audit", "check", proof, "--public-key", public, "--json")
    assert checked.exit_code == 1
    assert "altered" in json.loads(checked.output)["fault"]


def test_verify_asks_for_signatures_where_a_key_is_given(tmp_path):
    public = logged(tmp_path)
    found = run("audit", "verify", "--data", tmp_path, "--public-key", public, "--json")
    assert (found.exit_code, json.loads(found.output)["chains"][0]["signed"]) == (0, 2)
    other = logged(tmp_path / "other")
    assert run("audit", "verify", "--data", tmp_path, "--public-key", other).exit_code == 1


def test_a_key_is_turned_over_and_both_are_listed(tmp_path):
    logged(tmp_path)
    made = json.loads(run("audit", "rotate", "--data", tmp_path, "--json").output)["key"]
    rows = json.loads(run("audit", "keys", "--data", tmp_path, "--json").output)
    assert len(rows) == 2
    assert rows[-1]["key"] == made


def test_what_is_not_there_is_said_with_status_1(tmp_path):
    logged(tmp_path)
    missing = run("audit", "prove", "record-9", "--data", tmp_path)
    assert (missing.exit_code, "no record has the id" in missing.output) == (1, True)


def test_a_check_without_a_key_is_called_wrongly(tmp_path):
    proof = tmp_path / "proof.json"
    proof.write_text("{}")
    assert run("audit", "check", proof).exit_code == 2
    assert run("audit", "check", proof, "--public-key", proof).exit_code == 2
