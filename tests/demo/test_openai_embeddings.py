"""Embeddings: what lies near what, and in which form it is told."""

from __future__ import annotations

import base64
import math
from array import array

import openai
import pytest

from gateway.demo.openai_embeddings import embed
from gateway.demo.vocabulary import token_id


def likeness(one, other):
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_each_input_has_a_vector_of_length_one(client):
    answer = client.embeddings.create(model="m", input=["a river", "a lake"])
    assert [one.index for one in answer.data] == [0, 1]
    for one in answer.data:
        assert len(one.embedding) == 256
        assert math.hypot(*one.embedding) == pytest.approx(1.0, abs=1e-6)
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == 4


def test_floats_and_base64_say_the_same(http):
    def told(encoding):
        body = {"model": "m", "input": "a river", "encoding_format": encoding, "dimensions": 32}
        return http.post("/v1/embeddings", json=body).json()["data"][0]["embedding"]

    assert list(array("f", base64.b64decode(told("base64")))) == told("float")


def test_alike_texts_lie_nearer_than_others():
    text = embed("the river crosses the old forest", 256)
    assert likeness(text, embed("the old forest is crossed by the river", 256)) > 0.7
    assert likeness(text, embed("rivers cross forests", 256)) > 0.15
    assert abs(likeness(text, embed("quarterly spreadsheet deadlines", 256))) < 0.15
    assert likeness(text, embed("the river crosses the old forest", 256)) == pytest.approx(1.0, abs=1e-6)


def test_a_text_without_words_is_nowhere():
    assert set(embed("...", 8)) == {0.0}


def test_token_ids_are_texts(client):
    ids = [token_id(" river"), token_id(" meets")]
    by_ids, by_text = client.embeddings.create(model="m", input=[ids]), client.embeddings.create(model="m", input=" river meets")
    assert by_ids.data[0].embedding == by_text.data[0].embedding


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": None}, "input"),
        ({"input": ["x"] * 2049}, "input"),
        ({"dimensions": 0}, "dimensions"),
        ({"encoding_format": "hex"}, "encoding_format"),
    ],
)
def test_a_bad_request_is_refused_with_the_field_that_is_wrong(client, wrong, param):
    with pytest.raises(openai.BadRequestError) as caught:
        client.embeddings.create(**{"model": "m", "input": "x", **wrong})
    assert caught.value.param == param
