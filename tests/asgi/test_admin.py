"""The admin plane: who is answered, what a web page can't reach, and that nothing leaks to whoever may not ask."""

from __future__ import annotations

import hmac

import httpx
import pytest

from gateway.asgi import admin
from gateway.asgi.admin import admin_app
from gateway.errors import QuotaError, RiskError, SettingsError, StoreUnavailable

TOKEN = "a-token-of-24-characters"
HERE = "127.0.0.1"
AWAY = "192.0.2.7"
GUARDED = [
    ("GET", "/metrics"),
    ("GET", "/api/decisions/d1"),
    ("GET", "/api/quota/0123456789ab"),
    ("GET", "/api/quota?account=acme"),
    ("GET", "/api/risk"),
    ("GET", "/api/risk/0123456789ab"),
    ("GET", "/api/policy"),
    ("POST", "/api/policy"),
    ("POST", "/api/policy/reload"),
]


class Plane:
    """A gateway as the admin plane sees it."""

    def __init__(self):
        self.lacks = []
        self.reloads = 0
        self.outcome = {"ok": True}
        self.quotas = None
        self.ruled = []
        self.risks = None

    async def missing(self):
        return self.lacks

    async def decision(self, decision_id):
        return {"id": decision_id, "end": "complete"} if decision_id == "d1" else None

    async def quota(self, asked):
        if isinstance(self.quotas, Exception):
            raise self.quotas
        return {"asked": asked}

    async def risk(self, limit, at_least, campaigns):
        return [{"limit": limit, "at_least": at_least, "campaigns": campaigns}]

    async def risk_of(self, key):
        if self.risks:
            raise self.risks
        return {"key": key}

    async def rule(self, key, finding, by, why):
        self.ruled.append((key, finding, by, why))
        return {"key_id": key}

    def policy(self):
        return {"name": "test"}

    async def reload(self):
        self.reloads += 1
        return self.outcome

    def metrics_text(self):
        return b"gateway_in_flight 0.0\n", "text/plain; version=0.0.4; charset=utf-8"


@pytest.fixture
def plane():
    return Plane()


@pytest.fixture
async def ask(plane):
    """`await ask(method, path, client=..., token=..., host=..., **headers)` with the plane's own token in `ours`."""

    async def running():
        if isinstance(plane.lacks, Exception):
            raise plane.lacks
        return plane

    async def asked(method, path, *, client=HERE, ours=None, token=None, host="127.0.0.1:8081", content=None, **headers):
        transport = httpx.ASGITransport(admin_app(running, ours), client=(client, 4711))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as session:
            fields = {name.replace("_", "-"): value for name, value in headers.items()}
            if token is not None:
                fields["authorization"] = token
            return await session.request(method, path, headers=fields, content=content)

    return asked


@pytest.mark.parametrize(("method", "path"), GUARDED)
async def test_without_a_token_loopback_is_answered_and_nobody_else(ask, plane, method, path):
    assert (await ask(method, path)).status_code == 200
    assert (await ask(method, path, client="::1", host="[::1]:8081")).status_code == 200
    refused = await ask(method, path, client=AWAY)
    assert refused.status_code == 403
    assert set(refused.json()) == {"error"}


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8081", "192.0.2.7"])
@pytest.mark.parametrize(("method", "path"), GUARDED)
async def test_a_page_that_makes_its_name_point_here_gets_nothing(ask, plane, method, path, host):
    assert (await ask(method, path, host=host)).status_code == 403
    assert plane.reloads == 0


@pytest.mark.parametrize("host", ["localhost", "localhost:8081", "127.0.0.1", "127.1.2.3:1", "[::1]"])
async def test_every_name_of_this_machine_will_do(ask, host):
    assert (await ask("GET", "/api/policy", host=host)).status_code == 200


@pytest.mark.parametrize(("method", "path"), GUARDED)
async def test_with_a_token_it_is_needed_from_everywhere_and_enough_from_anywhere(ask, method, path):
    for client in (HERE, AWAY):
        assert (await ask(method, path, client=client, ours=TOKEN)).status_code == 401
        given = await ask(method, path, client=client, ours=TOKEN, token=f"Bearer {TOKEN}", host="gateway.internal")
        assert given.status_code == 200


