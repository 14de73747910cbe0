"""What two policies did to the same traffic, as it is told: who climbs otherwise, which campaigns, how many refusals."""

from __future__ import annotations

import pytest

from gateway.cli.policytried import print_tried, tried_plain
from gateway.policyreplay import replayed
from tests.test_policyreplay import LADDER, harvest, policy, record
from tests.test_replayweigh import crowd


@pytest.fixture
async def found():
    """A harvest and somebody who only says hello, under a policy without that signal and one with it."""
    old, new = (policy(rest=LADDER % (28, level, "off")) for level in ("off", "enforce"))
    return await replayed(old, new, [*harvest(60), *(record(2_000 + at, "k-2") for at in range(3))])


async def test_as_json_each_side_has_first_final_campaign_and_refusals(found):
    told = tried_plain(found, "judged")
    (caller,) = told["affected"]
    assert (caller["key"], caller["requests"]) == ("k-1", 60)
    assert caller["old"]["first"]["perturb"] is None
    assert caller["new"]["first"]["perturb"]["request"] <= caller["new"]["first"]["refuse"]["request"] <= 60
    assert (caller["new"]["final"]["action"], caller["new"]["campaign"]) == ("refuse", None)
    assert caller["new"]["refused_by_ladder"] == told["new"]["refused_by_ladder"] == told["new"]["reasons"]["caller.blocked"]
    assert [told["reached"][side]["refuse"] for side in ("old", "new")] == [0, 1]
    assert told["campaigns"] == {"old": {}, "new": {}}


async def test_in_words_a_caller_has_a_line(found, capsys):
    print_tried(found, "judged")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "replay of 63 requests by 2 callers, judged"
    assert lines[2].startswith("       callers who reached ")
    assert "refuse 1; campaigns 0" in lines[4]
    line = lines[-1]
    assert line.startswith("  k-1; reached ")
    assert "-> refuse by request " in line
    assert "at the end " in line


async def test_campaigns_are_told_of_each_policy(capsys):
    old, new = (policy(rest=LADDER % (90, "enforce", level)) for level in ("off", "enforce"))
    result = await replayed(old, new, crowd())
    told = tried_plain(result, "judged")
    assert told["campaigns"]["old"] == {}
    (campaign,) = told["campaigns"]["new"].values()
    linked = [caller for caller in told["affected"] if caller["new"]["campaign"]]
    assert {caller["key"] for caller in linked} == set(campaign["callers"])
    assert all(caller["old"]["campaign"] is None for caller in linked)
    print_tried(result, "judged")
    assert f"campaign none -> {linked[0]['new']['campaign']}" in capsys.readouterr().out
