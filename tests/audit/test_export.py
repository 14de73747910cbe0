"""Records as recorded traffic: what is recorded is told in the API's own words, and read back as it was."""

from __future__ import annotations

import json

import pytest

from gateway.audit.export import trace_of, traced
from gateway.audit.lines import interrupted, record_members
from gateway.dialects.routes import dialect_for
from gateway.model.caller import Caller
from gateway.model.request import Estimate, RequestFacts, Usage
from gateway.trace import record_of
from tests.audit.making import START, a_record

PATHS = {
    "openai.chat": "/v1/chat/completions",
    "openai.completions": "/v1/completions",
    "openai.responses": "/v1/responses",
    "openai.embeddings": "/v1/embeddings",
    "anthropic.messages": "/v1/messages",
    "anthropic.count_tokens": "/v1/messages/count_tokens",
}


def stored(id_="d1", at_us=START, **changes):
    """A record as the log has it, decoded."""
    return {"at": at_us, **json.loads(record_members(a_record(id_, at_us, **changes)))}


def test_who_when_and_how_it_went():
    trace = trace_of(stored(first_byte_us=120_500, path="/v1/chat/completions"))
    assert trace["at"] == START / 1e6
    assert (trace["key"], trace["account"], trace["peer"]) == ("ab" * 16, "acme", "10.1.2.3")
    assert trace["attributes"] == {"asn": "64500"}
    assert trace["response"] == {
        "status": 200, "ttft_ms": 120.5, "duration_ms": 250.0, "usage": {"input_tokens": 12, "output_tokens": 34},
    }  # fmt: skip


def test_what_is_not_known_is_null():
    trace = trace_of(stored(caller=Caller("cd" * 16, "cd" * 16), facts=None, usage=Usage()))
    assert (trace["account"], trace["request"]) == (None, None)
    assert (trace["response"]["ttft_ms"], trace["response"]["usage"]) == (None, None)


ASKED = [
    ("openai.chat", {"choices": 3, "logprobs": 5, "logit_bias": (-1.0, 2.0), "max_output": 9, "stream": True}),
    ("openai.chat", {"logprobs": 0, "logit_bias": (4.0, 4.0)}),
    ("openai.chat", {}),
    ("openai.completions", {"choices": 2, "logprobs": 3, "logit_bias": (-100.0, -100.0), "max_output": 9}),
    ("openai.responses", {"logprobs": 2, "max_output": 40, "stream": True}),
    ("openai.embeddings", {}),
    ("anthropic.messages", {"max_output": 40, "stream": True}),
    ("anthropic.count_tokens", {}),
]


@pytest.mark.parametrize(("name", "asked"), ASKED)
def test_the_reader_of_traces_and_the_dialect_read_what_was_recorded(name, asked):
    path = PATHS[name]
    facts = RequestFacts(name, name, "gpt-4o", estimate=Estimate(10, 20, False), input_size=999, **asked)
    trace = record_of(json.dumps(trace_of(stored(path=path, facts=facts))).encode())
    assert (trace.at_us, trace.duration_us, trace.usage.output) == (START, 250_000, 34)
    dialect = dialect_for("POST", path)
    assert dialect.name == name
    read = dialect.parse(trace.body, length=len(trace.body))
    assert read.model == "gpt-4o"
    for field in ("choices", "logprobs", "logit_bias", "max_output", "stream"):
        assert getattr(read, field) == getattr(facts, field), field


def test_lines_stand_in_the_order_of_arrival_and_what_nobody_sent_is_left_out():
    left = []
    slow = stored("slow", START, ended_us=START + 9_000_000)
    quick = stored("quick", START + 1_000_000)
    unknown = stored("unknown", caller=None)
    closed = {"at": START, **json.loads(interrupted({"id": "i", "key_id": "ab" * 16, "account": "acme"}, START))}
    lines = [json.dumps(record).encode() for record in (quick, unknown, closed, slow)]
    traces = [record_of(line) for line in traced(lines, lambda: left.append(1))]
    assert [trace.at_us for trace in traces] == [START, START + 1_000_000]
    assert len(left) == 2
