"""Every registered window offers the same operations, and changes no state it was given."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.value import replace
from gateway.quota.window import stated
from gateway.registry import names, resolve
from tests.support.quota import START_US, bucket, calendar, lifetime, sliding, slots

CLAIMS = {
    "sliding": sliding(10, 4),
    "bucket": bucket(10, 4),
    "slots": slots(10),
    "calendar": calendar(10, 4),
    "lifetime": lifetime(10, 4),
}


def test_what_remains_is_never_negative_and_a_fitting_claim_waits_for_nothing():
    assert stated(sliding(10), fitted=True, used=13, reset_us=5, retry_us=9).remaining == 0
    assert stated(sliding(10), fitted=True, used=3, reset_us=5, retry_us=9).retry_us == 0
    assert stated(bucket(10, burst=25), fitted=False, used=3, reset_us=5, retry_us=9).remaining == 22


@pytest.mark.parametrize("name", names("windows"))
def test_a_charge_that_is_settled_at_nothing_leaves_nothing(name):
    kind, claim = resolve("windows", name), CLAIMS[name]
    assert kind.idle(kind.empty)
    charged, mark = kind.charge(kind.empty, claim, "a", START_US)
    assert not kind.idle(charged)
    assert kind.idle(kind.settle(charged, claim, "a", claim.want, mark, 0, START_US))


@pytest.mark.parametrize("name", names("windows"))
def test_states_are_values(name):
    kind, claim = resolve("windows", name), CLAIMS[name]
    first, mark = kind.charge(kind.empty, claim, "a", START_US)
    before = repr(first)
    kind.charge(first, claim, "b", START_US + 7)
    kind.settle(first, claim, "a", claim.want, mark, 9, START_US + 9)
    kind.renew(first, claim, "a", mark, START_US + 9)
    kind.aged(first, claim, START_US + 10**9)
    assert repr(first) == before
    assert kind.charge(kind.empty, claim, "a", START_US) == (first, mark)


@pytest.mark.parametrize("name", names("windows"))
def test_after_its_reset_a_counter_is_as_good_as_unused(name):
    kind, claim = resolve("windows", name), CLAIMS[name]
    state, _ = kind.charge(kind.aged(kind.empty, claim, START_US), claim, "a", START_US)
    reset = kind.read(state, claim, True, START_US).reset_us
    if name == "lifetime":
        assert reset == -1
        assert kind.aged(state, claim, START_US + 10**18) == state
        return
    assert not kind.idle(kind.aged(state, claim, START_US + reset - 1))
    assert kind.idle(kind.aged(state, claim, START_US + reset))


@pytest.mark.parametrize("name", names("windows"))
@given(charges=st.lists(st.tuples(st.integers(0, 2**45), st.integers(0, 10**9), st.integers(-5, 2**45)), max_size=70))
def test_a_state_that_was_written_down_is_the_same_to_the_last_bit(name, charges):
    kind, claim, now, state = resolve("windows", name), CLAIMS[name], START_US, resolve("windows", name).empty
    for place, (want, later, true) in enumerate(charges):
        now += later
        charge = replace(claim, want=want)
        state, mark = kind.charge(kind.aged(state, charge, now), charge, f"h{place}", now)
        if true >= 0:
            state = kind.settle(state, charge, f"h{place}", want, mark, true, now + later // 2)
        assert kind.load(json.loads(json.dumps(kind.dump(state)))) == state


@pytest.mark.parametrize("name", names("windows"))
@pytest.mark.parametrize("plain", [None, 7, ["x"], [[1]], [1, 2, 3]])
def test_what_is_no_state_is_not_loaded(name, plain):
    with pytest.raises((ValueError, TypeError)):
        resolve("windows", name).load(plain)


def test_what_a_restart_would_find_forgotten_is_not_kept():
    keeps = {
        "short": resolve("windows", "sliding").lasting(sliding(10, window_us=5_000_000)),
        "long": resolve("windows", "sliding").lasting(sliding(10, window_us=10_000_000)),
        "fast": resolve("windows", "bucket").lasting(bucket(10, window_us=1_000_000)),
        "deep": resolve("windows", "bucket").lasting(bucket(10, burst=100, window_us=1_000_000)),
        "shut": resolve("windows", "bucket").lasting(bucket(0, window_us=1_000_000)),
        "slots": resolve("windows", "slots").lasting(slots(10)),
    }
    assert keeps == {"short": False, "long": True, "fast": False, "deep": True, "shut": True, "slots": False}
