"""With `policies/passthrough.yaml` the gateway is invisible: whatever an upstream answers arrives as it would have without us."""

from __future__ import annotations

import gzip
import http.client
import json
from urllib.parse import urlsplit

import openai
import pytest

from tests.support.gateway_process import GatewayProcess
from tests.support.live_server import live_server
from tests.support.zoo import Zoo

ADDED = {"x-gateway-decision"}
CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture(scope="module")
def zoo():
    app = Zoo()
    with live_server(app) as url:
        app.url = url
        yield app


@pytest.fixture(scope="module")
def gateway(zoo, tmp_path_factory):
    with GatewayProcess(tmp_path_factory.mktemp("invisible"), "--policy", "passthrough", "--upstream", zoo.url) as gateway:
        yield gateway


def ask(base, method, path, body=None, headers=()):
    """Status, header fields in order (lower-case names), body, exactly as they come over the wire."""
    parts = urlsplit(base)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    try:
        fields = {"authorization": "Bearer sk-client-own", "content-type": "application/json", **dict(headers)}
        connection.request(method, path, body, fields)
        answer = connection.getresponse()
        kept = [(name.lower(), value) for name, value in answer.getheaders() if name.lower() not in ADDED]
        return answer.status, kept, answer.read()
    finally:
        connection.close()


CASES = {
    "chat": ("POST", "/v1/chat/completions", CHAT),
    "chat without /v1": ("POST", "/chat/completions", CHAT),
    "chat, stream": ("POST", "/v1/chat/completions", {**CHAT, "stream": True}),
    "chat, gzip": ("POST", "/v1/chat/completions", {**CHAT, "encoding": "gzip"}),
    "chat, stream, gzip": ("POST", "/v1/chat/completions", {**CHAT, "stream": True, "encoding": "gzip"}),
    "chat, stream, deflate": ("POST", "/v1/chat/completions", {**CHAT, "stream": True, "encoding": "deflate"}),
    "chat, 400": ("POST", "/v1/chat/completions", {**CHAT, "fail": 400}),
    "chat, 429": ("POST", "/v1/chat/completions", {**CHAT, "fail": 429}),
    "chat, 503": ("POST", "/v1/chat/completions", {**CHAT, "fail": 503}),
    "chat, not JSON": ("POST", "/v1/echo", b"{nonsense"),
    "messages, 529": ("POST", "/v1/messages", {"model": "m", "max_tokens": 1, "messages": []}),
    "unknown path": ("GET", "/v1/no/such/path", None),
    "unknown method": ("DELETE", "/v1/chat/completions/abc", None),
    "query": ("GET", "/v1/echo?after=a%2Fb&limit=2&empty=&x=%C3%A9", None),
    "escaped path": ("GET", "/v1/echo", None),
    "models": ("GET", "/v1/models", None),
    "binary": ("GET", "/v1/files/file-1/content", None),
    "audio, chunked": ("POST", "/v1/audio/speech", {"input": "x"}),
    "204": ("DELETE", "/v1/nothing", None),
    "304": ("GET", "/v1/unchanged", None),
    "redirect": ("GET", "/v1/elsewhere", None),
    "HEAD": ("HEAD", "/v1/files/file-1/content", None),
    "OPTIONS": ("OPTIONS", "/v1/echo", None),
}


@pytest.mark.parametrize("case", CASES)
def test_the_answer_is_the_upstream_s_own(zoo, gateway, case):
    method, path, body = CASES[case]
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    direct, through = ask(zoo.url, method, path, data), ask(gateway.url, method, path, data)
    assert through[0] == direct[0]
    if path.startswith("/v1/echo"):
        seen, told = json.loads(direct[2]), json.loads(through[2])
        assert (seen["method"], seen["raw_path"], seen["query"], seen["sha256"]) == (
            told["method"],
            told["raw_path"],
            told["query"],
            told["sha256"],
        )
        own = {"host", "connection"}
        assert sorted(f for f in told["headers"] if f[0] not in own) == sorted(f for f in seen["headers"] if f[0] not in own)
    else:
        assert through[2] == direct[2]
        hop = {"connection", "transfer-encoding"}
        assert [f for f in through[1] if f[0] not in hop] == [f for f in direct[1] if f[0] not in hop]


def test_the_body_that_goes_upstream_is_the_client_s_byte_for_byte(zoo, gateway):
    body = b'{ "stream":true,\n "model" : "m", "messages":[ {"role":"user","content":"\\u00e9 \xc3\xa9"}], "unknown": 1.0e2 }'
    ask(gateway.url, "POST", "/v1/chat/completions", body)
    assert zoo.requests[-1][4] == body


def test_a_compressed_request_goes_upstream_compressed(zoo, gateway):
    packed = gzip.compress(json.dumps(CHAT).encode(), mtime=0)
    ask(gateway.url, "POST", "/v1/echo", packed, {"content-encoding": "gzip"})
    assert zoo.requests[-1][4] == packed
    assert (b"content-encoding", b"gzip") in zoo.requests[-1][3]


def test_the_client_s_own_credential_goes_upstream_unchanged(zoo, gateway):
    ask(gateway.url, "POST", "/v1/chat/completions", json.dumps(CHAT).encode(), {"authorization": "Bearer sk-with spaces"})
    assert (b"authorization", b"Bearer sk-with spaces") in zoo.requests[-1][3]
    ask(gateway.url, "POST", "/v1/messages", json.dumps(CHAT).encode(), {"authorization": "", "x-api-key": "sk-ant"})
    assert (b"x-api-key", b"sk-ant") in zoo.requests[-1][3]


def test_multipart_uploads_arrive_whole(zoo, gateway):
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key="sk-mine", max_retries=0) as client:
        content = bytes(range(256)) * 8192
        file = client.files.create(file=("data.bin", content), purpose="batch")
    assert file.id == "file-1"
    assert file.bytes == len(zoo.requests[-1][4])
    assert content in zoo.requests[-1][4]


def test_binary_downloads_arrive_whole(gateway):
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key="sk-mine", max_retries=0) as client:
        assert client.files.content("file-1").read() == bytes(range(256)) * 4096


def test_errors_of_the_upstream_are_the_sdk_s_errors(gateway):
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key="sk-mine", max_retries=0) as client:
        with pytest.raises(openai.RateLimitError) as caught:
            client.chat.completions.create(**CHAT, extra_body={"fail": 429})
        assert caught.value.response.headers["retry-after"] == "7"
        with pytest.raises(openai.NotFoundError):
            client.get("/nowhere", cast_to=object)


def test_a_key_is_its_own_caller_by_fingerprint_and_its_usage_is_counted(zoo, gateway):
    ask(gateway.url, "POST", "/v1/chat/completions", json.dumps(CHAT).encode(), {"authorization": "Bearer sk-counted"})
    record = gateway.records()[-1]
    assert record["usage"]["input"] == 9
    assert record["usage"]["output"] == 3
    assert "sk-counted" not in json.dumps(record)
