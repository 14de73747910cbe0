"""Graders for training, judges of one's own product, and benchmarks."""

from __future__ import annotations

from tests.lab.asking import asks, said


def test_both_compare_two_answers():
    for name in ("preference_grading", "own_judge"):
        assert all("\nA: " in said(one) and "\nB: " in said(one) for one in asks(name, 20)), name


def test_grading_for_training_never_sees_a_prompt_twice_and_the_judge_of_a_product_does():
    def prompts(name, begin):
        return [said(one).split(begin)[1].split("\n\nA: ")[0] for one in asks(name, 150)]

    assert len(set(prompts("preference_grading", "Prompt: "))) > 140
    assert len(set(prompts("own_judge", "Customer: "))) < 120


def test_a_benchmark_is_run_again_in_the_same_order():
    texts = [said(one) for one in asks("evaluation_run", 400)]
    again = texts.index(texts[0], 1)
    assert 40 <= again <= 180
    assert texts[:again] == texts[again : 2 * again]
