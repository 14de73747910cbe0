"""The places of one upstream: who may have one, and what each end teaches."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.admission import Ask, Ended, Group
from gateway.model.policy import UpstreamRule
from gateway.quota import pool as module
from gateway.quota.pool import Pool

RULE = UpstreamRule("up", "http://up", at_once=8)
OK = Ended("success", first_us=100, tokens=0)


def ask(number=0, **other):
    return Ask(**{"id": f"d{number}", "upstream": RULE, "model": "m", "caller": "acme", "priority": "normal", **other})


def filled(pool, many, **other):
    return [pool.give(ask(number, **other), 0, 0) for number in range(many)]


def test_there_are_as_many_places_as_written():
    pool = Pool(RULE)
    places = filled(pool, 8)
    assert not pool.has_room(ask(), 0)
    pool.take_back(places[0], OK, 10)
    assert pool.has_room(ask(), 10)


def test_an_upstream_without_bounds_always_has_room():
    pool = Pool(replace(RULE, at_once=None))
    filled(pool, 1000)
    assert pool.has_room(ask(priority="batch"), 0)
    assert not pool.bounded


def test_batches_leave_an_eighth_of_the_places_to_others():
    pool = Pool(RULE)
    filled(pool, 7, priority="batch")
    assert not pool.has_room(ask(priority="batch"), 0)
    assert pool.has_room(ask(), 0)


def test_a_single_place_is_a_batch_s_too():
    assert Pool(replace(RULE, at_once=1)).has_room(ask(priority="batch"), 0)


def test_an_adaptive_limit_holds_its_own_requests_back_and_no_others():
    pool = Pool(RULE)
    group = Group("std-inflight:acme", "aimd", 2)
    filled(pool, 2, groups=(group,))
    assert not pool.has_room(ask(groups=(group,)), 0)
    assert pool.has_room(ask(), 0)
    assert pool.has_room(ask(groups=(Group("std-inflight:other", "aimd", 2),)), 0)


def test_a_smaller_ceiling_of_a_throttled_caller_holds_at_once():
    pool = Pool(RULE)
    filled(pool, 2, groups=(Group("g", "gradient", 4),))
    assert pool.has_room(ask(groups=(Group("g", "gradient", 4),)), 0)
    assert not pool.has_room(ask(groups=(Group("g", "gradient", 2),)), 0)


def test_a_drop_lowers_the_estimate_of_upstream_and_group():
    pool = Pool(replace(RULE, at_once=100, adaptive="aimd"))
    (place,) = filled(pool, 1, groups=(Group("g", "aimd", 50),))
    assert pool.limit == 20
    pool.take_back(place, Ended("dropped", status=529), 5)
    assert pool.limit == 18
    assert pool._groups["g"].estimate.limit == 18


def test_a_429_for_a_caller_s_own_credential_is_about_him_alone():
    pool = Pool(replace(RULE, at_once=100, adaptive="aimd"))
    (place,) = filled(pool, 1, groups=(Group("g", "aimd", 50),), own_credential=True)
    pool.take_back(place, Ended("dropped", status=429, cooldown_us=9_000_000), 5)
    assert (pool.limit, pool._groups["g"].estimate.limit) == (20, 18)
    assert pool.cools_for(ask(), 5) == 0


def test_a_429_cools_its_model_down_for_everybody():
    pool = Pool(RULE)
    (place,) = filled(pool, 1)
    pool.take_back(place, Ended("dropped", status=429, cooldown_us=9_000_000), 1_000_000)
    assert pool.cools_for(ask(), 2_000_000) == 8_000_000
    assert not pool.has_room(ask(), 2_000_000)
    assert pool.has_room(ask(model="other"), 2_000_000)
    assert pool.has_room(ask(own_credential=True), 2_000_000)
    assert pool.has_room(ask(), 10_000_000)


@pytest.mark.parametrize("status", [503, 529])
def test_an_overloaded_upstream_cools_down_as_a_whole(status):
    pool = Pool(RULE)
    (place,) = filled(pool, 1)
    pool.take_back(place, Ended("dropped", status=status, cooldown_us=2_000_000), 0)
    assert not pool.has_room(ask(model="other"), 1_999_999)
    assert pool.warms(0) == 2_000_000
    assert pool.has_room(ask(model="other"), 2_000_000)
    assert pool.warms(2_000_000) == 0


def test_a_cooldown_is_believed_no_longer_than_the_policy_says():
    pool = Pool(replace(RULE, cooldown_us=3_000_000))
    (place,) = filled(pool, 1)
    pool.take_back(place, Ended("dropped", status=503, cooldown_us=86_400_000_000), 0)
    assert pool.cools_for(ask(), 0) == 3_000_000
    none = Pool(replace(RULE, cooldown_us=0))
    (place,) = filled(none, 1)
    none.take_back(place, Ended("dropped", status=503, cooldown_us=5_000_000), 0)
    assert none.has_room(ask(), 0)


def test_models_that_cool_down_are_bounded():
    pool = Pool(RULE)
    for number in range(module._MOST_MODELS * 2):
        place = pool.give(ask(number, model=f"m{number}"), 0, 0)
        pool.take_back(place, Ended("dropped", status=429, cooldown_us=9_000_000), 0)
    assert len(pool._cool_models) == module._MOST_MODELS


def test_groups_of_which_nothing_is_under_way_are_forgotten_beyond_their_bound(monkeypatch):
    monkeypatch.setattr(module, "MOST_GROUPS", 10)
    pool = Pool(replace(RULE, at_once=None))
    kept = pool.give(ask(groups=(Group("kept", "aimd", 5),)), 0, 0)
    for number in range(100):
        pool.take_back(pool.give(ask(number, groups=(Group(f"g{number}", "aimd", 5),)), 0, 0), OK, 1)
    assert len(pool._groups) <= 11
    pool.take_back(kept, OK, 2)


def test_an_edited_rule_keeps_what_was_learned_unless_the_craft_is_another():
    rule = replace(RULE, at_once=100, adaptive="aimd")
    pool = Pool(rule)
    pool.take_back(pool.give(ask(), 0, 0), Ended("dropped", status=503), 5)
    pool.under(replace(rule, at_once=50))
    assert pool.limit == 18
    pool.under(replace(rule, adaptive="gradient"))
    assert pool.limit == 20
    pool.under(replace(rule, adaptive=None))
    assert pool.limit == 100


def test_of_a_stream_its_first_token_counts_and_its_pace_of_a_long_answer_its_pace_of_others_all():
    place = Pool(RULE).give(ask(), 400_000, 1_000_000)

    def seen(end):
        sample = module._sample(place, end, 1, end.fate, 2_000_000)
        return sample.rtt, sample.per_token

    assert seen(Ended("success", 800_000, 81, stream=True)) == (200_000, 10_000)
    assert seen(Ended("success", 800_000, 3, stream=True)) == (200_000, None)
    assert seen(Ended("success", 999_000, 100)) == (None, 10_000)
    assert seen(Ended("success", 999_000, 0)) == (1_000_000, None)
    assert seen(Ended("dropped", 999_000, 100)) == (None, None)


def test_who_is_turned_away_is_told_how_long_the_queue_is_likely_to_take():
    pool = Pool(RULE)
    for place in filled(pool, 8):
        pool.take_back(place, OK, 4_000_000)
    filled(pool, 8)
    assert 1_000_000 < pool.wait_of(7) < pool.wait_of(15) <= 8_000_000


@given(
    events=st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from(["normal", "batch"]), st.sampled_from(["success", "ignored", "dropped"]))
    ),
    adaptive=st.sampled_from([None, "aimd", "gradient"]),
)
def test_places_that_are_given_only_where_there_is_room_never_exceed_the_bound_and_all_come_back(events, adaptive):
    pool, under_way = Pool(replace(RULE, adaptive=adaptive)), []
    for now, (backs, priority, fate) in enumerate(events):
        request = ask(now, priority=priority, groups=(Group("g", "aimd", 3),))
        if pool.has_room(request, now):
            under_way.append(pool.give(request, now, now))
        assert pool.taken == len(under_way) <= 3
        for place in under_way[:backs]:
            pool.take_back(place, Ended(fate), now)
        del under_way[:backs]
    for place in under_way:
        pool.take_back(place, OK, 10**6)
    assert pool.idle
    assert pool._batches == 0
    assert all(not places.taken for places in pool._groups.values())
