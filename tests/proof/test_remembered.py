"""A hundred thousand callers pass by: what is remembered of them stays within its part of `signals.memory`, suspects longest."""

from __future__ import annotations

import gc
import random
import tracemalloc
from itertools import islice

import pytest

from gateway.lab.cast import cast
from gateway.lab.corpora import Corpora
from gateway.lab.personas import chosen
from gateway.lab.traffic import compose
from gateway.model.policy import SignalRule
from gateway.model.value import replace
from gateway.registry import names, resolve
from gateway.risk.baseline import general
from gateway.risk.callers import MOST_BYTES
from gateway.risk.scales import Scales
from gateway.signals.look import look_of
from tests.core.conftest import a_policy

SIGNALS = {name: resolve("signals", name) for name in names("signals")}
POLICY = a_policy(signals={name: SignalRule(name, signal.kind, "enforce", 25.0) for name, signal in SIGNALS.items()})
DIALECTS = {"/v1/chat/completions": "openai.chat", "/v1/messages": "anthropic.messages", "/v1/embeddings": "openai.embeddings"}


@pytest.fixture(scope="module")
def looks():
    """What rehearsed callers send, by caller: of those who sent forty requests and more."""
    players = cast(chosen("all"), 400, days=1.0, seed=3, hostile=0.3, recorded=())
    found = {}
    for number, record in enumerate(compose(players, Corpora(), seed=3)):
        if number == 6_000:
            break
        dialect = DIALECTS.get(record["path"], "openai.responses")
        look = look_of(
            dialect, record["request"], at_us=int(record["at"] * 1e6), key_id=record["key"], account=record["account"], status=200,
            input_tokens=90, output_tokens=120,
        )  # fmt: skip
        found.setdefault(record["key"], []).append(look)
    return {key: sent for key, sent in found.items() if len(sent) >= 40}


def passed(looks, number, each, memory):
    """So many callers, each with a few requests of a rehearsed one; the first twenty are suspected."""
    scales = Scales(SIGNALS, general(), memory=memory)
    rnd, known = random.Random(4), list(looks.values())
    for caller in range(number):
        sent = rnd.choice(known)
        key_id = f"{caller:064x}"
        for look in sent[:each]:
            scales.feed(POLICY, "all", replace(look, key_id=key_id))
        if caller < 20:
            scales.callers.of(key_id).score = 30.0
    return scales


def bounded(looks, number, each, memory):
    passed(looks, 50, each, memory)  # what is made once is there
    gc.collect()
    tracemalloc.start()
    scales = passed(looks, number, each, memory)
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    callers = scales.callers
    assert callers.size <= memory
    assert taken <= memory
    assert callers.forgotten == number - len(callers) > 0
    assert [caller for caller in range(20) if callers.find(f"{caller:064x}") is None] == []
    assert callers.find(f"{number - 1:064x}") is not None
    assert max(len(callers.dump(key_id)) for key_id in callers.keys()) <= MOST_BYTES  # noqa: SIM118 - it has no other iterator


def test_with_all_signals_a_caller_takes_at_most_eight_kilobytes_held_open_and_packed(looks):
    assert len(looks) >= 20
    scales = passed(looks, 1, 40, 1 << 30)  # what is made once is there
    for key_id, sent in islice(looks.items(), 20):
        gc.collect()
        tracemalloc.start()
        for look in sent * 3:
            scales.feed(POLICY, "all", look)
        scales.standing(POLICY, key_id, sent[-1].at_us)
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert 1_000 < taken <= MOST_BYTES
        assert len(scales.callers.dump(key_id)) <= MOST_BYTES


def test_a_thousand_callers_stay_within_a_megabyte_and_the_suspected_are_remembered(looks):
    bounded(looks, 1_000, 8, 1024 * 1024)


@pytest.mark.proof
def test_a_hundred_thousand_callers_stay_within_their_half_of_the_memory(looks):
    bounded(looks, 100_000, 3, 32 * 1024 * 1024)
