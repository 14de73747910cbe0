"""Harvesters of reasoning and their twins: steps are asked for by all, in many wordings."""

from __future__ import annotations

from tests.lab.asking import asks, said


def test_the_harvest_asks_each_problem_once_in_one_wording():
    texts = [said(one) for one in asks("cot_harvest", 80)]
    assert len(set(texts)) == 80


def test_the_harvest_comes_in_several_languages():
    texts = " ".join(said(asks("cot_harvest", 1, seed=seed)[0]) for seed in range(80))
    for sign in (
        "hidden reasoning",
        "second thoughts" if "second thoughts" in texts else "doubts",
        "Gedankenkette",
        "raisonnement",
        "pensamiento",
    ):
        assert sign in texts, sign
    assert any("思" in said(asks("cot_harvest", 1, seed=seed)[0]) for seed in range(80))


def test_learners_come_back_and_ask_about_a_step():
    found = asks("show_your_work", 120)
    turns = [sum(message["role"] == "user" for message in one.body.get("messages") or one.body["input"]) for one in found]
    assert max(turns) >= 2
    first = [said(one) for one, many in zip(found, turns, strict=True) if many == 1]
    assert len(set(first)) < len(first)


def test_both_send_questions_with_finished_answers_but_only_one_wants_the_thoughts():
    for name in ("reasoning_rewrite", "explained_answers"):
        assert all("Answer: " in said(one) for one in asks(name, 20))
    wanted = " ".join(said(asks("reasoning_rewrite", 1, seed=seed)[0]) for seed in range(40))
    assert "inner monologue" in wanted
    assert "false starts" in wanted
    assert "readers" in " ".join(said(asks("explained_answers", 1, seed=seed)[0]) for seed in range(40))
