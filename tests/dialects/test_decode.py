"""Compressed bodies: every coding read back, and nothing unpacked further than its bound, broken or hostile as it may be."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.decode import answer_decoder, decode_request
from gateway.errors import BadRequest

MB = 1024 * 1024


def bare_deflate(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACK = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
}
BODIES = st.one_of(
    st.binary(max_size=3000), st.builds(lambda unit, times: unit * times, st.binary(min_size=1, max_size=8), st.integers(1, 5_000))
)


@pytest.mark.parametrize("coding", PACK)
@given(body=BODIES)
def test_every_coding_is_read_back(coding, body):
    assert decode_request(PACK[coding](body), coding, len(body)) == body


@given(body=BODIES, first=st.sampled_from(sorted(PACK)), second=st.sampled_from(sorted(PACK)))
def test_codings_laid_over_one_another_are_undone_in_reverse(body, first, second):
    wire = PACK[second](PACK[first](body))
    assert decode_request(wire, f" {first.upper()} ,identity, {second}", len(body) + 200) == body


def test_deflate_is_read_without_its_wrapper_too():
    assert decode_request(bare_deflate(b"hello " * 50), "deflate", 1000) == b"hello " * 50


@pytest.mark.parametrize("encoding", ["identity", "", " identity , "])
def test_identity_is_no_coding(encoding):
    assert decode_request(b'{"a":1}', encoding, 7) == b'{"a":1}'


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_members_one_after_another_are_one_body(coding):
    assert decode_request(PACK[coding](b"one ") + PACK[coding](b"two"), coding, 100) == b"one two"


@pytest.mark.parametrize("encoding", ["compress", "gzip, gzip, gzip", "gzip, rot13", "aes128gcm"])
def test_an_unknown_coding_is_415(encoding):
    with pytest.raises(BadRequest, match="gzip, deflate, br, zstd") as caught:
        decode_request(b"x", encoding, 100)
    assert (caught.value.status, caught.value.code) == (415, "unsupported_media_type")


@pytest.mark.parametrize("coding", PACK)
def test_one_byte_beyond_the_limit_is_413(coding):
    wire = PACK[coding](b"a" * 1001)
    assert len(decode_request(wire, coding, 1001)) == 1001
    with pytest.raises(BadRequest, match="1000 bytes") as caught:
        decode_request(wire, coding, 1000)
    assert (caught.value.status, caught.value.code) == (413, "request_too_large")


@pytest.mark.parametrize("coding", PACK)
@pytest.mark.parametrize(
    "damage", [lambda wire: wire[:-3], lambda wire: wire[:12] + b"\xff\x00\xff" + wire[15:], lambda wire: b"{" + wire]
)
def test_broken_data_is_400(coding, damage):
    wire = PACK[coding](bytes(range(256)) * 4)
    with pytest.raises(BadRequest) as caught:
        decode_request(damage(wire), coding, 10_000)
    assert caught.value.status == 400


@pytest.mark.parametrize("coding", ["deflate", "br"])
def test_what_follows_the_end_is_not_ignored(coding):
    with pytest.raises(BadRequest) as caught:
        decode_request(PACK[coding](b"hello") + b'{"model":"dear"}', coding, 10_000)
    assert caught.value.status == 400


@pytest.mark.parametrize("coding", PACK)
def test_a_bomb_is_never_unpacked(coding):
    """40 MB of zeros in a few kilobytes; the memory that its refusal took is near the limit, not near the bomb."""
    bomb = PACK[coding](bytes(40 * MB))
    tracemalloc.start()
    try:
        with pytest.raises(BadRequest) as caught:
            decode_request(bomb, coding, MB)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.status == 413
    assert peak < 12 * MB


def test_a_bomb_in_a_bomb_is_stopped_at_its_first_shell():
    bomb = gzip.compress(gzip.compress(bytes(20 * MB)) + bytes(20 * MB))
    with pytest.raises(BadRequest) as caught:
        decode_request(bomb, "gzip, gzip", MB)
    assert caught.value.status == 413


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_members_without_end_are_not_opened_one_by_one(coding):
    """Empty ones unpack to nothing, so that no bound on size is ever met."""
    assert decode_request(PACK[coding](b"") * 4096, coding, MB) == b""
    with pytest.raises(BadRequest) as caught:
        decode_request(PACK[coding](b"") * 4097, coding, MB)
    assert caught.value.status == 400


def test_a_zstd_window_larger_than_the_web_allows_is_not_given_memory():
    wide = zstandard.ZstdCompressor(compression_params=zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True))
    packer = wide.compressobj()
    wire = packer.compress(b"hello") + packer.flush()
    with pytest.raises(BadRequest) as caught:
        decode_request(wire, "zstd", 100)
    assert caught.value.status == 400


@pytest.mark.parametrize("coding", PACK)
@given(body=BODIES, cuts=st.lists(st.integers(1, 500), min_size=1, max_size=5))
def test_an_answer_reads_the_same_in_any_chunks(coding, body, cuts):
    decoder = answer_decoder(coding.encode(), 1_000_000)
    wire, read, at = PACK[coding](body), b"", 0
    while at < len(wire):
        size = cuts[at % len(cuts)]
        read += decoder.feed(wire[at : at + size])
        at += size
    assert read == body
    assert decoder.whole


@pytest.mark.parametrize("coding", [*PACK, "identity"])
def test_an_answer_is_read_up_to_its_bound_and_then_in_silence(coding):
    decoder = answer_decoder(coding.encode(), 1000)
    wire = PACK.get(coding, bytes)(b"a" * 5000)
    assert decoder.feed(wire) == b"a" * 1000
    assert not decoder.whole
    assert decoder.feed(wire) == b""


@given(junk=st.lists(st.binary(max_size=200), max_size=4), coding=st.sampled_from([*PACK, "gzip, br"]))
def test_a_broken_answer_never_raises(junk, coding):
    decoder = answer_decoder(coding.encode(), 500)
    assert sum(len(decoder.feed(piece)) for piece in junk) <= 500


def test_an_answer_in_an_unknown_coding_has_no_decoder():
    assert answer_decoder(b"dcb", 100) is None
    assert answer_decoder(b"gzip", 100) is not None
