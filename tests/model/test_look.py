"""A look is a value: it can't be changed, and can be written down and read again."""

from __future__ import annotations

import msgspec
import pytest

from gateway.model.look import Look


def test_a_look_can_not_be_changed():
    look = Look(key_id="k")
    with pytest.raises(AttributeError):
        look.key_id = "other"


def test_a_look_comes_back_as_it_was_written():
    look = Look(key_id="k", exact=2**64 - 1, wrapper=tuple(range(32)), topic=(1, 2), attributes=(("asn", "AS1"),), refused="limit")
    assert msgspec.json.decode(msgspec.json.encode(look), type=Look) == look


def test_nothing_said_is_told_from_nothing_asked():
    look = Look()
    assert (look.temperature, look.logprobs, look.max_output) == (-1.0, -1, -1)
    assert (look.exact, look.wrapper) == (0, ())
