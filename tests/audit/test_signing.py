"""The keys of the log."""

from __future__ import annotations

import base64
import stat

import pytest

from gateway.audit.signing import KEY_FILE, Signer, keys_folder, make_key
from gateway.audit.verify_tree import PublicKeys
from gateway.errors import SettingsError

NOW = 1_795_527_621_000_000


def publics(data):
    return PublicKeys(sorted(keys_folder(data).glob("*.pub")))


def test_the_first_key_is_made_when_it_is_needed_and_is_its_owners_alone(tmp_path):
    signer = Signer(tmp_path, NOW, {})
    [private] = keys_folder(tmp_path).glob("*.key")
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert publics(tmp_path).names == [signer.name]
    assert Signer(tmp_path, NOW + 1, {}).name == signer.name


def test_a_newer_key_signs_as_soon_as_it_is_noticed_and_the_old_one_still_checks(tmp_path):
    signer = Signer(tmp_path, NOW, {})
    old, before = signer.name, signer.sign(b"text")
    fresh = make_key(tmp_path, NOW + 1)
    signer.refresh()
    assert signer.name == fresh != old
    keys = publics(tmp_path)
    assert keys.fault(b"text", old, _base64(before)) == ""
    assert keys.fault(b"text", fresh, _base64(signer.sign(b"text"))) == ""
    assert "altered" in keys.fault(b"text", fresh, _base64(before))
    assert "none of those given" in PublicKeys([]).fault(b"text", fresh, _base64(before))


def test_a_key_kept_elsewhere_is_used_and_none_is_made(tmp_path):
    name = make_key(tmp_path / "vault", NOW)
    [private] = keys_folder(tmp_path / "vault").glob("*.key")
    signer = Signer(tmp_path, NOW, {KEY_FILE: str(private)})
    assert signer.name == name
    assert not keys_folder(tmp_path).exists()


def test_what_is_no_key_is_told_with_its_place(tmp_path):
    bad = tmp_path / "bad.pem"
    bad.write_text("nonsense")
    with pytest.raises(SettingsError, match=r"bad\.pem cannot be read"):
        Signer(tmp_path, NOW, {KEY_FILE: str(bad)})
    with pytest.raises(ValueError, match="no public key"):
        PublicKeys([bad])


def _base64(signature: bytes) -> str:
    return base64.b64encode(signature).decode()
