"""Groups out of pools: by what is asked for, or by contents that were dealt out."""

import pytest

from gateway.model.evidence import Evidence
from gateway.risk.pooling import SPEAKS, pooled
from gateway.risk.pools import Pools
from gateway.risk.steps import finish
from gateway.risk.together import Link
from tests.risk.crowds import dice, said
from tests.risk.test_pools import ASKING, fed, heads, own, wrapped

LOUD = Evidence("elicitation", "1", "wording", SPEAKS, "asks", "5%")
QUIET = Evidence("elicitation", "1", "wording", SPEAKS - 1, "asks", "5%")


def groups(pools, *evidence, sent=20):
    return finish(pooled(heads(pools), lambda pool: evidence, lambda number: sent))


def test_contents_that_were_dealt_out_tell_without_any_wording():
    (found,) = groups(fed(wrapped(5, 12)))
    assert found.numbers == (1, 2, 3, 4, 5)
    assert found.deal.name == "dealt"
    assert not found.worded


def test_a_phrase_that_people_use_now_and_then_is_hardly_a_deal():
    (found,) = groups(fed(wrapped(9, 4)))
    assert found.deal.weight == 2


def test_what_is_a_small_part_of_all_that_each_sends_is_hardly_a_deal():
    (found,) = groups(fed(wrapped(5, 12)), sent=200)
    assert found.deal.weight == 2


def test_a_wording_that_asks_tells_without_contents():
    (found,) = groups(fed(wrapped(3, 3, wrapper=ASKING)), LOUD)
    assert found.worded
    assert found.deal is None
    assert groups(fed(wrapped(3, 3, wrapper=ASKING)), QUIET) == []


def test_who_does_not_ask_is_no_member_of_a_wording_that_does():
    pools = fed(wrapped(4, 3, wrapper=ASKING))
    (pool,) = heads(pools)
    pool.asking[4] = 1
    assert groups(pools, LOUD)[0].numbers == (1, 2, 3)


def test_one_benchmark_in_the_hands_of_all_was_not_dealt_out():
    items = [said(dice(n)) for n in range(20)]
    assert (
        groups(fed([(account, f"Solve with care, and be exact in each part: {item}") for item in items for account in range(1, 6)]))
        == []
    )


def test_contents_of_each_accounts_own_speak_against():
    (found,) = groups(fed(wrapped(6, 20, slot=own)))
    assert found.deal.weight < 0


def test_wordings_of_one_hand_are_one_group():
    pools = fed(wrapped(5, 12))
    fed(wrapped(6, 12, wrapper="Now something else entirely that all of them begin with,"), pools)
    assert [found.numbers for found in groups(pools)] == [(1, 2, 3, 4, 5, 6)]


def test_the_deal_stands_for_what_was_known_of_contents_before():
    (found,) = groups(fed(wrapped(5, 12)))
    links = found.links([Link("template", 6.0, ""), Link("own topics", -8.0, ""), Link("payment", 4.0, "")])
    assert [link.name for link in links] == ["template", "dealt", "payment"]
    assert links[1].weight == pytest.approx(19.0)


def test_as_a_part_of_a_larger_group_it_says_little_of_that():
    (found,) = groups(fed(wrapped(5, 12)))
    assert found.among(None).deal.weight == 2
    assert not found.among(None).worded


def test_nothing_in_common_is_no_group():
    assert groups(Pools(512)) == []
