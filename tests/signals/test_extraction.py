"""Extraction: labels and vectors of texts that nobody wrote."""

from __future__ import annotations

import pytest

from gateway.signals.extraction import SIGNAL
from gateway.signals.look import look_of
from tests.signals.callers import look, said

LINE = "kettle lantern orchard ferry glacier violin bakery harbour compass meadow tractor library bridge"
WORDS = LINE.split()


def salad(number):
    return " ".join(WORDS[(number * place + number) % 13] for place in range(1, 20))


def vector(text):
    return look_of("openai.embeddings", {"model": "m", "input": text}, status=200)


def test_labels_of_random_words_are_told_with_numbers():
    evidence = said(SIGNAL, [look(f"Spam?\n{salad(number)}", max_tokens=4, out=1) for number in range(20)])
    assert evidence.seen == "19 of 20 requests want a label, probabilities or a vector of a text at random"


def test_vectors_of_random_words():
    assert said(SIGNAL, [vector(salad(number)) for number in range(20)]).weight > 10


@pytest.mark.parametrize(
    "text",
    ["red kettle", "kettle, lantern, orchard, ferry, glacier, violin, bakery, harbour", "We like the {n}. It is as good as new."],
)
def test_vectors_of_what_people_search_and_write(text):
    assert said(SIGNAL, [vector(text.replace("{n}", WORDS[number % 13])) for number in range(60)]) is None


def test_an_answer_of_some_length_is_no_label():
    assert said(SIGNAL, [look(salad(number)) for number in range(30)]) is None
