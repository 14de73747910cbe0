"""Settings: each combination that cannot work is said before anything starts, and secrets come from variables or files only."""

from __future__ import annotations

import pytest

from gateway.errors import SettingsError
from gateway.settings import UPSTREAM_KEY, Settings, admin_token, demo_upstream, deployment_secret, flag_upstream, state_opener

LONG = "x" * 40


def test_the_defaults_work():
    assert Settings().checked() == Settings()


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        ({"demo": True, "upstreams": (demo_upstream(),)}, "give one of them"),
        ({"workers": 0}, "at least 1"),
        ({"workers": 2}, "--state redis://"),
        ({"workers": 2, "state": "sqlite:here.db"}, "--state redis://"),
        ({"admin_host": "0.0.0.0"}, "GATEWAY_ADMIN_TOKEN"),
        ({"admin_host": "::"}, "GATEWAY_ADMIN_TOKEN"),
    ],
)
def test_what_cannot_work_is_refused_with_its_remedy(given, remedy):
    with pytest.raises(SettingsError, match=remedy):
        Settings(**given).checked()


def test_with_a_token_the_admin_plane_may_listen_anywhere_and_with_redis_workers_share():
    assert Settings(admin_host="0.0.0.0", admin_token=LONG).checked()
    assert Settings(workers=4, state="redis://127.0.0.1/0").checked()


def test_an_upstream_flag_serves_all_models():
    rule = flag_upstream("http://127.0.0.1:8000/v1/", environment={})
    assert (rule.url, rule.models, rule.credential_env, rule.usage) == ("http://127.0.0.1:8000/v1", ("*",), None, "count")
    assert flag_upstream("https://api.example.com", ask_usage=True, environment={UPSTREAM_KEY: "k"}).credential_env == UPSTREAM_KEY
    assert flag_upstream("http://[::1]:8000", environment={}).url == "http://[::1]:8000"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8000",
        "ftp://host/",
        "http://",
        "http://h/?a=b",
        "http://h/#f",
        "http://h:port/",
        "http://h:99999/",
        "http://h:0/",
        "http://[::1",
    ],
)
def test_what_is_no_base_url_is_refused(url):
    with pytest.raises(SettingsError, match="--upstream"):
        flag_upstream(url, environment={})


@pytest.mark.parametrize(
    "url", ["http://user:hunter2@h/", "ftp://user:hunter2@h/", "http://hunter2@h/?a=b", "http://user:hunter2@h:port/"]
)
def test_a_credential_in_the_url_is_refused_and_not_repeated(url):
    with pytest.raises(SettingsError) as caught:
        flag_upstream(url, environment={})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(("read", "name"), [(deployment_secret, "GATEWAY_SECRET"), (admin_token, "GATEWAY_ADMIN_TOKEN")])
def test_secrets_come_from_a_variable_or_a_file_alike(tmp_path, read, name):
    file = tmp_path / "secret"
    file.write_text(f"{LONG}\n")
    assert read({}) is None
    assert read({name: ""}) is None
    assert read({name: f"{LONG}\n"}) == read({name: LONG}) == read({f"{name}_FILE": str(file)})
    with pytest.raises(SettingsError, match="both set"):
        read({name: LONG, f"{name}_FILE": str(file)})
    with pytest.raises(SettingsError, match="at least"):
        read({name: "short"})


@pytest.mark.parametrize("content", [b"", b"  \n", b"\xff\xfe\x00"])
def test_a_secret_s_file_that_holds_none_is_named(tmp_path, content):
    file = tmp_path / "secret"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=str(file)):
        deployment_secret({"GATEWAY_SECRET_FILE": str(file)})


def test_a_secret_s_file_that_is_not_there_is_named():
    with pytest.raises(SettingsError, match="/nowhere/at/all"):
        deployment_secret({"GATEWAY_SECRET_FILE": "/nowhere/at/all"})


def test_a_state_that_no_store_opens_is_told_by_its_scheme_alone():
    assert callable(state_opener("memory"))
    assert callable(state_opener("redis://:secret@h/0"))
    with pytest.raises(SettingsError, match=r"'redsi' is no state.*redis://HOST:PORT/DB") as caught:
        state_opener("redsi://:secret@h/0")
    assert "secret" not in str(caught.value)
