"""A baseline of one's own traffic: whole callers held out, suspects and the young left out, and nobody teaches it a new normal."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from gateway.calibrate import Rules, calibrate, look_at
from gateway.errors import TraceError
from gateway.lab.cast import cast
from gateway.lab.corpora import Corpora
from gateway.lab.personas import chosen
from gateway.lab.traffic import compose
from gateway.risk.baseline import general
from gateway.trace import record_of

DAY = 86_400 * 1_000_000
OPEN = Rules(quarantine_us=0)


def traffic(personas, callers, seed=5):
    """Records of the laboratory, in order of arrival."""
    players = cast(chosen(personas), callers, days=3.0, seed=seed, hostile=0.5)
    return [record_of(msgspec.json.encode(line)) for line in compose(players, Corpora(()), seed=seed)]


@pytest.fixture(scope="module")
def honest():
    return traffic("honest", 40)


@pytest.fixture(scope="module")
def hostile():
    return traffic("cot_harvest", 8, seed=6)


def calibrated(records, rules=OPEN, *, now_us=0, previous=None):
    return calibrate(lambda: records, previous or general(), rules, now_us=now_us, source="a test")


def test_a_caller_is_judged_or_learned_from_and_the_baseline_knows_all(honest):
    found = calibrated(honest)
    callers = {record.key for record in honest}
    assert found.fitted + len(found.told) + len(found.suspected) == len(callers)
    assert found.baseline.fitted.callers == len(callers) - len(found.suspected)
    assert found.told.keys() <= callers
    assert 0 < found.baseline.fitted.lives < len(callers) * 3 / 90 + 1


def test_the_same_callers_are_held_out_whatever_else_is_there(honest):
    few = {record.key for record in honest[:300]}
    some = calibrated([record for record in honest if record.key in few]).told.keys()
    assert some <= calibrated(honest).told.keys() | calibrated(honest).suspected.keys()


def test_excluded_callers_and_young_records_are_not_learned_from(honest):
    one, newest = honest[0].key, honest[-1].at_us
    found = calibrated(honest, Rules(excluded=frozenset({one}), quarantine_us=DAY), now_us=newest)
    assert found.excluded == 1
    assert found.young == sum(record.at_us > newest - DAY and record.key != one for record in honest)
    with pytest.raises(TraceError, match="nobody is left to learn from"):
        calibrated(honest, Rules(quarantine_us=30 * DAY), now_us=newest)


def test_who_looks_like_a_copier_is_set_aside_unless_cleared(honest, hostile):
    both = sorted([*honest, *hostile], key=lambda record: record.at_us)
    found, bad = calibrated(both), {record.key for record in hostile}
    assert len(bad & found.suspected.keys()) >= 6
    cleared = calibrated(both, replace(OPEN, cleared=frozenset(bad)))
    assert not bad & cleared.suspected.keys()


def test_a_crowd_of_poisoners_below_suspicion_teaches_little(honest, hostile):
    """Even where nobody is suspected: what a harvester is worth falls by the bound and no more."""
    both = sorted([*honest, *hostile], key=lambda record: record.at_us)
    found = calibrated(both, replace(OPEN, suspect=1000.0))
    assert found.lowered
    for name in general().peaks:
        for value in (5.0, 20.0, 50.0, 300.0):
            assert found.baseline.weight(name, value) >= general().weight(name, value) - 3.0 - 1e-9
    assert found.baseline.combined(34.0) >= general().combined(34.0) - 3.0 - 1e-9


def test_what_no_dialect_reads_is_counted(honest):
    other = replace(honest[0], path="/v1/files")
    assert look_at(other) is None
    assert calibrated([other, *honest[1:]]).unread == 1


def test_a_body_that_is_no_object_still_is_a_request(honest):
    assert look_at(replace(honest[0], body=b"[1")) is not None
    assert look_at(replace(honest[0], body=b"[]")).words == 0
