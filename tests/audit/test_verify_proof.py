"""Proofs from strangers: whatever they hold, the check answers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.verify_proof import proof_fault
from gateway.audit.verify_tree import PublicKeys

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(anything)
def test_any_document_is_answered(document):
    assert proof_fault(document, PublicKeys([]))


@given(st.fixed_dictionaries(dict.fromkeys(("line", "index", "size", "path", "checkpoint"), anything)))
def test_so_is_one_that_looks_like_a_proof(document):
    assert proof_fault({"format": "gateway.audit-proof/v1", **document}, PublicKeys([]))
