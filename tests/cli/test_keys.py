"""Keys as a person handles them: made and shown once, listed by fingerprint, revoked at once, everywhere."""

from __future__ import annotations

import io
import json
import re
import time
import urllib.error
import urllib.request

import pytest

from gateway.cli import main
from tests.support.gateway_process import GatewayProcess


class Ran:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def run(tmp_path, capsys, monkeypatch):
    """`run("list", ...)` runs `gateway keys` on the test's own data folder."""
    for name in ("GATEWAY_SECRET", "GATEWAY_SECRET_FILE", "GATEWAY_STATE", "GATEWAY_DATA"):
        monkeypatch.delenv(name, raising=False)

    def ran(*arguments, stdin=None, data=tmp_path / "data"):
        if stdin is not None:
            monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            main(["keys", *arguments, "--data", str(data)])
        told = capsys.readouterr()
        return Ran(ended.value.code or 0, told.out, told.err)

    return ran


@pytest.fixture(params=["memory", "redis"])
def state(request):
    """The flags of each kind of state."""
    return () if request.param == "memory" else ("--state", request.getfixturevalue("redis_url"))


def test_a_key_is_shown_once_and_listed_by_fingerprint(run, state):
    made = run("create", "--account", "acme", "--tier", "trial", "--tag", "paid", "--tag", "eu", "--note", "for Ann", *state)
    key = made.out.strip()
    assert re.fullmatch(r"azg_[a-z2-7]{40}", key)
    assert "shown once" in made.err
    listed = run("list", *state)
    assert key not in listed.out
    told = re.match(r"(fp:[0-9a-f]+)  active    account acme  tier trial  tags eu, paid  for Ann", listed.out)
    assert run("fingerprint", *state, stdin=key + "\n").out.strip() == told[1]
    assert told[1] in made.err


def test_json_says_the_same_for_programs(run, state):
    made = run("create", "--json", "--account", "acme", "--expires", "30d", *state).json
    assert made["key"].startswith("azg_")
    listed = run("list", "--json", *state).json
    assert listed == [{name: value for name, value in made.items() if name != "key"}]
    assert (listed[0]["state"], listed[0]["revoked"]) == ("active", None)
    assert run("fingerprint", "--json", *state, stdin=made["key"]).json == {"fingerprint": made["fingerprint"]}
    revoked = run("revoke", made["fingerprint"], "--json", *state).json
    assert (revoked["revoked"] is not None, revoked["state"]) == (True, "revoked")


def test_a_key_is_revoked_once(run, state):
    told = run("create", "--json", *state).json["fingerprint"]
    assert run("revoke", told, *state).out == f"{told} is revoked\n"
    again = run("revoke", told, *state)
    assert (again.status, again.out) == (1, "")
    assert "gateway keys list" in again.err
    assert "revoked" in run("list", *state).out


def test_without_keys_the_list_says_how_to_make_one(run):
    assert "gateway keys create" in run("list").err
    assert run("list", "--json").json == []


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["create", "--expires", "soon"], "30d, 12h"),
        (["create", "--expires", "2001-01-01"], "in the past"),
        (["create", "--expires", "999999w"], "hundred years"),
        (["create", "--expires", "9999-12-31T23:59-23:00"], "hundred years"),
        (["create", "--account", ""], "1 to 128"),
        (["create", "--account", "a\x9b2J"], "1 to 128"),
        (["create", "--account", "a\u202eb"], "1 to 128"),
        (["create", "--account", "\udcff"], "1 to 128"),
        (["create", "--note", "Ann\nfp:0123456789ab  active"], "one line"),
        (["create", "--note", "\x1b[2J"], "one line"),
        (["create", "--note", "\udcff"], "one line"),
        (["create", "--tag", "a\nb"], "1 to 128"),
        (["revoke", "azg_whole_key"], "fp: and at least 8"),
        (["revoke", "fp:12"], "at least 8"),
        (["list", "--state", "memori"], "redis://HOST"),
        (["surf"], "No such command"),
    ],
)
def test_called_wrongly_it_says_what_would_be_right(run, arguments, remedy):
    ran = run(*arguments)
    assert ran.status == 2
    assert remedy in ran.err


def test_an_empty_line_is_no_key(run):
    assert run("fingerprint", stdin="\n").status == 2


@pytest.mark.parametrize(("given", "seconds"), [("90s", 90), ("5m", 300), ("12h", 43_200), ("30d", 2_592_000), ("2w", 1_209_600)])
def test_an_expiry_counts_from_now(run, given, seconds):
    made = run("create", "--json", "--expires", given).json
    moment = time.mktime(time.strptime(made["expires"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
    assert abs(moment - time.time() - seconds) < 10


def test_a_key_has_amounts_of_its_own(run):
    made = run("create", "--json", "--limit", "free-rpm=100", "--limit", "a.b=0")
    assert made.json["limits"] == {"a.b": 0, "free-rpm": 100}
    assert run("list", "--json").json[0]["limits"] == {"a.b": 0, "free-rpm": 100}
    assert "limits a.b=0, free-rpm=100" in run("list").out


@pytest.mark.parametrize("written", ["free-rpm", "free-rpm=", "=5", "free-rpm=1.5", "free-rpm=-1", f"x={2**53 + 1}", "a b=1"])
def test_an_amount_is_a_limit_and_a_whole_number(run, written):
    ran = run("create", "--limit", written)
    assert ran.status == 2
    assert "free-rpm=100" in ran.err


def test_an_amount_given_twice_or_amounts_without_end_are_refused(run):
    assert "twice" in run("create", "--limit", "a=1", "--limit", "a=2").err
    assert "at most 64" in run("create", *[word for n in range(65) for word in ("--limit", f"l{n}=1")]).err


def test_a_date_is_its_first_instant_in_utc(run):
    assert run("create", "--json", "--expires", "2099-01-31").json["expires"] == "2099-01-31T00:00:00Z"


def test_another_secret_than_the_state_has_is_refused(run, monkeypatch):
    run("create")
    monkeypatch.setenv("GATEWAY_SECRET", "x" * 32)
    ran = run("list")
    assert ran.status == 2
    assert "secret" in ran.err.lower()


def status(gateway, key):
    body = json.dumps({"model": "demo", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}).encode()
    fields = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(gateway.url + "/v1/chat/completions", body, fields), timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_running_gateway_knows_a_new_key_and_forgets_a_revoked_one_within_a_second(run, state, tmp_path):
    with GatewayProcess(tmp_path / "data", "--demo", *state) as gateway:
        made = run("create", "--json", *state).json
        assert status(gateway, made["key"]) == 200
        assert run("revoke", made["fingerprint"], *state).status == 0
        since = time.monotonic()
        while status(gateway, made["key"]) != 401:
            assert time.monotonic() - since < 2.0, "a second, and one for a busy machine"
            time.sleep(0.05)
        short = run("create", "--json", "--expires", "1s", *state).json["key"]
        assert status(gateway, short) == 200
        while status(gateway, short) != 401:
            assert time.monotonic() - since < 10
            time.sleep(0.1)
