"""URLs taken apart without changing them, and answers that parsers could read differently."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UpstreamError
from gateway.upstream.wire import Origin, answer_fault, given_length, lowered, measured, measured_by_head, split_url


@pytest.mark.parametrize(
    ("url", "origin", "target"),
    [
        ("http://h", Origin("http", "h", 80), "/"),
        ("https://h/v1/x?y=/z", Origin("https", "h", 443), "/v1/x?y=/z"),
        ("http://h:8000?a", Origin("http", "h", 8000), "/?a"),
        ("http://[::1]:9/p", Origin("http", "::1", 9), "/p"),
        ("http://H.example/%2f?", Origin("http", "h.example", 80), "/%2f?"),
        ("http://h/caf\xc3\xa9", Origin("http", "h", 80), "/café"),
    ],
)
def test_a_url_becomes_an_origin_and_the_target_as_given(url, origin, target):
    assert split_url(url) == (origin, target)


@pytest.mark.parametrize(
    ("origin", "authority"),
    [
        (Origin("http", "h", 80), "h"),
        (Origin("https", "h", 443), "h"),
        (Origin("http", "h", 443), "h:443"),
        (Origin("http", "::1", 8080), "[::1]:8080"),
    ],
)
def test_the_host_field_names_a_port_only_where_it_is_not_the_scheme_s_own(origin, authority):
    assert origin.authority == authority


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=40))
def test_any_printable_target_survives_to_the_byte(target):
    assert split_url("http://h:1/" + target)[1] == "/" + target


@given(st.binary(max_size=20))
def test_a_target_of_any_bytes_is_sent_as_it_is_or_not_at_all(raw):
    target = b"/" + raw
    sent = b""
    with contextlib.suppress(UpstreamError):
        sent = split_url("http://h:1" + target.decode("latin-1"))[1].encode("utf-8")
    plain = all(0x21 <= byte <= 0x7E for byte in raw)
    assert sent == target if plain else sent in {target, b""}


def test_a_user_name_in_the_url_is_refused_without_being_shown():
    with pytest.raises(UpstreamError) as caught:
        split_url("http://user:hunter2@h/")
    assert "hunter2" not in str(caught.value)


def test_names_are_lowered_and_nothing_else_changes():
    assert lowered([(b"Set-Cookie", b"A=B"), (b"x", b"\xff"), (b"SET-cookie", b"c")]) == [
        (b"set-cookie", b"A=B"),
        (b"x", b"\xff"),
        (b"set-cookie", b"c"),
    ]


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"content-length", b"5")],
        [(b"transfer-encoding", b"Chunked ")],
        [(b"x", b"1"), (b"x", b"2")],
    ],
)
def test_plain_frames_are_sound(headers):
    assert answer_fault(200, headers) is None


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (101, []),
        (200, [(b"content-length", b"5"), (b"content-length", b"5")]),
        (200, [(b"content-length", b"5"), (b"transfer-encoding", b"chunked")]),
        (200, [(b"transfer-encoding", b"gzip, chunked")]),
        (200, [(b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"chunked")]),
        (200, [(b"transfer-encoding", b"identity")]),
    ],
)
def test_frames_that_could_be_read_in_two_ways_are_faults(status, headers):
    assert answer_fault(status, headers)


@pytest.mark.parametrize(("status", "headers"), [(600, []), (799, []), (200, [(b"x", b"a\x01b")]), (200, [(b"x", b"\x7f")])])
def test_what_no_server_can_say_again_is_a_fault(status, headers):
    assert answer_fault(status, headers)
    assert answer_fault(299, [(b"x", b"a\tb \xe9\xff")]) is None


def test_lengths_are_read_where_they_are_given():
    assert given_length([(b"x", b"1"), (b"content-length", b"12")]) == 12
    assert given_length([(b"content-length", b"1x")]) is None
    assert measured_by_head([(b"transfer-encoding", b"chunked")])
    assert not measured_by_head([(b"x", b"1")])


async def pieces(*chunks):
    for chunk in chunks:
        yield chunk


@pytest.mark.parametrize("length", [None, 3])
async def test_a_body_of_its_length_passes(length):
    assert [chunk async for chunk in measured(pieces(b"a", b"bc"), length)] == [b"a", b"bc"]


@pytest.mark.parametrize("length", [2, 4])
async def test_a_body_of_another_length_is_broken(length):
    with pytest.raises(UpstreamError) as caught:
        [chunk async for chunk in measured(pieces(b"a", b"bc"), length)]
    assert caught.value.kind == "broken"
