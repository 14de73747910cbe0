"""Replies: what they say when little is known."""

from __future__ import annotations

import pytest

from gateway.core.replies import Answered, Broken, Lost, NotRead, Relayed
from gateway.dialects.base import Seen
from gateway.model.request import NO_USAGE


def test_a_loss_did_nothing_unless_it_says_otherwise():
    assert not Lost("StoreUnavailable").unknown


def test_a_relay_that_says_nothing_else_passed_no_bytes_of_a_request_and_had_no_first_byte():
    relayed = Relayed(Seen(NO_USAGE), "complete", 0, started=False)
    assert (relayed.bytes_in, relayed.first_byte_us, relayed.fault) == (0, None, "")


@pytest.mark.parametrize("reply", [Lost("x"), NotRead(None), Answered(200, True), Broken("connect", False)])
def test_replies_are_values(reply):
    assert hash(reply) == hash(type(reply)(*(getattr(reply, name) for name in reply.__struct_fields__)))
    with pytest.raises(AttributeError):
        setattr(reply, reply.__struct_fields__[0], None)
