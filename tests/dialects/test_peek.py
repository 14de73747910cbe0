"""Only what is acted on is read, and a body that two parsers read differently says so."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.peek import Peek, pairs_of, whole
from gateway.errors import BadRequest


class Fields(msgspec.Struct):
    """What these tests act on."""

    model: str | None = None
    n: int | float | None = None
    messages: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


PEEK = Peek(Fields)


def test_only_the_named_fields_are_read():
    fields, why = PEEK.read(b'{"model":"m","n":2,"messages":[{"model":"x","n":"y"}],"tools":{"n":[]},"unknown":{"a":1}}')
    assert (fields.model, fields.n, bytes(fields.messages), why) == ("m", 2, b'[{"model":"x","n":"y"}]', "")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"model":"a","model":"b"}', "`model` is given more than once"),
        (b'{"model":"a","\\u006dodel":"b"}', "`model` is given more than once"),
        (b'{"model":"a","m\\u006Fdel":"b"}', "`model` is given more than once"),
        (b'{"n":1,"messages":[],"n" : 2}', "`n` is given more than once"),
        (b'{"Model":"a"}', "`model` is spelt in another case"),
        (b'{"\\u004e":9}', "`n` is spelt in another case"),
        ('{"meſſages":[]}'.encode(), "`messages` is spelt in another case"),
        (b'{"me\\u017f\\u017fages":[]}', "`messages` is spelt in another case"),
        (b'\xef\xbb\xbf{"model":"a"}', "it begins with a byte order mark"),
        (b'{"x":"\xff"}', "it is not valid UTF-8"),
        (b'{"x":"\xed\xa0\x80"}', "it is not valid UTF-8"),
    ],
)
def test_a_body_that_parsers_read_differently_says_why(body, why):
    assert PEEK.read(body)[1] == why


@pytest.mark.parametrize(
    "body",
    [
        b'{"x":1,"x":2,"model":"a"}',
        b'{"messages":[{"n":1},{"n":2}],"n":3}',
        b'{"model":"a","messages":[{"content":"\\"model\\": \\"b\\""}]}',
        b'{"messages":[{"content":"caf\\u0041"}],"model":"a"}',
        '{"model":"größe"}'.encode(),
    ],
)
def test_what_nobody_acts_on_is_not_ambiguous(body):
    assert PEEK.read(body)[1] == ""


@given(st.lists(st.sampled_from(["model", "n", "messages", "x"]), max_size=5), st.data())
def test_a_repeated_key_is_found_however_it_is_escaped(keys, data):
    pairs = []
    for key in keys:
        spelt = "".join(f"\\u{ord(char):04x}" if data.draw(st.booleans()) else char for char in key)
        pairs.append(f'"{spelt}": null')
    _, why = PEEK.read(("{" + ", ".join(pairs) + "}").encode())
    names = [key for key in keys if key != "x"]
    assert bool(why) == (len(names) != len(set(names)))


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"not json", b'{"x":NaN}', b'{"x":Infinity}', b'{"model":"\\ud800"}', b'{"x":"\\udc00"}', b'{"n":1e400}', b"{} {}",
        b'{"a":1,}', b"{'a':1}", '{"model":"a"}'.encode("utf-16"), b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"model":"\xff"}',
    ],
)  # fmt: skip
def test_what_no_two_parsers_agree_to_read_is_a_bad_request(body):
    with pytest.raises(BadRequest) as caught:
        PEEK.read(body)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("body", "param"),
    [(b'{"model":1}', "model"), (b'{"n":"2"}', "n"), (b'{"n":true}', "n"), (b"[]", None), (b'"model"', None), (b"null", None)],
)
def test_a_field_of_the_wrong_type_is_named(body, param):
    with pytest.raises(BadRequest) as caught:
        PEEK.read(body)
    assert caught.value.param == param


def test_no_error_quotes_what_was_sent():
    for body in (b'{"model":"secret prompt', b'{"n":"secret prompt"}', b'{"secret prompt":\xff}', b"secret prompt"):
        with pytest.raises(BadRequest) as caught:
            PEEK.read(body)
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("value", "number"), [(None, None), (3, 3), (3.0, 3), (-1, -1), (10**30, 2**53), (-(10**30), -(2**53))])
def test_a_whole_number_is_read_and_bounded(value, number):
    assert whole(value, "n") == number


def test_a_number_with_a_fraction_is_refused_by_name():
    with pytest.raises(BadRequest) as caught:
        whole(2.5, "n")
    assert caught.value.param == "n"


def test_pairs_keep_repeated_keys():
    assert pairs_of(b'{"a":1,"a":2}') == [("a", 1), ("a", 2)]
    assert pairs_of(b"[]") is None
    assert pairs_of(b"{") is None


@given(st.dictionaries(st.sampled_from(["model", "x", "y"]), st.text(max_size=5)))
def test_what_is_read_is_what_a_parser_reads(value):
    body = json.dumps(value).encode()
    fields, why = PEEK.read(body)
    assert (fields.model, why) == (value.get("model"), "")
