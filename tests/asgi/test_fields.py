"""Which header fields travel, and which framing is refused at the door."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.asgi.fields import end_to_end, framing_fault, request_fields, response_fields

KEPT = [
    (b"authorization", b"Bearer k"), (b"content-type", b"application/json"), (b"accept", b"*/*"), (b"accept-encoding", b"br"),
    (b"user-agent", b"OpenAI/Python"), (b"x-stainless-lang", b"python"), (b"x-request-id", b"r1"), (b"anthropic-version", b"v1"),
    (b"content-encoding", b"gzip"), (b"x-twice", b"1"), (b"x-twice", b"2"), (b"cookie", b"a=1"), (b"range", b"bytes=0-1"),
]  # fmt: skip


def test_fields_of_both_ends_pass_in_order_with_repeats():
    assert request_fields(KEPT) == KEPT
    assert response_fields(
        [(b"set-cookie", b"a=1"), (b"content-length", b"5"), (b"set-cookie", b"b=2"), (b"content-encoding", b"br")]
    ) == [
        (b"set-cookie", b"a=1"),
        (b"content-length", b"5"),
        (b"set-cookie", b"b=2"),
        (b"content-encoding", b"br"),
    ]


@pytest.mark.parametrize(
    "name",
    [
        b"connection", b"keep-alive", b"proxy-authorization", b"proxy-authenticate", b"proxy-connection", b"te", b"trailer",
        b"transfer-encoding", b"upgrade", b"http2-settings",
    ],
)  # fmt: skip
def test_fields_of_one_hop_pass_in_neither_direction(name):
    assert request_fields([*KEPT, (name, b"x")]) == KEPT
    assert response_fields([*KEPT[1:], (name, b"x")]) == KEPT[1:]


def test_what_connection_names_ends_here_whatever_its_case():
    headers = [(b"connection", b"close, X-Mine ,"), (b"x-mine", b"1"), (b"x-other", b"2"), (b"connection", b"X-Too"), (b"x-too", b"3")]
    assert end_to_end(headers) == [(b"x-other", b"2")]
    assert response_fields(headers) == [(b"x-other", b"2")]


def test_an_ordinary_connection_field_names_nothing():
    assert end_to_end([(b"connection", b"keep-alive"), (b"x", b"1")]) == [(b"x", b"1")]
    assert end_to_end([(b"connection", b"Keep-Alive, close"), (b"x", b"1")]) == [(b"x", b"1")]


@pytest.mark.parametrize("name", [b"host", b"content-length", b"expect"])
def test_the_frame_of_a_request_is_made_anew(name):
    assert request_fields([(name, b"1")]) == []


@pytest.mark.parametrize(
    "name",
    [
        b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-client-cert", b"x-forwarded",
        b"x-real-ip", b"via", b"true-client-ip", b"cf-connecting-ip", b"x-remote-user", b"x-original-url", b"x-rewrite-url",
        b"x-http-method-override",
    ],
)  # fmt: skip
def test_what_a_client_says_of_its_whereabouts_reaches_an_application_but_no_upstream(name):
    assert request_fields([(name, b"evil")]) == []
    assert request_fields([(name, b"evil")], keep_forwarding=True) == [(name, b"evil")]


@pytest.mark.parametrize("name", [b"x-gateway-key", b"x-gateway-account", b"x-gateway-attribute-asn", b"x-gateway-decision"])
def test_what_speaks_in_our_name_passes_nowhere(name):
    for keep in (False, True):
        assert request_fields([(name, b"evil"), (b"x", b"1")], keep_forwarding=keep) == [(b"x", b"1")]
    assert response_fields([(name, b"evil"), (b"x", b"1")]) == [(b"x", b"1")]


def test_an_application_in_process_keeps_what_its_server_gave_it():
    headers = [(b"host", b"h"), (b"content-length", b"3"), (b"connection", b"keep-alive"), (b"x-forwarded-for", b"1.2.3.4")]
    assert request_fields(headers, keep_forwarding=True) == headers


@pytest.mark.parametrize("name", [b"authorization", b"x-api-key", b"api-key", b"alt-svc"])
def test_an_upstream_that_echoes_its_credential_is_not_heard(name):
    assert response_fields([(name, b"sk-upstream"), (b"x", b"1")]) == [(b"x", b"1")]


@pytest.mark.parametrize(
    "headers",
    [
        [],
        KEPT,
        [(b"host", b"h"), (b"content-length", b"0")],
        [(b"transfer-encoding", b"chunked")],
        [(b"transfer-encoding", b" Chunked\t")],
        [(b"connection", b"keep-alive, Upgrade, HTTP2-Settings"), (b"upgrade", b"h2c")],
        [(b"connection", b"close"), (b"connection", b"te")],
        [(b"x-latin", b"\xe9"), (b"x-tab", b"a\tb")],
    ],
)
def test_ordinary_requests_have_no_fault(headers):
    assert framing_fault(headers) is None


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ([(b"content-length", b"3"), (b"transfer-encoding", b"chunked")], "both"),
        ([(b"content-length", b"3"), (b"content-length", b"4")], "more than one"),
        ([(b"content-length", b"3"), (b"content-length", b"3")], "more than one"),
        ([(b"content-length", b"3, 3")], "plain number"),
        ([(b"content-length", b"+3")], "plain number"),
        ([(b"content-length", b"-3")], "plain number"),
        ([(b"content-length", b"")], "plain number"),
        ([(b"content-length", b"0x3")], "plain number"),
        ([(b"content-length", b" 3")], "plain number"),
        ([(b"content-length", "³".encode())], "plain number"),
        ([(b"content-length", b"1" * 19)], "plain number"),
        ([(b"transfer-encoding", b"gzip, chunked")], "chunked"),
        ([(b"transfer-encoding", b"identity")], "chunked"),
        ([(b"transfer-encoding", b"xchunked")], "chunked"),
        ([(b"transfer-encoding", b"\x0bchunked")], "chunked"),
        ([(b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"chunked")], "chunked"),
        ([(b"transfer-encoding", b"")], "chunked"),
        ([(b"host", b"a"), (b"host", b"b")], "Host"),
        ([(b"x", b"a\r\nb: c")], "line break"),
        ([(b"x", b"a\r\n b")], "line break"),
        ([(b"x", b"a\nb")], "line break"),
        ([(b"x", b"a\0b")], "NUL"),
        ([(b"x\r\ny", b"1")], "line break"),
        ([(b"connection", b"authorization")], "authorization"),
        ([(b"connection", b"close, Content-Length")], "content-length"),
        ([(b"connection", b"close"), (b"connection", b"X-Api-Key")], "x-api-key"),
        ([(b"connection", b"x-gateway-account")], "x-gateway-account"),
        ([(b"connection", b"x-forwarded-for")], "x-forwarded-for"),
        ([(b"connection", b"content-encoding")], "content-encoding"),
    ],
)
def test_a_request_that_servers_could_read_differently_is_named_as_such(headers, said):
    assert said in (framing_fault(headers) or "")


NAMES = st.sampled_from(
    [b"connection", b"te", b"x-a", b"x-b", b"transfer-encoding", b"x-forwarded-for", b"x-gateway-key", b"host", b"via"]
)
HEADERS = st.lists(st.tuples(NAMES, st.sampled_from([b"x-a", b"close", b"X-B, te", b"", b"1"])), max_size=8)


@given(HEADERS)
def test_what_passes_is_a_part_of_what_came_and_passes_again(headers):
    for fields in (request_fields, response_fields, end_to_end):
        passed = fields(headers)
        rest = iter(headers)
        assert all(field in rest for field in passed)
        assert fields(passed) == passed
