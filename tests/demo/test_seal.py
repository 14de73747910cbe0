"""Sealed reasoning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.demo.seal import seal, unseal


@given(st.text())
def test_what_was_sealed_comes_out_again(text):
    assert unseal(seal(text)) == text


def test_the_text_cannot_be_read():
    assert "rivers" not in seal("about rivers")


@pytest.mark.parametrize("broken", ["", "not base64!", "QUFB", seal("x")[:-4], "AAAA" + seal("about rivers")[4:], "None"])
def test_a_broken_seal_gives_nothing(broken):
    assert unseal(broken) is None
