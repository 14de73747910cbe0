"""What is written of a request: all of it in plain words, bounded, and never its text or its secrets."""

from __future__ import annotations

import json

import pytest

from gateway.audit.lines import encode, interrupted, opened_members, record_members
from gateway.model.caller import Caller
from gateway.model.request import RequestFacts
from tests.audit.making import START, a_record, an_opening


def members(**changes):
    return json.loads(record_members(a_record("d1", **changes)))


def test_a_record_reads_as_plain_words():
    record = members()
    assert record["id"] == "d1"
    assert record["ended"] == START + 250_000
    assert record["caller"] == {
        "key": "fp:abababababab", "key_id": "ab" * 16, "account": "acme", "tier": "standard", "tags": ["eu", "paid"],
        "source": "issued", "attributes": {"asn": "64500"},
    }  # fmt: skip
    assert record["decision"]["action"] == "allow"
    assert record["decision"]["intended"] == "watch"
    assert record["decision"]["policy"] == "default@1#0123456789ab"
    assert record["facts"]["logit_bias"] == [-1.0, 2.0]
    assert record["facts"]["estimate_output"] == 20
    assert record["usage"] == {"input": 12, "output": 34, "cached": 0, "reasoning": 0, "micro_cost": 0, "source": "upstream"}


def test_the_members_are_those_of_the_format_page(root):
    page = (root / "docs/audit-format.md").read_text()
    section = page[page.index("## A record") : page.index("## Checkpoints")]
    record = members()
    for group in (record, record["caller"], record["facts"], record["decision"], record["usage"]):
        for name in group:
            assert f"`{name}`" in section, name


def test_a_query_string_is_not_kept():
    assert members(path="/v1/files?key=sk-secret")["path"] == "/v1/files"


def test_what_was_not_known_is_null():
    record = members(caller=None, facts=None)
    assert record["caller"] is None
    assert record["facts"] is None


def test_nothing_a_client_sends_makes_a_line_long():
    caller = Caller(
        "k" * 900, "a" * 900, tags=frozenset(f"{n}" * 90 for n in range(99)), attributes={f"{n}" * 90: "v" * 900 for n in range(99)}
    )
    facts = RequestFacts("openai.chat", "chat", "\x00" * 100_000)
    line = record_members(a_record("d1", path="/" + "\x01" * 100_000, caller=caller, facts=facts, fault="f" * 9000))
    assert len(line) < 60_000


@pytest.mark.parametrize("model", ["gpt\ud800", "\udfff", "a\udc80b"])
def test_a_surrogate_without_its_other_half_is_written_out(model):
    written = members(facts=RequestFacts("openai.chat", "chat", model))["facts"]["model"]
    assert "\\ud" in written


def test_a_number_that_no_reader_of_json_can_hold_is_cut_down():
    assert members(facts=RequestFacts("openai.chat", "chat", max_output=10**40))["facts"]["max_output"] == 2**53


def test_mending_reaches_into_lists_and_names():
    assert json.loads(encode({"a\ud800": ["b\udc80", {"c": "\ud800"}, 1, None]})) == {
        "a\\ud800": ["b\\udc80", {"c": "\\ud800"}, 1, None]
    }


def test_an_opening_and_the_record_that_recovery_makes_of_it_have_the_same_id_and_caller():
    opened = json.loads(opened_members(an_opening("s1")))
    record = json.loads(interrupted(opened, START + 5))
    assert record["id"] == opened["id"] == "s1"
    assert record["end"] == "interrupted"
    assert record["caller"] == {"key": "fp:abababababab", "key_id": "ab" * 16, "account": "acme"}
    assert record["facts"] == {"model": "gpt-4o"}
