"""What every registered dialect must do, whoever wrote it: the contract of `gateway.dialects.base`, asked of each in turn."""

from __future__ import annotations

import contextlib
import inspect
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.base import Answer, Dialect, Edited, Relay
from gateway.dialects.routes import dialect_for
from gateway.errors import BadRequest
from gateway.model.limit import Count
from gateway.model.policy import FeatureCaps
from gateway.model.request import RequestFacts
from gateway.registry import names, resolve
from tests.dialects.states import NOW, SECOND, a_refusal, a_state

DIALECTS = [*(resolve("dialects", name)() for name in names("dialects")), dialect_for("POST", "/messages/batches")]
BODY = b'{"model":"m","max_tokens":9,"input":"Hello","prompt":"Hello","messages":[{"role":"user","content":"Hello"}]}'
KINDS = [b"application/json", b"text/event-stream", b"application/octet-stream", None]
TEXTS = [
    b"data: ",
    b'{"choices":[{"index":0,"delta":{"content":"a"}}],"usage":null}',
    b"\n\n",
    b"\r\n",
    b"[DONE]",
    b"{",
    b"}",
    b"\xff\x00",
    b"event: message_stop\n",
]

every_dialect = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)


def relay_of(dialect, kind=KINDS[0], status=200, *extra):
    headers = [*([(b"content-type", kind)] if kind else []), *extra]
    return dialect.relay(dialect.parse(BODY, length=len(BODY)), status, headers, hide_usage=False)


def public(protocol):
    return [name for name, _ in inspect.getmembers(protocol, inspect.isfunction) if not name.startswith("_")]


@every_dialect
def test_it_takes_what_the_protocol_says(dialect):
    assert isinstance(dialect.name, str)
    assert isinstance(dialect.operation, str)
    for method in public(Dialect):
        wanted = list(inspect.signature(getattr(Dialect, method)).parameters.values())[1:]
        offered = inspect.signature(getattr(dialect, method)).parameters
        assert [offered[parameter.name].kind for parameter in wanted] == [parameter.kind for parameter in wanted]
    relay = relay_of(dialect)
    assert all(callable(getattr(relay, method)) for method in public(Relay))


@every_dialect
def test_the_facts_name_it_and_both_lengths(dialect):
    facts = dialect.parse(BODY, length=77)
    assert isinstance(facts, RequestFacts)
    assert (facts.dialect, facts.operation, facts.body_size) == (dialect.name, dialect.operation, 77)
    assert 0 <= facts.input_size <= len(BODY)
    assert not facts.ambiguous


@every_dialect
@given(
    body=st.binary(max_size=60) | st.sampled_from([b"null", b"[]", b'"a"', b"{", b"[" * 9999, b'{"model":7}', b'{"model":"\\ud800"}'])
)
def test_whatever_comes_is_read_or_a_bad_request(dialect, body):
    with contextlib.suppress(BadRequest):
        dialect.parse(body, length=len(body)).model.encode()


@every_dialect
def test_without_caps_nothing_is_edited(dialect):
    facts = dialect.parse(BODY, length=len(BODY))
    edited = dialect.edit(BODY, facts, FeatureCaps(), ask_usage=False)
    assert isinstance(edited, Edited)
    assert edited.body is BODY
    assert edited.changed == ()


@every_dialect
@given(
    parts=st.lists(st.sampled_from(TEXTS)),
    kind=st.sampled_from(KINDS),
    status=st.sampled_from([200, 404]),
    cuts=st.lists(st.integers(1, 40), min_size=1, max_size=4),
)
def test_the_bytes_of_an_answer_pass_whole_in_any_chunks(dialect, parts, kind, status, cuts):
    body, relay, out, at, turn = b"".join(parts), relay_of(dialect, kind, status), b"", 0, 0
    while at < len(body):
        out += relay.feed(body[at : at + cuts[turn % len(cuts)]])
        at, turn = at + cuts[turn % len(cuts)], turn + 1
    relay.seen()
    end = relay.finish()
    assert out + end == body
    if kind != b"text/event-stream" and body:
        assert end, "the end is kept back until the record is written"


@every_dialect
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("coding", [b"gzip", b"rot13"])
def test_compressed_answers_pass_as_they_are(dialect, kind, coding):
    relay = relay_of(dialect, kind, 200, (b"content-encoding", coding))
    body = b"\x1f\x8b\x08\x00 no gzip at all"
    assert relay.feed(body[:5]) + relay.feed(body[5:]) + relay.finish() == body


@every_dialect
def test_a_document_that_breaks_off_can_only_be_cut(dialect):
    relay = relay_of(dialect)
    relay.feed(b'{"half":')
    assert relay.fail(a_refusal("upstream_broken", 502)) is None


@every_dialect
def test_a_stream_that_breaks_off_ends_in_an_event_or_is_cut(dialect):
    relay = relay_of(dialect, b"text/event-stream")
    relay.feed(b'data: {"half":')
    last = relay.fail(a_refusal("upstream_broken", 502))
    assert last is None or (b"data: " in last and last.endswith(b"\n\n"))


@every_dialect
@pytest.mark.parametrize("problem", [False, True])
def test_a_refusal_is_json_of_its_stated_length_with_the_requests_id(dialect, problem):
    answer = dialect.refuse(a_refusal(retry_us=SECOND), request_id="r-1", problem=problem)
    assert isinstance(answer, Answer)
    headers = dict(answer.headers)
    assert answer.status == 429
    assert b"Rate limit reached." in answer.body
    assert isinstance(json.loads(answer.body), dict)
    assert int(headers[b"content-length"]) == len(answer.body)
    assert b"r-1" in (headers.get(b"x-request-id"), headers.get(b"request-id"))
    assert headers[b"retry-after"] == b"1"
    assert all(name == name.lower() for name in headers)


@every_dialect
def test_limits_are_told_in_its_own_fields_and_never_what_must_stay_silent(dialect):
    told = dict(dialect.limit_headers([a_state(), a_state("tpm", Count.TOKENS, 1000, 10)], now_us=NOW))
    assert len(told) >= 6
    assert all(b"ratelimit" in name for name in told)
    assert dialect.limit_headers([a_state(shadow=True), a_state(per=("campaign",))], now_us=NOW) == []
