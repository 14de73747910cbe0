"""Two policies compared: what counts as a difference, and which limits keep what was used."""

from __future__ import annotations

import pytest

from gateway.policy.load import SHIPPED, find, load, read_text
from gateway.policydiff import changed_limits, counter_of, difference

BASE = """\
schema: gateway.policy/v1
name: p
version: "1"
callers:
  - { id: paid, match: { tag: paid }, tier: free }
  - { id: all, match: {}, tier: free }
tiers:
  free:
    models: [small-*]
    limits:
      - { id: rpm, count: requests, rate: 20/minute, per: key }
      - { id: tpm, count: tokens, rate: 1000/minute, per: account }
      - { id: open, count: concurrent, at_once: 2, per: key, lease: 15m }
ladder:
  - { id: open, at: 0, do: allow }
  - { id: slowed, at: 20, do: throttle, share: 0.5 }
"""


def policy(*edits):
    text = BASE
    for before, after in edits:
        assert before in text
        text = text.replace(before, after)
    return read_text(text.encode(), "p.yaml").policy


def changes(*edits):
    return difference(policy(), policy(*edits)).changes


def only(*edits):
    (change,) = changes(*edits)
    return change


@pytest.mark.parametrize("name", SHIPPED)
def test_a_policy_is_not_different_from_itself(name):
    assert difference(load(find(name)), load(find(name))).changes == ()


def test_layout_and_spelling_are_no_difference():
    assert changes(("{ id: rpm, count: requests,", "{ count: requests,   id: rpm,"), ("ladder:", "# as before\nladder:")) == ()


def test_an_edited_amount_keeps_what_was_used():
    change = only(("20/minute", "30/minute"))
    assert (change.where, change.kind, change.usage) == ("tiers.free.limits.rpm", "changed", "kept")
    assert change.words == "20 requests in any minute -> 30 requests in any minute"
    assert (change.before["amount"], change.after["amount"]) == (20, 30)


@pytest.mark.parametrize(
    "edit",
    [
        ("count: requests", "count: output_tokens"),
        ("20/minute", "20/hour"),
        ("20/minute, per: key", "20/minute, per: account"),
        ("20/minute, per: key", "20/minute, per: [key, model]"),
        ("20/minute, per: key", "20/minute, per: key, window: bucket"),
    ],
)
def test_another_count_window_or_subject_starts_anew(edit):
    change = only(edit)
    assert (change.where, change.usage) == ("tiers.free.limits.rpm", "anew")
    assert " -> " in change.words


def test_multipliers_are_told_in_words_and_keep_what_was_used():
    change = only(("20/minute, per: key", "20/minute, per: key, multipliers: { big-*: 3 }"))
    assert (change.usage, change.words) == ("kept", "20 requests in any minute -> 20 requests in any minute, each big-* one counts 3")


@pytest.mark.parametrize("edit", [("20/minute, per: key", "20/minute, per: key, shadow: true"), ("at_once: 2", "at_once: 9")])
def test_what_is_no_part_of_a_counter_s_name_keeps_what_was_used(edit):
    assert only(edit).usage == "kept"


def test_another_name_is_another_counter_and_the_old_one_is_told():
    added, removed = sorted(changes(("id: rpm", "id: per-minute")), key=lambda change: change.kind)
    assert (added.kind, added.usage, removed.kind) == ("added", "anew", "removed")
    assert "the same as rpm was, under another name" in added.words


def test_a_limit_that_moves_to_another_tier_keeps_what_was_used():
    """A caller who is moved along takes with him what he used of a limit of the same name and kind."""
    line = "      - { id: rpm, count: requests, rate: 20/minute, per: key }\n"
    change = changes((line, ""), ("ladder:", "  other:\n    models: ['*']\n    limits:\n" + line + "ladder:"))
    assert [(one.where, one.kind, one.usage) for one in change if one.where.endswith("rpm")] == [
        ("tiers.free.limits.rpm", "removed", ""), ("tiers.other.limits.rpm", "added", "kept"),
    ]  # fmt: skip


def test_the_order_of_callers_counts():
    paid, more = "  - { id: paid, match: { tag: paid }, tier: free }\n", "  - { id: acme, match: { account: acme }, tier: free }\n"
    (change,) = difference(policy((paid, paid + more)), policy((paid, more + paid))).changes
    assert (change.section, change.kind) == ("callers", "moved")
    assert (change.before, change.after) == (["paid", "acme", "all"], ["acme", "paid", "all"])


def test_entries_are_compared_by_their_names_and_told_as_deep_as_they_differ():
    assert only(("share: 0.5", "share: 0.25")).where == "ladder.slowed.share"
    assert only(("tag: paid", "tag: gold")).where == "callers.paid.match.tag"
    assert only(("[small-*]", "[small-*, large-*]")).after == ["small-*", "large-*"]
    assert only(("  - { id: slowed, at: 20, do: throttle, share: 0.5 }\n", "")).kind == "removed"


def test_limits_that_a_caller_meets_otherwise_are_named():
    old, new = policy(), policy(("20/minute", "30/minute"), ("id: tpm", "id: tokens"))
    assert changed_limits(old, new, old.tiers["free"], new.tiers["free"]) == ("rpm", "tokens", "tpm")
    assert changed_limits(old, new, old.tiers["free"], None) == ("open", "rpm", "tpm")
    assert changed_limits(old, old, old.tiers["free"], old.tiers["free"]) == ()


def test_a_counter_is_named_without_its_amount():
    old, new = policy(), policy(("20/minute", "30/minute"))
    names = [counter_of(one, one.tiers["free"], one.tiers["free"].limits[0]) for one in (old, new)]
    assert names[0] == names[1]
    assert names[0].startswith("rpm:requests:sliding:")
