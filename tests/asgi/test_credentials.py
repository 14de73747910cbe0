"""Which credential a request is known by, and which one goes upstream."""

from __future__ import annotations

import pytest

from gateway.asgi.credentials import Credential, credential_of, inject, only_known


@pytest.mark.parametrize(
    ("name", "raw", "value", "form"),
    [
        (b"authorization", b"Bearer azg_1", b"azg_1", "bearer"),
        (b"authorization", b"bearer   azg_1 ", b"azg_1", "bearer"),
        (b"authorization", b"BEARER\tk", b"k", "bearer"),
        (b"authorization", b"Bearer My API Key", b"My API Key", "bearer"),
        (b"authorization", b"Bearer \xff\xfe", b"\xff\xfe", "bearer"),
        (b"authorization", b"Basic dTpw", b"Basic dTpw", "other"),
        (b"authorization", b"azg_1", b"azg_1", "other"),
        (b"authorization", b"Bearerazg_1", b"Bearerazg_1", "other"),
        (b"x-api-key", b" sk-1 ", b"sk-1", "x-api-key"),
        (b"api-key", b"k", b"k", "api-key"),
        (b"api-key", b"Bearer k", b"Bearer k", "api-key"),
    ],
)
def test_a_credential_is_read_from_its_field(name, raw, value, form):
    assert credential_of([(b"accept", b"*/*"), (name, raw)]) == Credential(value, form)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"cookie", b"k")],
        [(b"authorization", b"")],
        [(b"authorization", b"Bearer")],
        [(b"authorization", b"Bearer  ")],
        [(b"x-api-key", b" ")],
        [(b"authorization", b"Bearer " + b"k" * 8193)],
        [(b"proxy-authorization", b"Bearer k")],
    ],
)
def test_an_empty_or_boundless_credential_is_none(headers):
    assert credential_of(headers) is None


def test_the_longest_credential_is_still_one():
    assert credential_of([(b"authorization", b"Bearer " + b"k" * 8192)]) is not None


BOTH = [
    (b"api-key", b"three"),
    (b"x-api-key", b"two"),
    (b"authorization", b"Bearer one"),
    (b"authorization", b"Bearer four"),
    (b"x", b"1"),
]


def test_the_first_form_wins_wherever_it_stands():
    assert credential_of(BOTH) == Credential(b"one", "bearer")
    assert credential_of(BOTH[:2]) == Credential(b"two", "x-api-key")
    assert credential_of([(b"authorization", b"Bearer "), (b"x-api-key", b"two")]) == Credential(b"two", "x-api-key")


def test_only_the_credential_that_a_caller_is_known_by_goes_on():
    """Else a caller shows us a new name each time, and the upstream always the same key."""
    assert only_known(BOTH) == [(b"authorization", b"Bearer one"), (b"x", b"1")]
    assert only_known(BOTH[:2]) == [(b"x-api-key", b"two")]
    assert only_known([(b"authorization", b" Bearer  k "), (b"x", b"1")]) == [(b"authorization", b" Bearer  k "), (b"x", b"1")]
    assert only_known([(b"authorization", b"Bearer "), (b"x", b"1")]) == [(b"x", b"1")]


@pytest.mark.parametrize(
    ("header", "injected"),
    [
        ("authorization", (b"authorization", b"Bearer sk-up")),
        ("x-api-key", (b"x-api-key", b"sk-up")),
        ("api-key", (b"api-key", b"sk-up")),
    ],
)
def test_the_upstream_s_credential_takes_the_place_of_all_of_the_client_s(header, injected):
    client = [
        *BOTH,
        (b"cookie", b"session"),
        (b"openai-organization", b"org-theirs"),
        (b"openai-project", b"p"),
        (b"x-goog-api-key", b"g"),
    ]
    assert inject(client, "sk-up", header) == [(b"x", b"1"), injected]


def test_the_client_s_credentials_go_nowhere_even_where_the_upstream_needs_none():
    assert inject(BOTH, None, "authorization") == [(b"x", b"1")]


def test_a_credential_does_not_show_itself():
    assert "azg_secret" not in repr(credential_of([(b"x-api-key", b"azg_secret")]))
