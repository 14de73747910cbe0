"""The student that fits a laptop foresees what it learnt, writes in its manner, and never gives a word no chance at all."""

from __future__ import annotations

import pytest

from gateway.lab.dice import dice
from gateway.lab.experiments.ngram import NGram

TEXTS = ["the river runs and the river sleeps", "the river runs and the stone sleeps"]


def test_what_it_learnt_it_foresees_better_than_anything_else():
    student = NGram(TEXTS)
    assert student.perplexity(TEXTS) < student.perplexity(["the stone runs and the stone runs"])
    assert student.perplexity(TEXTS) < student.perplexity(["entirely different words"])


def test_the_chances_of_all_words_add_up_to_one_with_what_is_left_for_the_unknown():
    student = NGram(TEXTS, order=2)
    known = {word for text in TEXTS for word in text.split()} | {"\n"}
    assert sum(student._chance(word, ("river",)) for word in known) + student._chance("unknown", ("river",)) == pytest.approx(1.0)


def test_it_writes_words_it_learnt_and_the_same_under_the_same_dice():
    told = NGram(TEXTS).write(50, dice("student", 1))
    assert set(told.split()) <= set(" ".join(TEXTS).split())
    assert 30 < len(told.split()) <= 55
    assert told == NGram(TEXTS).write(50, dice("student", 1))
    assert told != NGram(TEXTS).write(50, dice("student", 2))


def test_a_student_of_nothing_writes_nothing():
    with pytest.raises(LookupError):
        NGram([]).write(5, dice("student"))
