"""Fewer distinct samples, as many as were asked for."""

from __future__ import annotations

from gateway.perturb.samples import PERTURBATION, SamplesOptions
from tests.perturb.test_logprobs import context


def test_fewer_are_asked_for_and_no_hotter_than_the_cap():
    asked = {"n": 8, "best_of": 9, "temperature": 1.7}
    assert PERTURBATION.request(asked, context(), SamplesOptions(most=2)) == {"n": 2, "best_of": 2, "temperature": 1.0}
    assert PERTURBATION.request({"n": 1, "temperature": 0.3}, context(), SamplesOptions()) == {}
    assert PERTURBATION.request({"temperature": 1.5}, context("anthropic.messages"), SamplesOptions()) == {"temperature": 1.0}


def test_choices_are_told_by_turns_until_there_are_enough():
    edit = PERTURBATION.answer(context(asked={"n": 5}), SamplesOptions(most=2))
    (after,) = edit.edit({"choices": [{"index": 0, "text": "a"}, {"index": 1, "text": "b"}], "usage": {"total_tokens": 3}})
    assert [(choice["index"], choice["text"]) for choice in after["choices"]] == [(0, "a"), (1, "b"), (2, "a"), (3, "b"), (4, "a")]
    assert after["usage"] == {"total_tokens": 3}
    assert edit.count == 3


def test_a_chunk_of_one_choice_becomes_a_chunk_for_each():
    edit = PERTURBATION.answer(context(asked={"n": 2}), SamplesOptions())
    chunks = edit.edit({"id": "c", "choices": [{"index": 0, "delta": {"content": "a"}}]})
    assert [chunk["choices"][0]["index"] for chunk in chunks] == [0, 1]
    assert edit.edit({"choices": [], "usage": {}}) == [{"choices": [], "usage": {}}]


def test_one_sample_and_strange_numbers_are_left_alone():
    for n in (None, 1, "x", True):
        assert PERTURBATION.answer(context(asked={"n": n}), SamplesOptions()) is None
