"""Kinds of value, each with what it takes and what it does not."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from gateway.policy import fields


@pytest.mark.parametrize(
    ("kind", "taken", "refused"),
    [
        (fields.Id, ["a", "free-rpm", "a.b_c", "A" * 64], ["", "-a", "a b", "a" * 65, "ä", "a:b", "a\n"]),
        (fields.Version, ["1", "2026.11.3", "v1-rc"], ["", "1 2", "1#2", "a@b"]),
        (fields.Fingerprint, ["fp:9f2c61d0", "fp:" + "a" * 32], ["9f2c61d07ab4", "fp:9f2c", "fp:XYZ12345", "azg_123456789"]),
        (fields.EnvName, ["OPENAI_API_KEY", "_X1"], ["sk-123", "openai_key", "1A", ""]),
        (
            fields.Url,
            ["http://a", "https://a.example:8443/v1", "http://[::1]:80"],
            ["a:80", "ftp://a", "http://", "http://u:p@a", "http://a?x=1", "http://a:port"],
        ),
        (fields.Net, ["10.0.0.0/8", "::1/128", "192.0.2.1"], ["10.0.0.1/8", "host", ""]),
        (fields.Route, ["*", "POST /audio/*", "* /files"], ["/files", "post /files", "POST files", "POST"]),
        (fields.Amount, [1, 2**53], [0, -1, 2**53 + 1, True]),
        (fields.Share, [0.5, 1], [0, 1.1, float("nan")]),
        (fields.UntilDate, ["2027-02-01"], ["2027-13-01", "soon"]),
        (fields.Size, ["32MiB", 1024], ["32MO", 1.5, True]),
        (fields.Rate, ["20/minute", "0.5/day", "7 per week", "2000/Month", "20/lifetime"], ["20", "2/2 months", "0.0/day", "1/year"]),
        (fields.Zone, ["UTC", "Europe/Berlin"], ["", "Mars/Olympus", "../UTC", "/etc/passwd"]),
        (fields.Currency, ["USD", "credits"], ["", "€", "US Dollar"]),
        (fields.Weight, [0, 1, 0.5, "2.125", 1000], [-1, 0.0001, 1001, True, "x", float("nan")]),
        (fields.PerMillion, [0, 2.5, "0.000001"], [-1, "0.0000001", True, "x", float("inf"), [1]]),
    ],
    ids=lambda value: None,
)
def test_what_a_kind_takes(kind, taken, refused):
    adapter = TypeAdapter(kind, config={"strict": True})
    for value in taken:
        adapter.validate_python(value)
    for value in refused:
        with pytest.raises(ValidationError):
            adapter.validate_python(value)


def test_a_network_with_host_bits_is_answered_with_the_one_that_was_meant(small):
    assert small.problems("{ tag: paid }", "{ peer: 192.0.2.7/24 }") == [
        "callers[0].match.peer: '192.0.2.7/24' cannot be taken (did you mean '192.0.2.0/24'?)"
    ]
