"""Relations between the parts of a file; `bad/` has one file for each mistake, here are the right ones beside them."""

from __future__ import annotations

import pytest

from gateway.policy.checks import problems_between
from gateway.policy.tree import read_tree


def between(text):
    return [str(problem) for problem in problems_between(read_tree(text.encode(), "f"))]


def test_the_small_policy_has_none(small):
    assert between(small.base) == []


@pytest.mark.parametrize(
    "text",
    [
        "callers: 5",
        "callers: [5, x]",
        "tiers: [1]",
        "tiers: { a: 1, b: { limits: x } }",
        "ladder: { a: 1 }",
        "tests: [[1]]",
        "signals: x",
        "5",
        "x",
    ],
)
def test_any_shape_is_taken(text):
    between(text)


def test_a_rule_that_gives_everyone_their_own_tier_hides_nobody_behind_it(small):
    own = "  - { id: own, match: {}, tier: own }\n"
    assert small.policy("  - { id: everyone", own + "  - { id: everyone").callers[1].tier is None


def test_an_empty_match_must_be_written_as_such(small):
    """A field without a value would widen a rule to everyone."""
    assert small.problems("{ tag: paid }", "{ tag: ~ }") == [
        "callers[0].match.tag: the field has no value (give one, or remove the field)"
    ]


def test_ids_of_limits_are_unique_over_all_tiers(small):
    (problem,) = small.problems("id: std-rpm", "id: free-rpm")
    assert "a second time" in problem


def test_a_ladder_may_be_as_long_as_it_ascends(small):
    text = "ladder:\n" + "".join(
        f"  - {{ id: r{at}, at: {at}, do: {do} }}\n" for at, do in [(0, "allow"), (10, "watch"), (30.5, "perturb"), (60, "refuse")]
    )
    assert [rung.at for rung in small.policy(more=text).ladder] == [0.0, 10.0, 30.5, 60.0]


@pytest.mark.parametrize("do", ["allow", "watch", "refuse"])
def test_a_share_belongs_to_rungs_that_leave_a_part(small, do):
    text = f"ladder:\n  - {{ id: a, at: 0, do: allow }}\n  - {{ id: b, at: 9, do: {do}, share: 0.5 }}\n"
    assert small.problems(more=text) == [
        f"ladder[1].share: a rung that does {do} has no `share` (it belongs to `do: throttle` and above)"
    ]


def test_problems_in_one_place_are_told_once(small):
    assert len(small.problems("rate: 20/minute", "rate: ~")) == 1
