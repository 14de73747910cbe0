"""The IETF's RateLimit fields: well-formed structured fields, and the truth about the limits in force."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.ietf import MAX_TOLD, ietf_headers, sf_string
from gateway.dialects.told import retry_after_s
from gateway.model.limit import Count
from gateway.model.value import replace
from tests.dialects.states import NOW, SECOND, a_state

ITEM = re.compile(
    r'"(?P<name>(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"(?P<parameters>(?:;[a-z*][a-z0-9_.*-]*=(?:"[^"\\]*"|-?\d{1,15}))*)'
)
PARAMETER = re.compile(r';([a-z]+)=(?:"([^"]*)"|(-?\d+))')


def parse(field):
    """A list of strings with parameters, read strictly after RFC 9651, sections 4.2.1 and 4.2.3: [(name, parameters)]."""
    found, at = [], 0
    while True:
        item = ITEM.match(field, at)
        assert item is not None, f"no item at {at} of {field}"
        parameters = {key: text or int(number) for key, text, number in PARAMETER.findall(item["parameters"])}
        found.append((re.sub(r"\\(.)", r"\1", item["name"]), parameters))
        at = item.end()
        if at == len(field):
            return found
        assert field[at : at + 2] == ", "
        at += 2


def told(*states):
    """(policies, standings) as a client reads them."""
    headers = dict(ietf_headers(states, now_us=NOW))
    assert list(headers) == [b"ratelimit-policy", b"ratelimit"]
    return parse(headers[b"ratelimit-policy"].decode("ascii")), parse(headers[b"ratelimit"].decode("ascii"))


def test_a_limit_in_the_drafts_own_example():
    headers = ietf_headers([a_state("permin")], now_us=NOW)
    assert headers == [(b"ratelimit-policy", b'"permin";q=50;w=60;qu="requests"'), (b"ratelimit", b'"permin";r=20;t=23')]


def test_without_limits_nothing_is_told():
    assert ietf_headers([], now_us=NOW) == []
    assert ietf_headers([a_state(shadow=True), a_state(per=("campaign",))], now_us=NOW) == []


@pytest.mark.parametrize(
    ("count", "unit"),
    [(Count.BYTES, "content-bytes"), (Count.CONCURRENT, "concurrent-requests"), (Count.TOKENS, None), (Count.OUTPUT_TOKENS, None)],
)
def test_units_are_those_of_the_draft_and_tokens_have_none(count, unit):
    policies, _ = told(a_state("x", count))
    assert policies[0][1].get("qu") == unit


def test_open_slots_have_neither_a_window_nor_a_reset():
    policies, standings = told(a_state("slots", Count.CONCURRENT, 4, 1))
    assert policies == [("slots", {"q": 4, "qu": "concurrent-requests"})]
    assert standings == [("slots", {"r": 1})]


def test_a_lifetime_budget_has_neither_a_window_nor_a_reset():
    policies, standings = told(a_state("life", Count.OUTPUT_TOKENS, 1000, 7, reset=-1, window="lifetime", window_us=0))
    assert (policies, standings) == ([("life", {"q": 1000})], [("life", {"r": 7})])


def test_a_month_is_as_long_as_the_one_the_request_arrived_in():
    state = a_state("month", window="calendar", window_us=31 * 86_400 * SECOND, period="month")
    starts = [86_400 * SECOND * day for day in (0, 31, 59, 90)]
    february = replace(state, claim=replace(state.claim, periods=tuple(starts)))
    assert told(february)[0] == [("month", {"q": 50, "w": 28 * 86_400, "qu": "requests"})]


def test_in_a_refusal_only_the_limits_in_the_way_say_when():
    states = [a_state("in the way", left=0, retry=7_000_001), a_state("free"), a_state("never", left=0, retry=-1)]
    _, standings = told(*states)
    assert standings == [("in the way", {"r": 0, "t": 8}), ("free", {"r": 20}), ("never", {"r": 0})]


def test_a_limit_in_shadow_that_did_not_fit_is_no_refusal():
    _, standings = told(a_state("real"), a_state("shadow", retry=SECOND, shadow=True))
    assert standings == [("real", {"r": 20, "t": 23})]


@given(retry=st.integers(1, 10**12), others=st.lists(st.integers(1, 10**12), max_size=3))
def test_no_reset_in_a_refusal_is_later_than_its_retry_after(retry, others):
    """The refusal waits for the limit that is in the way longest; Retry-After is rounded from the same number."""
    retries = [retry, *others]
    _, standings = told(*[a_state(f"l{at}", left=0, retry=wait) for at, wait in enumerate(retries)])
    assert max(parameters["t"] for _, parameters in standings) == retry_after_s(max(retries))


def test_of_too_many_limits_the_tightest_are_told_in_their_order():
    states = [a_state(f"l{at:02}", amount=100, left=at) for at in reversed(range(40))]
    policies, standings = told(*states)
    assert len(policies) == MAX_TOLD
    assert [name for name, _ in standings] == [f"l{at:02}" for at in reversed(range(MAX_TOLD))]
    assert all(first[1]["r"] > second[1]["r"] for first, second in pairwise(standings))


@given(
    names=st.lists(st.text(min_size=1, max_size=80), min_size=1, max_size=20),
    amount=st.integers(1, 2**53),
    left=st.integers(-5, 2**53),
    reset=st.integers(-1, 10**17),
)
def test_any_limit_makes_well_formed_fields(names, amount, left, reset):
    policies, standings = told(*[a_state(name, amount=amount, left=left, reset=reset) for name in names])
    assert [name for name, _ in policies] == [name for name, _ in standings]
    for (_, policy), (_, standing) in zip(policies, standings, strict=True):
        assert policy["q"] >= standing["r"] >= 0
        assert policy["w"] > 0
        assert standing["t"] >= 0


@pytest.mark.parametrize(
    ("text", "field"),
    [('a"b', '"a\\"b"'), ("a\\b", '"a\\\\b"'), ("größe", '"gr%C3%B6%C3%9Fe"'), ("a\nb", '"a%0Ab"'), ("x" * 99, '"' + "x" * 64 + '"')],
)
def test_strings_are_quoted_escaped_and_bounded(text, field):
    assert sf_string(text) == field
