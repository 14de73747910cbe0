"""One record, shown without the others."""

from __future__ import annotations

import json

import pytest

from gateway.audit.proof import proof_of
from gateway.audit.signing import Signer, keys_folder
from gateway.audit.verify_proof import proof_fault
from gateway.audit.verify_tree import PublicKeys
from tests.audit.making import START, checkpoint, entry, writer


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    data = tmp_path_factory.mktemp("log")
    log = writer(data, signer=Signer(data, START, {}), segment_bytes=4_000)
    for number in range(20):
        log.append([entry(f"record-{number}")])
        if number % 6 == 5:
            log.append([checkpoint(START + number)])
    return data


def keys_of(data):
    return PublicKeys(sorted(keys_folder(data).glob("*.pub")))


def test_every_record_that_a_checkpoint_covers_can_be_shown_with_the_public_key_alone(home):
    for number in range(18):
        document = json.loads(json.dumps(proof_of(home, f"record-{number}")))
        assert proof_fault(document, keys_of(home)) == ""
        assert f'"id":"record-{number}"' in document["line"]
        assert not any(f'"id":"record-{other}"' in json.dumps(document) for other in range(20) if other != number)


def test_one_that_no_checkpoint_covers_yet_is_told(home):
    with pytest.raises(ValueError, match="no checkpoint covers"):
        proof_of(home, "record-19")
    assert proof_of(home, "nobody") is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"line": "x\n"}, "not a record"),
        ({"index": 5}, "place"),
        ({"size": 3}, "size"),
        ({"path": ["00" * 32]}, "does not lead"),
        ({"path": "no"}, "path"),
        ({"checkpoint": "{}\n"}, "checkpoint"),
        ({"format": "v9"}, "format"),
    ],
)
def test_a_proof_with_one_thing_changed_says_what_is_wrong(home, change, says):
    document = {**proof_of(home, "record-3"), **change}
    assert says in proof_fault(document, keys_of(home))


def test_a_record_with_other_words_is_not_the_one_that_was_there(home):
    document = proof_of(home, "record-3")
    document["line"] = document["line"].replace("record-3", "record-9")
    assert "altered" in proof_fault(document, keys_of(home))
    other = proof_of(home, "record-4")
    assert "place" in proof_fault({**document, "line": other["line"]}, keys_of(home))
