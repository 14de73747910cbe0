"""Each signal's cases: every caller in `firing.jsonl` is spoken against, none in `silent.jsonl`. One caller a variant, by its key."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from gateway.registry import TABLES, resolve
from gateway.risk.sum import SPOKE
from gateway.signals.base import MOST_STATE
from tests.signals.callers import recorded, said, watched

CASES = Path(__file__).resolve().parents[2] / "policies" / "signals"
SIGNALS = list(TABLES["signals"])


def cases(which):
    return [
        pytest.param(resolve("signals", name), looks, id=f"{name}-{key}")
        for name in SIGNALS
        if (CASES / name / f"{which}.jsonl").exists()
        for key, looks in recorded(CASES / name / f"{which}.jsonl").items()
    ]


@pytest.mark.parametrize(("signal", "looks"), cases("firing"))
def test_it_speaks(signal, looks):
    evidence = said(signal, looks)
    assert evidence is not None
    assert evidence.weight >= min(SPOKE, signal.cap)
    assert (evidence.signal, evidence.version, evidence.kind) == (signal.name, signal.version, signal.kind)
    assert any(letter.isdigit() for letter in evidence.seen)


@pytest.mark.parametrize(("signal", "looks"), cases("silent"))
def test_it_is_silent(signal, looks):
    for many in range(1, len(looks) + 1):
        evidence = said(signal, looks[:many])
        assert evidence is None or evidence.weight < min(SPOKE, signal.cap)


@pytest.mark.parametrize(("signal", "looks"), cases("firing"))
def test_a_state_outlives_its_process_and_is_whole_again_from_two(signal, looks):
    plain = json.dumps(signal.dump(watched(signal, looks)))
    assert len(plain) <= MOST_STATE
    assert signal.dump(signal.load(json.loads(plain))) == json.loads(plain)

    half, other = watched(signal, looks[: len(looks) // 2]), watched(signal, looks[len(looks) // 2 :])
    signal.merge(half, other)
    assert len(json.dumps(signal.dump(half))) <= MOST_STATE
    assert signal.dump(half)[0] == signal.dump(watched(signal, looks))[0]


@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize("plain", [None, {}, [], [1], [1, 2, 3, 4], [2, 3, [], []], [1, -1, [], []], [1, 1, [], ["text"]], "text"])
def test_what_is_no_state_is_refused(name, plain):
    with pytest.raises((ValueError, TypeError, KeyError)):
        resolve("signals", name).load(plain)


def test_the_cases_are_ordered_like_a_recording():
    for path in CASES.glob("*/*.jsonl"):
        for looks in recorded(path).values():
            assert all(before.at_us <= after.at_us for before, after in pairwise(looks))