@pytest.mark.parametrize(
    "token", ["", TOKEN, f"Basic {TOKEN}", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN.upper()}"]
)
async def test_anything_but_the_token_is_a_401_that_says_how(ask, plane, token):
    refused = await ask("POST", "/api/policy", ours=TOKEN, token=token)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert TOKEN not in refused.text
    assert plane.reloads == 0


async def test_a_token_of_any_letters_is_understood(ask):
    ours = "schlüssel-mit-umlauten"
    assert (await ask("GET", "/metrics", ours=ours, token=f"Bearer {ours}".encode())).status_code == 200
    assert (await ask("GET", "/metrics", ours=ours, token=b"Bearer \xff\xfe")).status_code == 401


async def test_tokens_are_compared_in_constant_time(ask, monkeypatch):
    compared = []

    class Watched:
        @staticmethod
        def compare_digest(given, right):
            compared.append((given, right))
            return hmac.compare_digest(given, right)

    monkeypatch.setattr(admin, "hmac", Watched)
    await ask("GET", "/metrics", ours=TOKEN, token="Bearer wrong")
    assert compared == [(b"wrong", TOKEN.encode())]


@pytest.mark.parametrize(("client", "ours"), [(HERE, None), (AWAY, None), (AWAY, TOKEN)])
async def test_the_two_probes_need_no_token(ask, plane, client, ours):
    assert (await ask("GET", "/healthz", client=client, ours=ours)).json() == {"alive": True}
    assert (await ask("GET", "/readyz", client=client, ours=ours)).status_code == 200
    plane.lacks = ["audit: records cannot be written"]
    assert (await ask("GET", "/readyz", client=client, ours=ours)).status_code == 503
    assert (await ask("GET", "/healthz", client=client, ours=ours)).status_code == 200


@pytest.mark.parametrize(
    ("asker", "told"),
    [
        ({}, True),
        ({"ours": TOKEN}, True),
        ({"client": AWAY, "ours": TOKEN, "token": f"Bearer {TOKEN}"}, True),
        ({"client": AWAY, "ours": TOKEN}, False),
        ({"client": AWAY}, False),
        ({"host": "evil.example"}, False),
        ({"host": "evil.example", "ours": TOKEN}, False),
    ],
    ids=["loopback", "loopback with a token set", "with the token", "away without it", "away", "rebound", "rebound with a token set"],
)
async def test_what_is_missing_is_told_only_to_those_who_may_know(ask, plane, asker, told):
    plane.lacks = ["upstream up: UP_KEY is not set"]
    assert (await ask("GET", "/readyz", **asker)).json() == {"ready": False, "missing": plane.lacks if told else []}


async def test_a_gateway_that_cannot_start_is_not_ready_rather_than_broken(ask, plane):
    plane.lacks = SettingsError("GATEWAY_SECRET is not the state's")
    answer = await ask("GET", "/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "missing": ["start: SettingsError"]}


@pytest.mark.parametrize(
    ("origin", "status"), [("https://evil.example", 403), ("http://localhost:3000", 403), ("null", 403), ("http://127.0.0.1:8081", 200)]
)
async def test_a_web_page_cannot_have_the_policy_reloaded(ask, plane, origin, status):
    for path in ("/api/policy", "/api/policy/reload"):
        assert (await ask("POST", path, origin=origin)).status_code == status
        assert (await ask("POST", path, ours=TOKEN, token=f"Bearer {TOKEN}", origin=origin)).status_code == status
    assert bool(plane.reloads) is (status == 200)


async def test_a_bad_reload_says_so(ask, plane):
    plane.outcome = {"ok": False, "problems": ["p.yaml:1:1: unknown field"]}
    answer = await ask("POST", "/api/policy")
    assert (answer.status_code, answer.json()) == (422, plane.outcome)


async def test_a_decision_is_found_by_its_id_or_not_at_all(ask):
    assert (await ask("GET", "/api/decisions/d1")).json()["id"] == "d1"
    assert (await ask("GET", "/api/decisions/d2")).status_code == 404


async def test_metrics_are_prometheus_text(ask):
    answer = await ask("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert answer.text.startswith("gateway_in_flight")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/api/policy", "/api/decisions/d2"])
