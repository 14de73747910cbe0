"""The tree over a chain's lines."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.merkle import Tree, path_of
from gateway.audit.verify_tree import Roots, root_by


def hashes(count: int) -> list[str]:
    return [hashlib.sha256(b"%d" % number).hexdigest() for number in range(count)]


def by_definition(entries: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\0" + entries[0]).digest()
    split = 1
    while split * 2 < len(entries):
        split *= 2
    return hashlib.sha256(b"\1" + by_definition(entries[:split]) + by_definition(entries[split:])).digest()


@given(st.integers(min_value=0, max_value=70))
def test_the_root_is_that_of_the_definition_to_writer_and_verifier_alike(count: int):
    tree, roots = Tree(), Roots()
    for line_hash in hashes(count):
        tree.push(line_hash)
        roots.add(line_hash)
    assert tree.root() == roots.now() == by_definition([bytes.fromhex(h) for h in hashes(count)]).hex()


@given(st.data())
def test_a_path_leads_to_the_root_from_its_own_place_only(data: st.DataObject):
    count = data.draw(st.integers(min_value=1, max_value=70))
    index = data.draw(st.integers(min_value=0, max_value=count - 1))
    tree = Tree()
    for line_hash in hashes(count):
        tree.push(line_hash)
    path = path_of(hashes(count), index)
    assert root_by(hashes(count)[index], index, count, path) == tree.root()
    other = data.draw(st.integers(min_value=0, max_value=count - 1))
    if other != index:
        assert root_by(hashes(count)[index], other, count, path) != tree.root()
        assert root_by(hashes(count)[other], index, count, path) != tree.root()


def test_a_path_of_another_length_leads_nowhere():
    path = path_of(hashes(9), 3)
    assert root_by(hashes(9)[3], 3, 9, path[:-1]) is None
    assert root_by(hashes(9)[3], 3, 9, [*path, "00" * 32]) is None


def test_a_copy_goes_its_own_way():
    tree = Tree()
    tree.push("00" * 32)
    twin = tree.copy()
    twin.push("11" * 32)
    assert (tree.size, twin.size) == (1, 2)
    assert tree.root() != twin.root()


def test_there_is_no_path_to_a_line_that_is_not_there():
    with pytest.raises(IndexError):
        path_of(hashes(3), 3)
