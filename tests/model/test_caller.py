"""Callers: what stands for a key, and when an issued key is over."""

from __future__ import annotations

import pytest

from gateway.model.caller import ANONYMOUS, Caller, KeyRecord, fingerprint, key_id_of

SECRET = b"s" * 32


def test_a_key_id_says_nothing_of_the_key_and_depends_on_the_deployment():
    key_id = key_id_of(SECRET, b"azg_key")
    assert len(key_id) == 32
    assert int(key_id, 16)
    assert key_id == key_id_of(SECRET, b"azg_key")
    assert key_id != key_id_of(b"t" * 32, b"azg_key")
    assert key_id != key_id_of(SECRET, b"azg_kez")


def test_a_fingerprint_is_what_a_policy_writes():
    assert fingerprint("9f2c61d07ab4" + "0" * 20) == "fp:9f2c61d07ab4"


@pytest.mark.parametrize(
    ("expires", "revoked", "state"),
    [
        (None, None, "active"),
        (11, None, "active"),
        (10, None, "expired"),
        (None, 10, "revoked"),
        (5, 6, "revoked"),
        (None, 11, "active"),
    ],
)
def test_a_key_is_over_from_the_very_instant_on_and_revoked_before_expired(expires, revoked, state):
    assert KeyRecord("k", None, None, frozenset(), 0, expires_us=expires, revoked_us=revoked).state(10) == state


def test_a_caller_cannot_be_changed_once_known():
    with pytest.raises(AttributeError):
        Caller("k", "acme").tier = "partner"
    with pytest.raises(TypeError):
        ANONYMOUS.attributes["asn"] = "1"
    with pytest.raises(TypeError):
        ANONYMOUS.limits["rpm"] = 1
