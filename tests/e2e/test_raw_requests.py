"""Whatever HTTP a client may rightly send, `policies/passthrough.yaml` sends on, and whatever comes back it hands back.

Requests are made up down to the byte and sent by plain sockets: once to the upstream itself, once through the gateway.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.gateway_process import GatewayProcess
from tests.support.raw_client import exchange
from tests.support.recorder import ANSWERS, Recorder

HOP = {b"host", b"connection", b"expect"}
FRAME = {b"content-length", b"transfer-encoding"}
ADDED = {"x-gateway-decision", "connection", "transfer-encoding"}
CHAT = b'{ "model":"m", "stream":true,\n"messages":[{"role":"user","content":"h\\u00e9\xc3\xa9"}], "odd":1.0e2}'


@pytest.fixture(scope="module")
def recorder():
    with Recorder() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(recorder, tmp_path_factory):
    with GatewayProcess(tmp_path_factory.mktemp("raw"), "--policy", "passthrough", "--upstream", recorder.url) as running:
        yield running


def as_sent(seen):
    """A request without hop and frame; and whether it had a length or chunks at all."""
    framed = any(name in FRAME for name, _ in seen.fields)
    return seen.line, [field for field in seen.fields if field[0] not in HOP | FRAME], framed, seen.body


def as_got(answer):
    return answer.status, [field for field in answer.fields if field[0] not in ADDED], answer.body


def both_ways(recorder, gateway, data, methods):
    """What the upstream saw and the client got: directly, then through the gateway."""
    outcomes = []
    recorder.take()
    for url in (recorder.url, gateway.url):
        got = [as_got(answer) for answer in exchange(url, data, methods)]
        outcomes.append(([as_sent(seen) for seen in recorder.take()], got))
    return outcomes


# ── Requests ────────────────────────────────────────────────────────────────────────────────────

ROUTES = ("chat/completions", "completions", "responses", "embeddings", "messages", "messages/count_tokens", "models", "files", "x")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "REPORT", "PROPFIND", "SEARCH")
TOKENS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.~", min_size=1, max_size=12)
PIECES = st.one_of(
    TOKENS,
    st.sampled_from(["%2F", "%20", "a%00b", "%C3%A9", "%ff", "%41", "..", ".", "a;b=c", "x:y@z", "(!$&'*+,)", "[1]", "{x}", "%"]),
)
PATHS = st.one_of(
    st.builds("{}/{}".format, st.sampled_from(["", "/v1", "/v2"]), st.sampled_from(ROUTES)),
    st.builds(
        lambda parts, end: "/" + "/".join(parts) + end, st.lists(PIECES, min_size=1, max_size=4), st.sampled_from(["", "/", "//"])
    ),
)
QUERIES = st.one_of(
    st.just(""), st.sampled_from(["?", "?a", "?include[]=x&include[]=y", "?a=%2F%20+b", "?a=b?c=/d", "?&&=", "?q=%C3%A9&q=", '?"<>'])
)
VALUES = st.one_of(TOKENS, st.sampled_from(["", "a  b\tc", 'a="b, c"; d', "é", "\N{SNOWMAN}", "a,b", "x" * 5000]))
FIELDS = st.lists(
    st.tuples(st.builds("X-{}".format, st.sampled_from(["One", "two", "THREE"])), VALUES)
    | st.tuples(
        st.sampled_from(["Accept", "Cookie", "User-Agent", "Accept-Encoding", "Idempotency-Key", "Range", "If-None-Match"]), TOKENS
    )
    | st.just(("Accept", "application/problem+json")),
    max_size=5,
)
KEYS = st.sampled_from(["Authorization: Bearer My API Key", "authorization: Basic eDp5", "X-Api-Key: k", "API-Key:k"])
BODIES = st.one_of(
    st.none(),
    st.none(),
    st.just(b""),
    st.just(CHAT),
    st.binary(max_size=300),
    st.just(b'{"model": 1, "model": 2'),
    st.just(b"\xef\xbb\xbf{}"),
)


ALL = range(len(ANSWERS))


@st.composite
def requests(draw, version="1.1", answers=ALL):
    """(method, the bytes of one request)."""
    method = draw(st.sampled_from(METHODS))
    body = draw(BODIES)
    lines = [f"{method} {draw(PATHS)}{draw(QUERIES)} HTTP/{version}", "Host: some.where", draw(KEYS)]
    lines += [f"x-case: {draw(st.sampled_from(answers))}"]
    lines += [f"{name}:{draw(st.sampled_from(['', ' ', '  ']))}{value}" for name, value in draw(FIELDS)]
    if body is not None and draw(st.booleans()):
        lines.append("Content-Type: application/json")
    chunked = body is not None and version == "1.1" and draw(st.booleans())
    if chunked:
        lines.append("Transfer-Encoding: chunked")
        cut = draw(st.integers(0, len(body)))
        body = b"".join(b"%X\r\n%s\r\n" % (len(part), part) for part in (body[:cut], body[cut:]) if part) + b"0\r\n\r\n"
    elif body is not None:
        lines.append(f"Content-Length: {len(body)}")
    if body and version == "1.1" and draw(st.integers(0, 5)) == 0:
        lines.append("Expect: 100-continue")
    return method, "\r\n".join([*lines, "", ""]).encode() + (body or b"")


STAYING = [number for number, answer in enumerate(ANSWERS) if b"connection: close" not in answer]
"""Answers after which a connection goes on: how long one lasts is a matter of each hop."""
PIPELINES = st.builds(lambda first, last: [*first, last], st.lists(requests(answers=STAYING), max_size=2), requests())

# ── The tests ───────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=200)
@given(PIPELINES)
def test_any_requests_on_one_connection_are_the_same_through_the_gateway(recorder, gateway, made):
    direct, through = both_ways(recorder, gateway, b"".join(data for _, data in made), [method for method, _ in made])
    assert through[0] == direct[0]
    assert through[1] == direct[1]


@settings(max_examples=40)
@given(requests(version="1.0"))
def test_http_1_0_is_the_same_and_is_never_answered_in_chunks(recorder, gateway, made):
    method, data = made
    direct, through = both_ways(recorder, gateway, data, [method])
    assert through == direct
    assert all(answer.field("transfer-encoding") is None for answer in exchange(gateway.url, data, [method]))
    recorder.take()


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/files"])
def test_a_large_body_arrives_whole(recorder, gateway, path, chunked):
    content = bytes(range(256)) * 8192
    body = content if path.endswith("files") else b'{"model":"m","messages":[{"role":"user","content":"' + b"ab c" * (1 << 19) + b'"}]}'
    frame = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
    sent = b"%X\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked else body
    data = b"POST %s HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer k\r\n%s\r\nConnection: close\r\n\r\n%s" % (path.encode(), frame, sent)
    direct, through = both_ways(recorder, gateway, data, ["POST"])
    assert through == direct
    assert through[0][0][3] == body


def test_a_target_that_is_no_path_never_becomes_part_of_the_upstream_s_name(recorder, gateway):
    (answer,) = exchange(gateway.url, b"OPTIONS * HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer k\r\n\r\n", ["OPTIONS"])
    assert answer.status == 200
    assert [seen.line for seen in recorder.take()] == [b"OPTIONS /*"]
