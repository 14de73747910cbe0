"""Made-up English has the shape of prompts."""

from __future__ import annotations

import re

from gateway.demo.words import NOUNS
from gateway.lab import texts
from gateway.lab.dice import dice


def test_a_document_stays_with_its_theme():
    document = texts.document(dice("document"), "food")
    assert 3 <= document.count(".") <= 9
    words = set(re.findall(r"[a-z]+", document))
    assert words & set(NOUNS["food"])
    assert not words & (set(NOUNS["machine"]) - set(NOUNS["food"]))


def test_questions_ask_and_tasks_order():
    chance = dice("asked")
    assert all(texts.question(chance, "home").endswith("?") for _ in range(50))
    assert all(texts.task(chance, "home").endswith(".") for _ in range(50))


def test_a_problem_s_worked_answer_is_right():
    for number in range(50):
        text, answer = texts.problem(dice("problem", number), "city")
        x, y, z = sorted(map(int, re.findall(r"\d+", text)))
        assert int(re.findall(r"\d+", answer)[-1]) in {x * y + z, x * z + y, y * z + x}


def test_code_looks_like_code_and_grows_with_its_functions():
    short, long = texts.code(dice("code"), 1), texts.code(dice("code"), 20)
    assert len(long) > 8 * len(short)
    assert re.search(r"def |class |function |func ", short)


def test_companies_differ():
    assert len({texts.company(dice("company", number)) for number in range(50)}) > 45
