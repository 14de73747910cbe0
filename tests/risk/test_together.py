"""What a group has in common, by how rare it is."""

import pytest

from gateway.risk.together import Crowd, decibans, weigh_together
from gateway.risk.wrappers import Account

HOUR = 3_600_000_000


def account(at, *, payment="", asn="", agent="", first=None, life=20, system=0, topics=None, wrapped=20):
    made = Account(f"a-{at}", (at * 17 % 101) * HOUR if first is None else first)
    made.last_us = made.first_us + life * HOUR
    made.payment, made.asn, made.agent, made.system, made.wrapped = payment, asn, agent, system, wrapped
    made.topics = topics if topics is not None else {}
    made.told = sum(made.topics.values())
    return made


def crowd_of(group, size=200):
    return Crowd([*group, *(account(1000 + at, payment=f"pm-x{at}", asn=f"AS{at % 8}") for at in range(size))])


def links(group, crowd=None):
    return {link.name: link for link in weigh_together(group, crowd or crowd_of(group))}


def test_decibans_grow_as_the_chance_falls_and_are_less_than_the_chance_alone_would_give():
    assert decibans(0.5) == 0
    assert decibans(0.05) == pytest.approx(3.9, abs=0.1)
    assert 0 < decibans(0.01) < decibans(1e-4) < 40


def test_a_wording_alone_weighs_as_much_as_strangers_with_one_are_rare():
    assert set(links([account(at) for at in range(6)])) == {"template"}


def test_payments_shared_by_a_few_weigh_much():
    group = [account(at, payment=f"pm-{at // 3}") for at in range(9)]
    assert links(group)["payment"].weight == 20


def test_a_payment_that_many_others_have_weighs_little():
    group = [account(at, payment="pm-bank" if at < 3 else f"pm-{at}") for at in range(9)]
    others = [account(100 + at, payment="pm-bank") for at in range(60)]
    assert "payment" not in links(group, crowd_of([*group, *others]))


def test_one_payer_for_all_is_one_customer():
    group = [account(at, payment="pm-1") for at in range(9)]
    assert links(group)["payment"].weight == 3
    assert "one payer" in links(group)["payment"].seen


def test_absent_attributes_say_nothing():
    assert "network" not in links([account(at) for at in range(9)])


def test_a_rare_network_weighs_and_a_popular_one_does_not():
    assert links([account(at, asn="AS9999") for at in range(9)])["network"].weight == 4
    group = [account(at, asn="AS1") for at in range(9)]
    assert "network" not in links(group, Crowd([*group, *(account(50 + at, asn="AS1") for at in range(300)), account(9, asn="AS2")]))


def test_a_common_start_is_told_against_everybodys():
    group = [account(at, first=50 * HOUR + at * HOUR // 10) for at in range(9)]
    assert links(group)["start"].weight > 6
    assert "of all did" in links(group)["start"].seen


def test_starts_as_everybodys_are_none():
    assert "start" not in links([account(at) for at in range(9)])


def test_one_app_speaks_for_strangers():
    group = [account(at, agent="vendora/3", system=77) for at in range(9)]
    assert links(group)["one app"].weight < 0


def test_topics_that_are_each_accounts_own_speak_for_strangers():
    group = [account(at, topics={at * 10 + n: 4 for n in range(5)}) for at in range(9)]
    assert links(group)["own topics"].weight < 0


def test_topics_dealt_out_of_one_source_speak_for_one_hand():
    group = [account(at, topics={(at * 7 + n * 3) % 40: 1 for n in range(16)}) for at in range(9)]
    assert links(group)["one source"].weight > 0


def test_a_wrappers_own_words_are_not_its_contents():
    group = [account(at, topics={1: 20, 2: 20, **{at * 10 + n: 4 for n in range(5, 9)}}) for at in range(9)]
    assert "own topics" in links(group)
