"""Copies of classifiers and encoders, and the honest ones who classify and index."""

from __future__ import annotations

from gateway.demo.vocabulary import theme_of
from tests.lab.asking import asks, said, wrapper


def test_both_ask_one_question_of_many_texts_and_want_a_word():
    for name in ("classifier_extract", "nightly_classifier"):
        texts = [said(one) for one in asks(name, 60)]
        assert len(set(texts)) == 60
        assert len(wrapper(texts)) > 20
        assert all(one.body["max_tokens"] == 4 for one in asks(name, 5) if "max_tokens" in one.body)


def test_some_extraction_sends_text_of_no_language():
    styles = set()
    for seed in range(20):
        text = said(asks("classifier_extract", 1, seed=seed)[0]).split("\n\n", 1)[1]
        styles.add("borrowed" if text.endswith(".") else "random")
    assert styles == {"borrowed", "random"}


def test_the_nightly_classifier_has_texts_of_one_trade():
    themes = [theme_of(said(one).split("\n\n", 1)[1], 0) for one in asks("nightly_classifier", 40)]
    assert len(set(themes)) == 1


def test_an_index_is_also_asked():
    found = asks("indexer", 300)
    questions = [said(one) for one in found if said(one).endswith("?")]
    assert 50 < len(questions) < 150
    assert len(set(questions)) < len(questions)
    assert not any(said(one).endswith("?") for one in asks("embedding_extract", 100))


def test_embeddings_are_sent_one_by_one_or_many_at_once_by_both():
    for name in ("indexer", "embedding_extract"):
        many = {
            max(1 if isinstance(one.body["input"], str) else len(one.body["input"]) for one in asks(name, 9, seed=k)) for k in range(40)
        }
        assert many == {1, 4, 16}, name
