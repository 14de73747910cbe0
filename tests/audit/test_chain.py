"""The chain: what a line is, byte by byte."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.chain import GENESIS, MAX_LINE, Chain


def test_a_line_is_its_members_between_a_fixed_head_and_the_hash_of_all_that_is_before_it():
    chain = Chain()
    line = chain.line("record", 17, b'{"id":"a1"}')
    text = b'{"v":1,"seq":0,"prev":"' + b"0" * 64 + b'","kind":"record","at":17,"id":"a1"'
    assert line == text + b',"hash":"' + hashlib.sha256(text).hexdigest().encode() + b'"}\n'
    assert chain == Chain(1, hashlib.sha256(text).hexdigest())


def test_a_line_without_members_of_its_own_is_json_too():
    assert set(json.loads(Chain().line("checkpoint", 1, b"{}"))) == {"v", "seq", "prev", "kind", "at", "hash"}


@given(st.lists(st.dictionaries(st.text(), st.one_of(st.integers(), st.text(), st.none()), max_size=4), max_size=8))
def test_each_line_names_the_hash_of_the_one_before(members):
    chain, before = Chain(), GENESIS
    for number, own in enumerate(members):
        own = {"x" + name: value for name, value in own.items()}
        line = json.loads(chain.line("record", number, json.dumps(own).encode()))
        assert (line["seq"], line["prev"]) == (number, before)
        assert own.items() <= line.items()
        before = line["hash"]
    assert chain.head == before


def test_a_line_that_is_too_long_is_refused_and_the_chain_stays_where_it_was():
    chain = Chain()
    with pytest.raises(ValueError, match="too long"):
        chain.line("record", 1, b'{"id":"' + b"x" * MAX_LINE + b'"}')
    assert chain == Chain()


def test_a_copy_stands_apart():
    chain = Chain()
    before = chain.copy()
    chain.line("record", 1, b"{}")
    assert before == Chain()
