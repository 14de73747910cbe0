"""The cast: as many as asked, the same share of hostile callers everywhere, and nothing but text that tells them apart."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from statistics import fmean, median, pstdev

import pytest

from gateway.errors import SettingsError
from gateway.lab.cast import BEGINS, cast
from gateway.lab.dice import dice
from gateway.lab.personas import PERSONAS, chosen

ALL = tuple(PERSONAS.values())


def auc(hostile, honest):
    """The chance that a hostile caller's number is the larger one, ties counted half."""
    return fmean((a > b) + (a == b) / 2 for a in hostile for b in honest)


def numbers(player):
    """Everything about a caller but its text."""
    at = [moment / 1e6 for moment in player.times]
    gaps = sorted(b - a for a, b in itertools.pairwise(at))
    return {
        "requests": math.log(len(at)),
        "span": at[-1] - at[0],
        "begins": at[0],
        "middling gap": math.log(1 + median(gaps)),
        "short gaps": math.log(1 + gaps[len(gaps) // 10]),
        "unevenness": pstdev(gaps) / fmean(gaps),
        "at night": fmean(moment % 86_400 < 6 * 3600 for moment in at),
        "age": math.log(BEGINS - player.identity.created),
        "addresses": len(player.identity.peers),
        "prepaid": player.identity.payment.startswith("pm-prepaid"),
        "agent": player.identity.agent < "aiohttp",
    }


def rows(seed):
    players = cast(ALL, 200, days=7.0, seed=seed, hostile=0.3)
    return [(player.persona.hostile, numbers(player)) for player in players]


def logistic(train, names):
    """A logistic regression on standardised numbers, by plain gradient steps; gives a function of a row."""
    spread = {name: (fmean(row[name] for _, row in train), pstdev([row[name] for _, row in train]) or 1.0) for name in names}

    def scaled(row):
        return [(row[name] - spread[name][0]) / spread[name][1] for name in names]

    data = [(float(label), scaled(row)) for label, row in train]
    weights = [0.0] * len(names)
    for _ in range(60):
        slopes = [0.0] * len(names)
        for label, row in data:
            miss = label - 1 / (1 + math.exp(-sum(w * x for w, x in zip(weights, row, strict=True)) + 0.85))
            slopes = [slope + miss * x for slope, x in zip(slopes, row, strict=True)]
        weights = [w + slope / len(data) for w, slope in zip(weights, slopes, strict=True)]
    return lambda row: sum(w * x for w, x in zip(weights, scaled(row), strict=True))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_threshold_on_pace_number_age_or_network_tells_hostile_from_honest(seed):
    found = rows(seed)
    for name in found[0][1]:
        ranked = auc([row[name] for hostile, row in found if hostile], [row[name] for hostile, row in found if not hostile])
        assert abs(ranked - 0.5) <= 0.12, (name, ranked)


def test_nor_does_a_classifier_over_all_of_them_judged_on_callers_it_has_not_seen():
    names = list(rows(1)[0][1])
    judge = logistic(rows(1) + rows(2), names)
    unseen = rows(3) + rows(4)
    ranked = auc([judge(row) for hostile, row in unseen if hostile], [judge(row) for hostile, row in unseen if not hostile])
    assert abs(ranked - 0.5) <= 0.12, ranked


def test_such_a_classifier_would_find_a_leak():
    """The same judge on callers whose hostile accounts are a third as old."""

    def leaking(seed):
        return [(hostile, row | {"age": row["age"] - (1.1 if hostile else 0.0)}) for hostile, row in rows(seed)]

    judge = logistic(leaking(1) + leaking(2), list(rows(1)[0][1]))
    unseen = leaking(3)
    assert auc([judge(row) for hostile, row in unseen if hostile], [judge(row) for hostile, row in unseen if not hostile]) > 0.65


def test_as_many_callers_as_asked_and_as_many_hostile_ones():
    players = cast(ALL, 200, days=7.0, seed=5, hostile=0.3)
    assert len(players) == 200
    assert sum(player.persona.hostile for player in players) == 60
    assert len({player.identity.key for player in players}) == 200


def test_with_enough_callers_everybody_plays():
    assert {player.persona.name for player in cast(ALL, 400, days=7.0, seed=1, hostile=0.3)} == set(PERSONAS)


def test_one_side_alone_may_play():
    assert not any(player.persona.hostile for player in cast(chosen("honest"), 30, days=1.0, seed=1, hostile=0.3))
    assert all(player.persona.hostile for player in cast(chosen("cot_harvest"), 5, days=1.0, seed=1, hostile=0.3))
    with pytest.raises(SettingsError, match="nobody is to play"):
        cast((), 5, days=1.0, seed=1, hostile=0.3)


def grouped(names, seed=1):
    found = defaultdict(list)
    for player in cast(chosen(names), 60, days=7.0, seed=seed, hostile=0.5):
        found[player.campaign].append(player)
    return found.values()


def test_a_campaign_s_keys_have_accounts_of_their_own_and_a_company_s_have_one():
    for group in grouped("campaign_slices,company_keys"):
        accounts = {player.identity.account for player in group}
        assert len(accounts) == (len(group) if group[0].persona.hostile else 1)


def test_where_keys_take_turns_one_stops_as_the_next_begins():
    for group in grouped("campaign_rotation,renewed_keys"):
        for earlier, later in itertools.pairwise(group):
            assert earlier.times[-1] <= later.times[0]


def test_half_of_the_groups_keep_to_one_stretch_whether_honest_or_not():
    def together(side):
        spans = []
        for seed in range(6):
            for group in grouped(side, seed):
                spans.append(max(p.times[-1] for p in group) - min(p.times[0] for p in group))
        return fmean(span < 5 * 86_400e6 for span in spans)

    assert 0.15 < together("campaign_slices") < 0.7
    assert 0.15 < together("vendor_shops") < 0.7


def test_the_seed_alone_decides():
    def drawn(seed):
        return [(p.identity, p.times.tolist()) for p in cast(ALL, 40, days=2.0, seed=seed, hostile=0.3)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert dice("cast", 1).random() != dice("cast", 2).random()
