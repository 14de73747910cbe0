"""Clocks: so many arrivals within so many days, in order, made up or like recorded clients."""

from __future__ import annotations

import gzip

import pytest

from gateway.errors import SettingsError
from gateway.lab.clocks import Arrivals, read_arrivals, times
from gateway.lab.dice import dice

DAY_US = 86_400 * 1_000_000
TABLE = "client,second,requests_per_second,iat_cv,iat_family\nx,600,1.0,2.0,Gamma\nx,1200,3.0,4.0,Gamma\ny,0,0.0,1.0,\ny,600,0.0,1.0,\n"


@pytest.mark.parametrize("seed", range(24))
def test_as_many_arrivals_as_asked_in_order_and_within_the_days(seed):
    at = times(dice(seed), 150, 3.0)
    assert len(at) == 150
    assert list(at) == sorted(at)
    assert 0 <= at[0] <= at[-1] < 3 * DAY_US


def test_clocks_differ_in_kind():
    at_night = [sum((at // 3_600_000_000) % 24 < 5 for at in times(dice(seed), 100, 7.0)) / 100 for seed in range(60)]
    assert max(at_night) > 0.95
    assert min(at_night) < 0.05


def test_recorded_rates_are_followed():
    hot = Arrivals(seconds=(0.0, 600.0), rates=(0.0, 5.0), unevenness=1.0)
    like = 0
    for seed in range(40):
        at = times(dice(seed), 60, 2.0, (hot,))
        like += at[0] > 0.4 * (2 * DAY_US - at[-1]) and at[-1] - at[0] < DAY_US
    assert like > 8


def test_a_table_of_rates_is_read_plain_or_packed(tmp_path):
    plain, packed = tmp_path / "a.csv", tmp_path / "a.csv.gz"
    plain.write_text(TABLE)
    packed.write_bytes(gzip.compress(TABLE.encode()))
    expected = (Arrivals(seconds=(0.0, 600.0), rates=(1.0, 3.0), unevenness=4.0),)
    assert read_arrivals(plain) == read_arrivals(packed) == expected


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("client,second\n", "iat_cv, requests_per_second are missing"),
        (TABLE + "x,a,b,c,d\n", ":6: not a row"),
        (TABLE + "x,1,-1,1,\n", ":6: .*below zero"),
        ("client,second,requests_per_second,iat_cv\nx,1,1,1\n", "no client with two windows"),
    ],
)
def test_what_is_no_table_of_rates_is_said(tmp_path, content, told):
    file = tmp_path / "a.csv"
    file.write_text(content)
    with pytest.raises(SettingsError, match=told):
        read_arrivals(file)


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"absent\.csv: No such file"):
        read_arrivals(tmp_path / "absent.csv")
