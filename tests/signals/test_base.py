"""What every signal keeps to, whatever it watches: small states that can be written down, read again and put together."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gateway.signals
from gateway.model.evidence import KINDS
from gateway.model.look import Look
from gateway.risk.scales import Scales
from gateway.signals.base import MOST_STATE

MODULES = sorted(path.stem for path in Path(gateway.signals.__file__).parent.glob("*.py"))
SIGNALS = {
    signal.name: signal
    for name in MODULES
    if name != "__init__" and (signal := getattr(import_module(f"gateway.signals.{name}"), "SIGNAL", None)) is not None
}

HASHES = st.integers(0, 2**64 - 1)
SKETCHES = st.lists(st.integers(0, 2**32 - 1), min_size=32, max_size=32).map(tuple)
LOOKS = st.builds(
    Look,
    at_us=st.integers(0, 10**16), words=st.integers(0, 10**6), chars=st.integers(0, 10**7), turns=st.integers(0, 4096),
    exact=HASHES, prefix=HASHES, head=HASHES, tail=HASHES, system=HASHES, system_words=st.integers(0, 1000),
    wrapper=st.just(()) | SKETCHES, topic=st.lists(st.integers(0, 2**32 - 1), max_size=8).map(tuple), cues=st.integers(0, 63),
    choices=st.integers(1, 1 << 40), temperature=st.floats(-1, 100), logprobs=st.integers(-1, 1 << 40), bias=st.integers(0, 1024),
    max_output=st.integers(-1, 1 << 40), output_tokens=st.integers(0, 10**9), refused=st.sampled_from(["", "limit", "policy"]),
)  # fmt: skip


class Steep:
    """A baseline on which whatever is more counts for more."""

    def weight(self, signal, value):
        return 10.0 * value


def watched(signal, looks):
    state = signal.fresh()
    for look in looks:
        signal.watch(state, look)
    return state


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_says_who_it_is(name):
    signal = SIGNALS[name]
    assert signal.kind in KINDS
    assert signal.version
    assert signal.weigh(signal.fresh(), 0, Steep()) is None


@pytest.mark.parametrize("name", SIGNALS)
@settings(max_examples=20)
@given(looks=st.lists(LOOKS, max_size=30), repeats=st.integers(1, 20))
def test_a_state_is_small_and_comes_back_as_it_was(name, looks, repeats):
    signal = SIGNALS[name]
    state = watched(signal, looks * repeats)
    written = msgspec.json.encode(signal.dump(state))
    assert len(written) <= MOST_STATE
    again = signal.load(msgspec.json.decode(written))
    assert msgspec.json.encode(signal.dump(again)) == written
    assert signal.weigh(again, 0, Steep()) == signal.weigh(state, 0, Steep())


@pytest.mark.parametrize("name", SIGNALS)
@settings(max_examples=20)
@given(here=st.lists(LOOKS, max_size=12), there=st.lists(LOOKS, max_size=12))
def test_states_of_two_processes_are_put_together_within_the_bound(name, here, there):
    signal = SIGNALS[name]
    state = watched(signal, here)
    signal.merge(state, watched(signal, there))
    assert len(msgspec.json.encode(signal.dump(state))) <= MOST_STATE
    signal.weigh(state, 0, Steep())


@settings(max_examples=20)
@given(st.lists(LOOKS, max_size=20))
def test_all_signals_together_keep_a_caller_within_its_bytes(looks):
    scales = Scales(SIGNALS, Steep())
    known = scales.callers.of("k")
    known.states = {name: watched(signal, looks) for name, signal in SIGNALS.items()}
    assert len(scales.callers.dump("k")) <= 8 * 1024
