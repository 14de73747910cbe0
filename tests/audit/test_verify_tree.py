"""Signed checkpoints, checked with the public key alone. Trees and paths: `test_merkle`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.folder import CHECKPOINTS
from gateway.audit.recover import recover_all
from gateway.audit.signing import Signer, keys_folder, make_key
from gateway.audit.verify import verify
from gateway.audit.verify_tree import PublicKeys
from tests.audit.making import START, abandon, checkpoint, entry, opening, writer


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    """A log that was signed by two keys, one after the other."""
    data = tmp_path_factory.mktemp("signed")
    log = writer(data, signer=Signer(data, START, {}))
    for number in range(12):
        log.append([entry(f"r{number}")])
        if number % 4 == 3:
            log.append([checkpoint(START + number)])
        if number == 6:
            make_key(data, START + 1)
    log.close()
    return data, log.folder


def keys_of(data):
    return PublicKeys(sorted(keys_folder(data).glob("*.pub")))


def test_each_checkpoint_is_signed_by_a_key_that_is_given(signed):
    data, _ = signed
    report = verify(data, keys=keys_of(data))
    assert report.broken == []
    assert report.chains[0].signed == 4


def test_by_another_key_than_those_it_is_broken(signed, tmp_path):
    data, _ = signed
    make_key(tmp_path, START)
    report = verify(data, keys=keys_of(tmp_path))
    assert len(report.broken) == 4
    assert all("none of those given" in found.what for found in report.broken)


@given(data=st.data())
def test_whatever_is_changed_in_a_signed_checkpoint_is_found(signed, data):
    home, folder = signed
    path = folder / CHECKPOINTS
    sound = path.read_bytes()
    text = bytearray(sound)
    at = data.draw(st.integers(0, len(text) - 2))
    text[at] ^= data.draw(st.integers(1, 255))
    try:
        path.write_bytes(text)
        assert verify(home, keys=keys_of(home)).broken
    finally:
        path.write_bytes(sound)


def test_a_log_written_anew_by_somebody_without_the_key_is_found(signed, tmp_path):
    data, _ = signed
    forged = writer(tmp_path, signer=Signer(tmp_path, START, {}))
    forged.append([entry("r0"), checkpoint()])
    forged.close()
    assert verify(tmp_path).broken == []
    assert verify(tmp_path, keys=keys_of(data)).broken


def test_a_chain_that_was_recovered_is_signed_to_its_end(tmp_path):
    signer = Signer(tmp_path, START, {})
    log = writer(tmp_path, signer=signer)
    log.append([opening("s1"), entry("r1"), checkpoint()])
    abandon(log)
    recover_all(tmp_path, START + 5, signer)
    report = verify(tmp_path, keys=keys_of(tmp_path))
    assert report.broken == []
    assert report.chains[0].signed == 2


def test_without_a_signature_a_key_finds_fault(tmp_path):
    log = writer(tmp_path)
    log.append([entry("r1"), checkpoint()])
    log.close()
    make_key(tmp_path, START)
    assert [found.what for found in verify(tmp_path, keys=keys_of(tmp_path)).broken] == ["it is not signed"] * 2
