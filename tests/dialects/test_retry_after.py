"""How long an upstream asks to be left alone, in all the ways that it may say so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.retry_after import retry_after_us

NOW = 1_445_412_480 * 1_000_000  # Wed, 21 Oct 2015 07:28:00 GMT


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({b"retry-after": b"20"}, 20_000_000),
        ({b"retry-after": b"1.5"}, 1_500_000),
        ({b"retry-after": b" 3 "}, 3_000_000),
        ({b"retry-after": b"20", b"retry-after-ms": b"350"}, 350_000),
        ({b"retry-after": b"Wed, 21 Oct 2015 07:28:30 GMT"}, 30_000_000),
        ({b"retry-after": b"Wed, 21 Oct 2015 07:27:30 GMT"}, 0),
        ({b"retry-after": b"soon"}, None),
        ({b"retry-after": b"-3"}, None),
        ({b"retry-after-ms": b"nan"}, None),
        ({b"content-type": b"text/plain"}, None),
    ],
)
def test_each_way_to_say_it(fields, asked):
    assert retry_after_us(list(fields.items()), NOW) == asked


@given(value=st.binary(max_size=40), exact=st.none() | st.binary(max_size=40))
def test_nothing_that_an_upstream_says_breaks_us_or_is_believed_without_bound(value, exact):
    fields = [(b"retry-after", value)] + ([(b"retry-after-ms", exact)] if exact is not None else [])
    asked = retry_after_us(fields, NOW)
    assert asked is None or 0 <= asked <= 366 * 86_400_000_000
