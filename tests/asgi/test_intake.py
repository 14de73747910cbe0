"""Where a request enters: by which credential it is known, whose word is believed, and what is refused before anything is parsed."""

from __future__ import annotations

import time

import pytest

from gateway import Gateway
from gateway.asgi.intake import new_id, path_of
from gateway.issue import issue_key
from tests.support.asgi_call import call

POLICY = """\
schema: gateway.policy/v1
name: intake
version: "1"
credentials: {credentials}
trusted_proxies: ["192.0.2.0/24"]
callers:
  - {{ id: asserted, match: {{ source: asserted }}, tier: t }}
  - {{ id: all, match: {{}}, tier: t }}
tiers:
  t: {{ models: ["*"], routes: ["*"], limits: [{{ id: rpm, count: requests, rate: 1000/minute, per: key }}] }}
door: {{ rate: 3/minute, exempt: [] }}
"""


class App:
    """A model endpoint that remembers which requests reached it."""

    def __init__(self):
        self.scopes = []

    async def __call__(self, scope, receive, send):
        self.scopes.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b"{}"})


class Case:
    """A started gateway: `ask(...)` gives what it said and the record; `key` is an issued one."""

    def __init__(self, gateway, app, key, store, secret):
        self.gateway, self.app, self.key, self.store, self.secret = gateway, app, key, store, secret

    async def ask(self, headers=None, **scope):
        said = await call(self.gateway, headers={"authorization": f"Bearer {self.key}"} if headers is None else headers, **scope)
        return said, await self.gateway.running.decision(said.decision)


