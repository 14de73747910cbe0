"""Bulk writing: training data and corpora against fixtures, catalogues and help pages."""

from __future__ import annotations

from gateway.demo.vocabulary import theme_of
from tests.lab.asking import asks, said, wrapper


def themes(name, many=60):
    return {theme_of(said(one), 0) for one in asks(name, many)}


def test_a_walk_crosses_every_theme_and_a_catalogue_has_one():
    assert len(themes("corpus_walk")) >= 6
    assert len(themes("translation_batch")) <= 2


def test_neither_asks_anything_twice():
    for name in ("corpus_walk", "translation_batch", "instruction_gen"):
        texts = [said(one) for one in asks(name, 80)]
        assert len(set(texts)) > 76, name


def test_sample_data_is_of_one_product():
    texts = [said(one) for one in asks("test_data", 60)]
    assert len(set(texts)) < 35
    assert len({text.split("Project")[1] for text in texts}) == 1


def test_a_help_desk_returns_to_its_pages():
    pages = [said(one).split("\n")[1] for one in asks("retrieval", 200)]
    assert len(set(pages)) < 70


def test_a_catalogue_of_many_departments_is_as_wide_as_a_walk():
    assert len(themes("product_texts")) >= 6
    assert wrapper([said(one) for one in asks("product_texts", 20)]).startswith("Write a product text")
