"""The demo speaking."""

from __future__ import annotations

import json
import random
import re
from itertools import pairwise

import pytest

from gateway.demo.ask import Ask, Prompt
from gateway.demo.distribution import distribution
from gateway.demo.grammar import FIRST, next_place
from gateway.demo.speech import Draft, is_noun, moods
from gateway.demo.vocabulary import END, VOCABULARY, token_id

PROMPT = Prompt("Tell me about rivers.")


def draft(prompt=PROMPT, max_tokens=1000, **other):
    made = Draft(Ask(prompt, max_tokens, **other))
    return made, list(made)


def test_a_logprob_is_what_the_model_gives_the_token_in_its_place():
    """Walks the text again, by the grammar and the moods alone, and asks the model about each token."""
    asked = {"temperature": 0.8, "bias": ((20, 1.0), (30, -2.0)), "seed": 5, "top": 3}
    _, pieces = draft(**asked)
    place, said, walk = FIRST, 0, moods(PROMPT.number + len("text"))
    mood = next(walk)
    for at, piece in enumerate(pieces):
        there = distribution(place, PROMPT.theme, mood, 0.8, asked["bias"])
        token = VOCABULARY[token_id(piece.text if at else " " + piece.text)]
        assert piece.logprob == there.logprob(token.id)
        assert [told for _, told in piece.top] == [told for _, told in there.top(3)]
        said += "stop" in token.parts
        mood = next(walk) if is_noun(token) else mood
        place = next_place(place, token, said)
    assert said >= 1


def test_texts_are_sentences_that_end():
    for seed in range(40):
        made, pieces = draft(seed=seed)
        text = "".join(piece.text for piece in pieces)
        assert made.finish == "stop"
        assert all(re.fullmatch(r"[A-Z][a-z]+,?( [a-z]+){3,}", sentence) for sentence in text.removesuffix(".").split(". ")), text
        assert made.tokens == len(pieces)


def test_a_seed_decides_the_text_and_so_does_each_choice_of_it():
    ask = Ask(PROMPT, 50, seed=1)
    assert list(Draft(ask)) == list(Draft(ask))
    assert list(Draft(ask, 0)) != list(Draft(ask, 1))


def test_it_ends_at_the_limit():
    made, pieces = draft(max_tokens=4)
    assert (made.finish, len(pieces)) == ("length", 4)
    made, pieces = draft(max_tokens=0)
    assert (made.finish, len(pieces)) == ("length", 0)


def test_it_need_not_end_by_itself():
    assert len(draft(max_tokens=700, ignore_end=True)[1]) == 700


def test_a_forced_end_gives_an_empty_text():
    made, pieces = draft(bias=((END, 100.0),))
    assert (made.finish, pieces) == ("stop", [])


def test_reasoning_stands_before_the_text_and_is_counted():
    made, pieces = draft(reason=True, seed=1)
    parts = [piece.part for piece in pieces]
    thoughts = parts.index("text")
    assert set(parts[:thoughts]) == {"reasoning"}
    assert set(parts[thoughts:]) == {"text"}
    assert made.reasoning_tokens == thoughts


def test_a_stop_text_is_not_told_and_may_span_tokens():
    _, pieces = draft(seed=3)
    text = "".join(piece.text for piece in pieces)
    stop = text[8:20]
    made, cut = draft(seed=3, stops=(stop, "never said"))
    assert "".join(piece.text for piece in cut) == text[: text.index(stop)]
    assert (made.finish, made.stop_text) == ("stop_text", stop)


def test_a_stop_text_does_not_stop_reasoning():
    made, pieces = draft(seed=3, reason=True, stops=("request",))
    assert any("request" in piece.text for piece in pieces if piece.part == "reasoning")
    assert made.finish == "stop"


def test_forms_and_tools_are_recited():
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}
    made, pieces = draft(schema=schema, seed=1)
    assert set(json.loads("".join(piece.text for piece in pieces))) == {"name"}
    assert {piece.part for piece in pieces} == {"text"}
    made, pieces = draft(tool=("call", schema), seed=1)
    assert {piece.part for piece in pieces} == {"arguments"}
    assert made.finish == "tool"
    made, _ = draft(tool=("call", schema), max_tokens=2)
    assert made.finish == "length"


def test_moods_always_move_on():
    for number in (0, 1, 2**64 - 1, random.Random(1).getrandbits(64)):
        walk = moods(number)
        steps = [next(walk) for _ in range(200)]
        assert all(a != b for a, b in pairwise(steps))
        assert set(steps) == set(range(8))


@pytest.mark.parametrize("text", ["", "x", "∀ 日本語 🙂"])
def test_any_prompt_is_answered(text):
    assert draft(Prompt(text), seed=1)[1]