async def test_nothing_here_is_kept_by_caches_or_shown_to_other_pages(ask, path):
    answer = await ask("GET", path, origin="https://evil.example")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("GET", "/v1/models"), ("DELETE", "/api/policy"), ("POST", "/metrics")])
async def test_there_is_nothing_else_here(ask, method, path):
    assert (await ask(method, path)).status_code in {404, 405}


async def test_quota_is_asked_for_by_key_or_account_and_nothing_else_gets_through(ask):
    assert (await ask("GET", "/api/quota/fp:0123456789ab?model=m&tier=&key=other&x=y")).json() == {
        "asked": {"key": "fp:0123456789ab", "model": "m"}
    }
    assert (await ask("GET", "/api/quota?account=acme&peer=192.0.2.1")).json() == {"asked": {"account": "acme", "peer": "192.0.2.1"}}


async def test_nobody_s_quota_is_404_and_a_state_that_is_lost_503(ask, plane):
    plane.quotas = QuotaError("no issued key begins with 01234567")
    unknown = await ask("GET", "/api/quota/01234567")
    assert (unknown.status_code, unknown.json()) == (404, {"error": "no issued key begins with 01234567"})
    plane.quotas = StoreUnavailable("redis://:secret@host")
    lost = await ask("GET", "/api/quota/01234567")
    assert lost.status_code == 503
    assert "secret" not in lost.text


async def test_who_is_suspected_is_listed_and_shown(ask, plane):
    assert (await ask("GET", "/api/risk?limit=5&at_least=12.5")).json() == {
        "callers": [{"limit": 5, "at_least": 12.5, "campaigns": False}]
    }
    assert (await ask("GET", "/api/risk?campaigns=1")).json() == {"campaigns": [{"limit": 50, "at_least": None, "campaigns": True}]}
    assert (await ask("GET", "/api/risk/fp:0123456789ab")).json() == {"key": "fp:0123456789ab"}
    plane.risks = RiskError("nothing is known of it")
    assert (await ask("GET", "/api/risk/01234567")).status_code == 404
    plane.risks = StoreUnavailable("redis://:secret@host")
    lost = await ask("GET", "/api/risk/01234567")
    assert lost.status_code == 503
    assert "secret" not in lost.text


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "at_least=many"])
async def test_a_list_of_nonsense_is_400(ask, query):
    assert (await ask("GET", f"/api/risk?{query}")).status_code == 400


SAID = b'{"by": "maria", "why": "one exercise"}'


@pytest.mark.parametrize(("path", "finding"), [("clear", "cleared"), ("confirm", "confirmed")])
async def test_a_decision_is_written_down_with_who_and_why(ask, plane, path, finding):
    answer = await ask("POST", f"/api/risk/01234567/{path}", content=SAID, content_type="application/json")
    assert answer.status_code == 200
    assert plane.ruled == [("01234567", finding, "maria", "one exercise")]


@pytest.mark.parametrize(
    ("status", "asked"),
    [
        (415, {"content": SAID, "content_type": "text/plain"}),
        (415, {"content": SAID}),
        (403, {"content": SAID, "content_type": "application/json", "origin": "https://evil.example"}),
        (403, {"content": SAID, "content_type": "application/json", "host": "evil.example"}),
        (401, {"content": SAID, "content_type": "application/json", "ours": TOKEN}),
        (413, {"content": b" " * 20_000, "content_type": "application/json"}),
        (400, {"content": b'{"by": "maria"}', "content_type": "application/json"}),
        (400, {"content": b'{"by": "maria", "why": " "}', "content_type": "application/json"}),
        (400, {"content": b'{"by": 1, "why": "x"}', "content_type": "application/json"}),
        (400, {"content": b"by=maria", "content_type": "application/json"}),
    ],
)
async def test_what_is_no_decision_of_an_operator_decides_nothing(ask, plane, status, asked):
    assert (await ask("POST", "/api/risk/01234567/clear", **asked)).status_code == status
    assert plane.ruled == []
