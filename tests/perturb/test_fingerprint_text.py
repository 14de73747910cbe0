"""Sentences: the same pieces however the text arrives, and nothing open that must not be touched."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.perturb.fingerprint_text import LONGEST, Sentences, is_english


def pieces(text, sizes=()):
    sentences, found, at = Sentences(), [], 0
    for size in sizes:
        found += sentences.feed(text[at : at + size])
        at += size
    return found + sentences.feed(text[at:]) + sentences.finish()


def touchable(text):
    """The text with all that must not be touched struck out by dots."""
    told = ""
    for piece in pieces(text):
        here = list(piece.text if piece.open else re.sub(r"[^\n]", ".", piece.text))
        for start, end in piece.spans:
            here[start:end] = ["."] * (end - start)
        told += "".join(here)
    return told


def test_a_sentence_is_a_piece_and_keeps_its_spaces():
    assert [piece.text for piece in pieces("It is so.  Is it? (Yes.) \nNo")] == ["It is so. ", " Is it? ", "(Yes.) ", "\n", "No"]


def test_a_sentence_without_an_end_is_cut_at_a_space_after_a_bound():
    cut = pieces("word " * 1000)
    assert max(len(piece.text) for piece in cut) <= LONGEST
    assert all(piece.text.endswith(" ") for piece in cut)
    assert not cut[1].begins


def test_a_word_without_end_is_cut_and_what_follows_it_stays_closed():
    assert [piece.open for piece in pieces("x" * (LONGEST + 5) + " is not it.")][1:2] == [False]


PARTS = ["It is so. ", "`a. b` ", '"No. ', 'Yes." ', "\n", "```\n", "$x. y$ ", "{", "} ", "word " * 50, "x" * 300]


@given(sizes=st.lists(st.integers(1, 40), max_size=60), parts=st.lists(st.sampled_from(PARTS), max_size=20))
def test_any_chunking_gives_the_same_pieces(sizes, parts):
    text = "".join(parts)
    assert pieces(text, sizes) == pieces(text)


KEPT = [
    "Run `do not. do not` now.",
    "Say ``a ` b. c`` now.",
    'He said, "I do not. I will not." and left.',
    "He said, “I do not. I will not.” and left.",
    "She asked 'is it not so?' and left.",
    "Solve $x is not y$ now.",
    "Solve $$x is not y. z$$ now.",
    "Solve \\(x is not y\\) now.",
    "Solve \\[x. is not y\\] now.",
    "See https://example.com/it.is/not?a=b now.",
    "Write to it.is@example.com now.",
    "Press [it is not](http://x.y/z) now.",
    "Use <b class='it is not'> now.",
    "Keep <code>it is. not</code> now.",
    'Send {"a": "it is. not"} now.',
]


@pytest.mark.parametrize("text", KEPT)
def test_what_is_protected_inside_a_sentence(text):
    left = touchable(text)
    assert left.startswith(text.split(" ")[0])
    assert left.rstrip(".").rpartition(" ")[2] in {"now", "left"}
    assert not re.search("do not|will not|is not|it is|not", left)


CLOSED = [
    "```python\nit is not. it is not\n```\n",
    "~~~\nit is not.\n```\nit is not.\n~~~\n",
    "    it is not.\n",
    "\tit is not.\n",
    "# It is not.\n",
    "> It is not.\n",
    "| it is. | not |\n",
    "a | it is. not | b\n",
    '{"a":\n "it is not.",\n "b": it is not.}\n',
    "<xml>\nit is not.\n</xml>\n",
    "\\begin{align}\nit is not.\n\nit is not.\n\\end{align}\n",
    "O it is not so,\nIt is not here\n",
]


@pytest.mark.parametrize("text", CLOSED)
def test_lines_that_are_no_prose_stay_closed(text):
    assert not re.search("[a-z]", touchable(text).replace("begin", "").replace("end", "").replace("align", ""))


def test_after_a_block_prose_is_open_again():
    assert touchable("```\nit is.\n```\nIt is not.\n").endswith("It is not.\n")
    assert touchable('He said, "I do\n\nIt is not.\n').endswith("It is not.\n")
    assert touchable("- one thing\n- It is not\n") == "- one thing\n- It is not\n"


def test_an_inch_mark_does_not_open_a_quotation():
    assert touchable('A 5" pipe and "do not" go.') == 'A 5" pipe and ........ go.'


@pytest.mark.parametrize("text", ["the cat is not on the mat", "it's late", "they would not say which of these it was — naïve or not"])
def test_english_is_known_by_its_commonest_words(text):
    assert is_english(text)


@pytest.mark.parametrize(
    "text",
    ["das ist auch so in der regel und nicht anders", "dit is ook de reden dat we hier niet over willen praten",
     "это не так, and the rest is not either или что", "c'est la vie et on ne peut pas dire non plus que"],
)  # fmt: skip
def test_other_languages_are_not(text):
    assert not is_english(text)