@pytest.fixture
async def started(tmp_path):
    made = []

    async def start(credentials="issued"):
        policy, app = tmp_path / "policy.yaml", App()
        policy.write_text(POLICY.format(credentials=credentials))
        gateway = Gateway(app, policy=policy, state="memory", data=tmp_path / "data", governs=lambda path: True)
        made.append(gateway)
        running = await gateway.started()
        key, _ = await issue_key(running.world.keys, running.engine.secret, now_us=time.time_ns() // 1000, account="acme")
        return Case(gateway, app, key, running.world.keys, running.engine.secret)

    yield start
    for gateway in made:
        await gateway.aclose()


# ── Credentials ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("name", "prefix"), [("authorization", "Bearer "), ("authorization", "bearer  "), ("x-api-key", ""), ("api-key", "")])  # fmt: skip  # noqa: E501
async def test_a_key_is_known_in_each_of_the_three_fields_and_stays_here(started, name, prefix):
    case = await started()
    said, record = await case.ask({name: prefix + case.key})
    assert (said.status, record["caller"]["account"]) == (200, "acme")
    assert case.key.encode() not in b"".join(value for _, value in case.app.scopes[0]["headers"])
    assert case.app.scopes[0]["gateway"]["account"] == "acme"


@pytest.mark.parametrize(
    "shown", [{}, {"authorization": "Bearer azg_unknown"}, {"authorization": "Basic YWJj"}, {"x-api-key": "sk-own"}]
)
async def test_without_a_right_key_it_is_401_and_reaches_nobody(started, shown):
    case = await started()
    said, record = await case.ask(shown)
    assert (said.status, said.json()["error"]["code"]) == (401, "invalid_api_key")
    assert record["end"] == "refused"
    assert case.app.scopes == []


async def test_revoked_and_expired_keys_are_refused(started):
    case = await started()
    now = time.time_ns() // 1000
    old, _ = await issue_key(case.store, case.secret, now_us=now, expires_us=now + 1)
    said, record = await case.ask({"x-api-key": old})
    assert (said.status, record["decision"]["reason"]) == (401, "caller.expired")
    key, made = await issue_key(case.store, case.secret, now_us=now)
    assert (await case.ask({"x-api-key": key}))[0].status == 200
    await case.store.revoke(made.key_id, now)
    said, record = await case.ask({"x-api-key": key})
    assert (said.status, record["decision"]["reason"]) == (401, "caller.revoked")


async def test_with_credentials_of_the_client_any_value_is_a_caller_of_its_own_and_goes_on(started):
    case = await started("client")
    first, one = await case.ask({"authorization": "Bearer sk-one with spaces"})
    _, two = await case.ask({"authorization": "Bearer sk-two"})
    _, again = await case.ask({"x-api-key": "sk-two"})
    assert first.status == 200
    assert one["caller"]["key"] != two["caller"]["key"] == again["caller"]["key"]
    assert (b"authorization", b"Bearer sk-one with spaces") in case.app.scopes[0]["headers"]
    assert "sk-one" not in str(one)


async def test_with_both_a_key_of_ours_must_be_right_and_any_other_is_the_client_s_own(started):
    case = await started("both")
    assert (await case.ask())[1]["caller"]["account"] == "acme"
    assert (await case.ask({"authorization": "Bearer azg_wrong"}))[0].status == 401
    assert (await case.ask({"authorization": "Bearer sk-own"}))[0].status == 200


# ── Whose word is believed ────────────────────────────────────────────────────────────────────────

ASSERTED = {"x-gateway-key": "user-7", "x-gateway-account": "shop", "x-gateway-tags": "paid, eu", "x-gateway-attribute-asn": "64500"}


async def test_a_trusted_proxy_says_who_calls(started):
    case = await started()
    said, record = await case.ask(ASSERTED, client=("192.0.2.9", 1))
    assert said.status == 200
    assert (record["caller"]["account"], record["decision"]["rule"]) == ("shop", "asserted")
    assert not [name for name, _ in case.app.scopes[0]["headers"] if name.startswith(b"x-gateway-")]


async def test_anybody_else_s_word_is_nothing(started):
    case = await started()
    said, _ = await case.ask(ASSERTED, client=("198.51.100.1", 1))
    assert said.status == 401
    said, record = await case.ask({**ASSERTED, "x-api-key": case.key}, client=("198.51.100.1", 1))
    assert (said.status, record["caller"]["account"]) == (200, "acme")
    assert not [name for name, _ in case.app.scopes[0]["headers"] if name.startswith(b"x-gateway-")]


async def test_a_key_s_record_stands_over_what_a_proxy_says(started):
    case = await started()
    _, record = await case.ask({**ASSERTED, "x-api-key": case.key}, client=("192.0.2.9", 1))
    assert record["caller"]["account"] == "acme"


async def test_the_peer_is_told_by_trusted_proxies_only_and_ipv6_is_grouped(started):
    case = await started()
    forwarded = {"x-api-key": case.key, "x-forwarded-for": "2001:db8:1:2:3::4"}
    assert (await case.ask(forwarded, client=("192.0.2.9", 1)))[1]["peer"] == "2001:db8:1:2::"
    assert (await case.ask(forwarded, client=("198.51.100.1", 1)))[1]["peer"] == "198.51.100.1"
    assert (await case.ask(client=None))[0].status == 200


async def test_a_peer_that_fails_again_and_again_waits_and_others_do_not(started):
    case = await started()
    wrong = {"x-api-key": "azg_wrong"}
    assert [(await case.ask(wrong, client=("198.51.100.1", 1)))[0].status for _ in range(4)] == [401, 401, 401, 429]
    said, record = await case.ask(client=("198.51.100.1", 2))
    assert (said.status, record["decision"]["reason"]) == (429, "door")
    assert int(said.all("retry-after")[0]) >= 1
    assert (await case.ask(client=("198.51.100.2", 1)))[0].status == 200


# ── What is refused at once ───────────────────────────────────────────────────────────────────────

AMBIGUOUS = [
    ("/v1/../admin", b"/v1/../admin"), ("/v1/./x", b"/v1/./x"), ("/v1//files", b"/v1//files"), ("/v1/a/b", b"/v1/a%2Fb"),
    ("/v1/a\\b", b"/v1/a%5cb"), ("/v1/..", b"/v1/%2e%2e"), ("/v1/a%2fb", b"/v1/a%252fb"), ("/v1/%2E./x", b"/v1/%252E./x"),
    ("/v1/..;a/x", b"/v1/..;a/x"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "raw"), AMBIGUOUS)
async def test_a_path_that_an_upstream_might_resolve_otherwise_is_refused_with_our_credential(started, path, raw):
    case = await started()
    said, record = await case.ask(path=path, raw_path=raw)
    assert (said.status, record["decision"]["reason"]) == (400, "route.ambiguous")
    assert case.app.scopes == []


async def test_trace_would_show_the_upstream_s_credential_and_is_refused_where_ours_would_be_used(started):
    case = await started("both")
    said, record = await case.ask(method="TRACE", path="/v1/x")
    assert (said.status, record["decision"]["reason"]) == (405, "route.trace")
    assert case.app.scopes == []
    assert (await case.ask({"x-api-key": "sk-own"}, method="TRACE", path="/v1/x"))[0].status == 200


@pytest.mark.parametrize("path", ["/v1/x/a.b", "/v1/models/org/model..v2", "/v1/models/...x", "/v1/100%", "/v1/a%20b"])
async def test_dots_and_percent_signs_as_such_are_nothing_to_refuse(started, path):
    case = await started()
    assert (await case.ask(path=path))[0].status == 200


@pytest.mark.parametrize(("path", "raw"), AMBIGUOUS)
async def test_with_credentials_of_both_kinds_it_is_refused_where_ours_would_be_used(started, path, raw):
    case = await started("both")
    assert (await case.ask(path=path, raw_path=raw))[0].status == 400
    assert (await case.ask({"x-api-key": "sk-own"}, path=path, raw_path=raw))[0].status == 200


@pytest.mark.parametrize(
    "fields",
    [
        [(b"content-length", b"5"), (b"transfer-encoding", b"chunked")],
        [(b"content-length", b"5"), (b"content-length", b"6")],
        [(b"content-length", b"+5")],
        [(b"transfer-encoding", b"gzip, chunked")],
        [(b"host", b"a"), (b"host", b"b")],
        [(b"connection", b"authorization")],
    ],
)
async def test_a_frame_that_two_servers_may_read_differently_is_refused(started, fields):
    case = await started()
    key = (b"authorization", f"Bearer {case.key}".encode())
    said = await call(_with_fields(case.gateway, [key, *fields]))
    assert (said.status, case.app.scopes) == (400, [])
    assert (await case.gateway.running.decision(said.decision))["decision"]["reason"] == "framing"


def _with_fields(app, fields):
    async def called(scope, receive, send):
        await app({**scope, "headers": fields}, receive, send)

    return called


async def test_an_upgrade_to_websocket_is_refused(started):
    case = await started()
    said, record = await case.ask({"x-api-key": case.key, "upgrade": "WebSocket"}, method="GET", path="/v1/realtime")
    assert (said.status, record["decision"]["reason"]) == (400, "websocket")


async def test_once_the_gateway_closes_requests_are_told_that_it_restarts(started):
    case = await started()
    case.gateway.running.close_door()
    said, record = await case.ask()
    assert (said.status, record["decision"]["outcome"]) == (503, "refuse")


# ── Small parts ───────────────────────────────────────────────────────────────────────────────────


def test_ids_sort_by_time_and_never_repeat():
    ids = [new_id(1_700_000_000_000_000 + n) for n in range(1000)]
    assert ids == sorted(ids)
    assert len({*ids, *(new_id(5) for _ in range(1000))}) == 2000
    assert all(len(one) == len(ids[0]) and one[0] == "d" and one.isalnum() for one in ids)


@pytest.mark.parametrize(
    ("path", "root", "seen"),
    [
        ("/v1/x", "", "/v1/x"),
        ("/api/v1/x", "/api", "/v1/x"),
        ("/api/v1/x", "/api/", "/v1/x"),
        ("/v1/x", "/api", "/v1/x"),
        ("/apix/v1", "/api", "/apix/v1"),
        ("/api", "/api", "/"),
        ("/v1/x", "/", "/v1/x"),
    ],
)
def test_the_path_that_counts_is_the_one_below_the_prefix(path, root, seen):
    assert path_of({"path": path, "root_path": root}) == seen
