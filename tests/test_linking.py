"""Campaigns are looked for in steps between requests: never longer than asked for, and only as often as it costs little."""

from __future__ import annotations

import random

import msgspec
import pytest

from gateway.linking import MOST_ACCOUNTS, Linking, links_live, pack, unpack
from gateway.model.policy import SignalRule
from gateway.model.value import replace
from gateway.risk.campaigns import Campaigns
from gateway.risk.links import Links
from gateway.risk.scales import Scales
from tests.core.conftest import a_policy
from tests.risk.counting import Counting, Straight
from tests.risk.crowds import campaign, people

POLICY = a_policy(signals={"linkage": SignalRule("linkage", "linkage", "enforce", 40.0)})
OFF = a_policy(signals={"linkage": SignalRule("linkage", "linkage", "off", 40.0)})
WRAPPER = "As the examiner of volume nine, restate what follows in plain terms and number each step: {} Close with the word done."


class Clock:
    """CPU that goes on by a tenth of a millisecond each time it is asked for."""

    now = 0.0

    def __call__(self):
        self.now += 1e-4
        return self.now


def a_linking(**other):
    return Linking(Campaigns(Scales({"elicitation": Counting()}, Straight())), **other)


def traffic():
    rnd = random.Random(5)
    return sorted([*people(rnd, 80), *campaign(rnd, 8, WRAPPER)], key=lambda look: look.at_us)


def test_it_goes_on_in_slices_and_comes_to_what_a_look_through_at_once_does():
    cpu = Clock()
    linking = a_linking(cpu=cpu, now=lambda: 0.0)
    for look in traffic():
        linking.see(POLICY, "all", look)
    whole = linking.campaigns.links.campaigns()
    slices = 0
    while linking.found is None:
        assert linking.busy
        assert linking.work(0.0005) < 0.001
        slices += 1
    assert slices > 10
    assert [one.callers for one in linking.found] == [one.callers for one in whole]
    assert not linking.busy  # until somebody has taken it


def test_it_looks_again_when_enough_requests_came_for_what_it_costs_or_enough_time_passed():
    now = [0.0]
    linking = a_linking(cpu=Clock(), now=lambda: now[0])
    looks = traffic()
    for look in looks:
        linking.see(POLICY, "all", look)
    while linking.found is None:
        linking.work(0.0005)
    linking.found = None
    assert not linking.busy
    linking.see(POLICY, "all", looks[0])
    assert not linking.busy  # one request pays for twenty microseconds
    now[0] += 3600.0
    assert linking.busy


def test_where_it_does_not_lead_or_linkage_is_off_nothing_is_taken_in():
    linking = a_linking()
    linking.leads = False
    linking.see(POLICY, "all", traffic()[0])
    linking.leads = True
    linking.see(OFF, "all", traffic()[0])
    assert len(linking.campaigns.links) == 0


def test_looks_of_other_processes_are_fed_in_slices_and_those_of_another_version_left_out():
    linking = a_linking(now=lambda: 0.0)
    linking.hear([b"\xff", *[pack(look) for look in traffic()]])
    while linking.busy and linking.found is None:
        linking.work(0.001)
    assert any(len(one.accounts) == 8 for one in linking.found)


def test_what_is_told_of_a_look_is_small_and_all_that_linkage_reads():
    for look in traffic()[:200]:
        packed = pack(look)
        assert len(packed) < 512
        known = tuple(pair for pair in look.attributes if pair[0] in {"agent", "asn", "payment"})
        assert unpack(packed) == replace(look, peer="", model="", attributes=known)


def test_a_wording_that_asks_is_found_by_what_other_processes_saw_as_by_what_this_one_did():
    """The signals watch what is pooled: what they read of a look has to come along."""
    rnd = random.Random(7)
    asking = [replace(look, cues=1, system_words=0) for look in campaign(rnd, 8, WRAPPER)]
    here, there = (Links(), Links())
    for links in (here, there):
        links.listen({"elicitation": Counting()}, Straight)
    for look in sorted([*people(rnd, 80), *asking], key=lambda look: look.at_us):
        here.feed(look)
        there.feed(unpack(pack(look)))
    told = [one.said for one in here.campaigns()]
    assert any(told)
    assert [one.said for one in there.campaigns()] == told


@pytest.mark.parametrize("packed", [b"", b"\xff", b"\x90", msgspec.msgpack.encode([1] * 60), msgspec.msgpack.encode({"a": 1})])
def test_what_is_no_look_of_this_version_is_refused(packed):
    with pytest.raises(ValueError, match=r"."):
        unpack(packed)


def test_accounts_are_as_many_as_the_memory_holds():
    assert links_live(64_000_000)._most_accounts == MOST_ACCOUNTS
    assert links_live(4_000_000)._most_accounts == 4_000_000 // 2_048
