"""Corpora are read by number: the same item each time, one theme in a domain, every theme on a walk, and files where they are given."""

from __future__ import annotations

import json

import pytest

from gateway.demo.vocabulary import theme_of
from gateway.errors import SettingsError
from gateway.lab.corpora import Corpora, Item, read_prompts
from gateway.lab.dice import dice


def test_an_item_is_always_the_same():
    corpus = Corpora().walk(dice(1), "problem")
    assert corpus.item(7) == corpus.item(7)
    assert corpus.item(7) != corpus.item(8)


def test_a_domain_has_one_theme_and_a_walk_has_all():
    domain, walk = Corpora().domain(dice(1), "document"), Corpora().walk(dice(1), "document")
    assert len({theme_of(domain.item(number).text, 0) for number in range(40)}) == 1
    assert len({theme_of(walk.item(number).text, 0) for number in range(80)}) == 8


def test_a_corpus_never_ends_and_seldom_repeats():
    corpus = Corpora().domain(dice(2), "document")
    assert len({corpus.item(number).text for number in range(500)}) == 500


def test_prompts_are_read_by_any_usual_name(tmp_path):
    rows = [
        {"text": "one", "answer": "1"},
        {"prompt": "two"},
        {"question": "three", "response": "3"},
        {"instruction": "four", "input": "of five", "output": "4"},
    ]
    file = tmp_path / "prompts.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    assert read_prompts(file) == (Item("one", "1"), Item("two", ""), Item("three", "3"), Item("four\nof five", "4"))


@pytest.mark.parametrize(
    ("content", "told"),
    [("{}\n", r":1: .*none of its fields"), ('{"text": "a"}\n[1]\n', r":2: .*no object"), ("", "no prompt"), ("{\n", ":1: ")],
)
def test_what_is_no_prompt_is_named_by_its_line(tmp_path, content, told):
    file = tmp_path / "prompts.jsonl"
    file.write_text(content)
    with pytest.raises(SettingsError, match=told):
        read_prompts(file)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"absent\.jsonl: No such file"):
        read_prompts(tmp_path / "absent.jsonl")


def given(many=400):
    return tuple(
        Item(f"what about {'copper' if number % 8 == 0 else 'velvet'} number {number}", f"so {number}") for number in range(many)
    )


def test_prompts_of_files_replace_made_up_ones():
    walk = Corpora((given(),)).walk(dice(3), "task")
    assert {walk.item(number) for number in range(400)} == set(given())


def test_a_document_out_of_a_file_is_its_answer():
    assert Corpora((given(),)).walk(dice(3), "document").item(0).text.startswith("so ")


def test_a_domain_of_a_file_shares_a_word():
    for seed in range(20):
        domain = Corpora((given(),)).domain(dice(seed), "task")
        words = set.intersection(*({*item.text.split()} for item in domain.given))
        assert words >= {"what", "about", "number"}
    narrow = [Corpora((given(),)).domain(dice(seed), "task").given for seed in range(40)]
    assert any(all("copper" in item.text for item in items) for items in narrow)


def test_problems_come_from_the_file_of_sums_and_tasks_from_the_other():
    sums = tuple(Item(f"Ann has {number} pens and buys {number + 3}. How many are there?", "many") for number in range(40))
    both = Corpora((given(), sums))
    assert set(both.walk(dice(1), "problem").given) == set(sums)
    assert all(set(both.domain(dice(seed), "problem").given) <= set(sums) for seed in range(9))
    assert set(both.walk(dice(1), "task").given) == set(given())
    assert set(Corpora((sums,)).walk(dice(1), "task").given) == set(sums)
