"""Callers on paper: nobody's address, and groups that have in common what is said of them."""

from __future__ import annotations

import ipaddress

from gateway.lab.dice import dice
from gateway.lab.identities import belongs_to, draw_identity

BEGINS = 1_789_948_800


def many(count=400):
    return [draw_identity(dice("identity", number), BEGINS) for number in range(count)]


def test_addresses_and_networks_belong_to_nobody():
    for identity in many():
        assert all(ipaddress.ip_address(peer) in ipaddress.ip_network("198.18.0.0/15") for peer in identity.peers)
        assert 64512 <= int(identity.asn.removeprefix("AS")) <= 65534


def test_keys_and_accounts_are_one_each():
    identities = many()
    assert len({identity.key for identity in identities}) == len({identity.account for identity in identities}) == 400


def test_strangers_share_offices_and_prepaid_payments():
    identities = many()
    assert len({identity.peers for identity in identities}) < 390
    assert 20 < sum(identity.payment.startswith("pm-prepaid") for identity in identities) < 90


def test_some_are_known_by_no_attributes():
    assert 15 < sum(identity.attributes() == {} for identity in many()) < 75


def test_accounts_are_between_a_day_and_two_years_old():
    ages = [(BEGINS - identity.created) / 86_400 for identity in many()]
    assert 1 <= min(ages) < 3
    assert 600 < max(ages) <= 730


def test_keys_of_one_account_share_its_payment_and_age():
    first, other = many(2)
    joined = belongs_to(other, first, one_account=True, chance=dice(1))
    assert (joined.account, joined.payment, joined.created) == (first.account, first.payment, first.created)
    assert joined.key == other.key


def test_members_on_accounts_of_their_own_share_a_payment_now_and_then():
    first, *others = many(300)
    shared = sum(belongs_to(one, first, one_account=False, chance=dice(k)).payment == first.payment for k, one in enumerate(others))
    assert 20 < shared < 80
