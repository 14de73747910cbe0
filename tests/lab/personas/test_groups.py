"""Campaigns and the honest groups that look like them."""

from __future__ import annotations

import pytest

from tests.lab.asking import asks, said, wrapper


def group(name, size=8, many=30, seed=1):
    return [[said(one) for one in asks(name, many, place=place, size=size, seed=seed)] for place in range(size)]


@pytest.mark.parametrize("name", ["campaign_slices", "campaign_rotation"])
def test_a_campaign_s_keys_share_a_wrapper_and_never_a_text(name):
    keys = group(name)
    texts = [text for key in keys for text in key]
    assert len(set(texts)) > 0.99 * len(texts)
    assert len(wrapper(texts)) > 25


def test_together_the_keys_walk_the_corpus_that_one_alone_would_have_walked():
    alone = group("campaign_slices", size=1, many=40)[0]
    together = group("campaign_slices", size=4, many=10)
    assert {text for key in together for text in key} == set(alone)


def test_campaigns_have_wrappers_of_their_own():
    wrappers = {wrapper([text for key in group("campaign_slices", 2, 10, seed) for text in key]) for seed in range(20)}
    assert len(wrappers) > 16


@pytest.mark.parametrize(("name", "cover"), [("campaign_cover60", 0.6), ("campaign_cover90", 0.9)])
def test_cover_is_as_thick_as_it_is_called(name, cover):
    sign = wrapper([text for key in group("campaign_slices", 4, 30) for text in key])
    texts = [text for key in group(name, 8, 100) for text in key]
    assert abs(sum(not text.startswith(sign) for text in texts) / len(texts) - cover) < 0.06


def test_a_company_s_keys_ask_about_the_same_things_and_come_back():
    keys = group("company_keys", 8, 60)
    texts = [text for key in keys for text in key]
    assert len(set(texts)) < 0.8 * len(texts)
    assert len(wrapper(texts)) > 15


def test_shops_share_the_app_s_wrapper_but_for_their_names_and_have_goods_of_their_own():
    keys = group("vendor_shops")
    assert len({wrapper(key) for key in keys}) == 8
    assert not set.intersection(*map(set, keys))


def test_apps_on_a_framework_send_what_thousands_send():
    for key in group("framework_default", 4):
        assert all(text.endswith("Helpful Answer:") for text in key)
    assert len({group("framework_default", 1, 3, seed)[0][0].split("\n\n")[0] for seed in range(40)}) == 4


def test_renewed_keys_go_on_where_the_last_one_was():
    first, second = group("renewed_keys", 2, 200)
    assert len(set(first) & set(second)) > 40
