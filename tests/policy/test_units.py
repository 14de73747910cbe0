"""Durations, sizes and rates as policies write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits import parse

from gateway.policy.units import duration_us, limit_rate, price_micro, rate, size_bytes, weight_milli, window_of


@pytest.mark.parametrize(
    ("text", "us"),
    [("250ms", 250_000), ("0s", 0), ("15m", 900_000_000), ("1h30m", 5_400_000_000), ("3d", 259_200_000_000), ("1w", 604_800_000_000)],
)
def test_durations(text, us):
    assert duration_us(text) == us


@pytest.mark.parametrize("text", ["", "15", "m", "1.5h", "-1s", "15 m", "1h 30m", "15min", "99999999w"])
def test_durations_that_cannot_be_read(text):
    with pytest.raises(ValueError):
        duration_us(text)


@pytest.mark.parametrize(
    ("text", "size"), [("1", 1), ("512KiB", 524_288), ("32 MiB", 33_554_432), ("1GiB", 2**30), ("10MB", 10_000_000)]
)
def test_sizes(text, size):
    assert size_bytes(text) == size


@pytest.mark.parametrize("text", ["", "-1", "1.5GiB", "32mib", "32MO"])
def test_sizes_that_cannot_be_read(text):
    with pytest.raises(ValueError):
        size_bytes(text)


@given(
    amount=st.integers(1, 2**53),
    multiple=st.integers(1, 10),
    unit=st.sampled_from(["second", "seconds", "minute", "minutes", "hour", "hours", "day", "days", "Minute"]),
    join=st.sampled_from(["/", " / ", " per "]),
)
def test_rates_are_what_the_limits_package_reads(amount, multiple, unit, join):
    text = f"{amount}{join}{multiple} {unit}"
    item = parse(text)
    assert rate(text) == (item.amount, item.get_expiry() * 1_000_000)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("20", "20/minute"), ("20/min", "'minute'"), ("20/fortnight", "known: second"), ("1/month", "known: second"),
        ("1/lifetime", "known: second"),
        ("0/minute", "2^53"), ("5/0 minutes", "2^53"), (f"{2**53 + 1}/minute", "2^53"), ("1/second; 5/minute", "20/minute"),
        ("1.5/second", "20/minute"),
        ("9/40 days", "31 days"), ("minute", "20/minute"),
    ],
)  # fmt: skip
def test_rates_that_cannot_be_read_say_why(text, says):
    with pytest.raises(ValueError) as caught:
        rate(text)
    assert says in str(caught.value)


@given(amount=st.integers(1, 2**53), several=st.integers(1, 9), unit=st.sampled_from(["second", "minutes", "hours", "Day"]))
def test_a_limit_s_short_rates_are_what_the_limits_package_reads(amount, several, unit):
    text = f"{amount} per {several} {unit}"
    found = limit_rate(text)
    assert (int(found.amount), found.window_us) == rate(text)
    assert window_of(found) == "sliding"


@pytest.mark.parametrize(
    ("text", "amount", "period", "window"),
    [
        ("2000/month", "2000", "month", "calendar"), ("0.25 per week", "0.25", "week", "calendar"),
        ("5/day", "5", "day", "sliding"), ("5/2 days", "5", None, "sliding"), ("7/lifetime", "7", None, "lifetime"),
    ],
)  # fmt: skip
def test_long_rates_name_their_window(text, amount, period, window):
    found = limit_rate(text)
    assert (str(found.amount), found.period, window_of(found)) == (amount, period, window)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("20", "20/minute"), ("20/mth", "'month'"), ("1/year", "known: second"), ("2/3 months", "`/month`"), ("0/month", "2^53"),
        ("0.0/day", "2^53"), (f"{2**53 + 1}/lifetime", "2^53"), ("5/0 minutes", "2^53"),
        ("0.0000001/day", "20/minute"), (".5/day", "20/min"),
    ],
)  # fmt: skip
def test_limits_rates_that_cannot_be_read_say_why(text, says):
    with pytest.raises(ValueError) as caught:
        limit_rate(text)
    assert says in str(caught.value)


@given(st.integers(0, 10**12))
def test_prices_are_exact(micro):
    """A float is the decimal that it is written as; beyond 15 digits only text is exact."""
    whole, rest = divmod(micro, 10**6)
    written = f"{whole}.{rest:06d}"
    assert price_micro(written) == micro
    assert price_micro(float(written)) == micro


def test_weights_are_thousandths():
    assert [weight_milli(value) for value in (0, 1, 0.5, "1.001", 1000)] == [0, 1_000, 500, 1_001, 1_000_000]
