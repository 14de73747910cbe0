"""Bytes to and from Redis: replies are read whole however they are cut, and what is packed beforehand stands as it would have."""

from __future__ import annotations

import pytest
from redis.exceptions import InvalidResponse, NoScriptError

from gateway.stores.redis_wire import Replies, bulk, packed

SAID = b"$5\r\nab\r\nc\r\n:-7\r\n+OK\r\n$-1\r\n*2\r\n$1\r\nx\r\n*1\r\n:3\r\n*0\r\n"
MEANT = [b"ab\r\nc", -7, b"OK", None, [b"x", [3]], []]


@pytest.mark.parametrize("size", [1, 2, 3, 7, len(SAID)])
def test_replies_are_the_same_however_they_are_cut(size):
    replies, read = Replies(), []
    for at in range(0, len(SAID), size):
        read += replies.read(SAID[at : at + size])
    assert read == MEANT


def test_an_error_is_a_value_of_its_kind():
    (error,) = Replies().read(b"-NOSCRIPT No matching script.\r\n")
    assert type(error) is NoScriptError


def test_what_is_no_reply_is_said():
    with pytest.raises(InvalidResponse):
        Replies().read(b"HTTP/1.1 400\r\n")


def test_words_packed_beforehand_stand_as_the_others():
    assert packed(3, ("SET", "k", 12)) == b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n12\r\n"
    assert packed(3, (bulk("SET", "k"), 12)) == packed(3, ("SET", "k", 12))
    assert packed(2, ("ECHO", "ü")) == b"*2\r\n$4\r\nECHO\r\n$2\r\n\xc3\xbc\r\n"
