"""Who is on the line, and what an outer proxy may say of it."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.asgi.peer import Identity, Peer, agent_of, asserted_identity, grouped, peer_of

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
PROXY = ("10.0.0.1", 443)


def told(*headers, client=PROXY, trusted=TRUSTED):
    return peer_of(client, [(name.encode(), value.encode("latin-1")) for name, value in headers], trusted)


@pytest.mark.parametrize(
    ("host", "address", "group"),
    [
        ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:DB8::1", "2001:db8::1", "2001:db8::"),
        ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1", "fe80::"),
        ("::1", "::1", "::1"),
        ("testclient", "testclient", "testclient"),
    ],
)
def test_the_connection_s_own_address_counts_under_its_group(host, address, group):
    assert peer_of((host, 1), [], ()) == Peer(address, group, False)


def test_a_server_that_does_not_tell_the_peer_leaves_it_empty():
    assert peer_of(None, [(b"x-forwarded-for", b"1.2.3.4")], TRUSTED) == Peer("", "", False)


def test_forwarding_fields_of_a_stranger_are_not_read():
    assert told(("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=203.0.113.9"), client=("192.0.2.1", 1)).address == "192.0.2.1"
    assert told(("x-forwarded-for", "203.0.113.9"), trusted=()) == Peer("10.0.0.1", "10.0.0.1", False)


@pytest.mark.parametrize(
    ("name", "value", "address"),
    [
        ("x-forwarded-for", "203.0.113.9", "203.0.113.9"),
        ("x-forwarded-for", "203.0.113.9:5123", "203.0.113.9"),
        ("x-forwarded-for", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("x-forwarded-for", "203.0.113.9, 10.1.1.1, 10.2.2.2", "203.0.113.9"),
        ("x-forwarded-for", "10.9.9.9, 10.1.1.1", "10.9.9.9"),
        ("x-forwarded-for", "2001:db8::7", "2001:db8::7"),
        ("x-forwarded-for", "[2001:db8::7]:80", "2001:db8::7"),
        ("x-forwarded-for", "garbage, 203.0.113.9", "203.0.113.9"),
        ("forwarded", "for=203.0.113.9", "203.0.113.9"),
        ("forwarded", 'For="203.0.113.9:4711"; proto=https;by=10.0.0.1', "203.0.113.9"),
        ("forwarded", 'for="[2001:db8::7]:4711"', "2001:db8::7"),
        ("forwarded", 'for="[2001:db8::7]"', "2001:db8::7"),
        ("forwarded", 'host="a,b;c";for=198.51.100.1, for=203.0.113.9;proto=http, for=10.3.3.3', "203.0.113.9"),
        ("forwarded", 'for="203\\.0.113.9"', "203.0.113.9"),
    ],
)
def test_a_listed_proxy_is_believed_from_the_right_past_listed_ones(name, value, address):
    assert told((name, value)) == Peer(address, grouped(address), True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-forwarded-for", ""),
        ("x-forwarded-for", "unknown"),
        ("x-forwarded-for", "203.0.113.9, "),
        ("x-forwarded-for", "203.0.113.9, garbage"),
        ("x-forwarded-for", "203.0.113.999"),
        ("x-forwarded-for", "203.0.113.9:port"),
        ("x-forwarded-for", ", ".join(["203.0.113.9"] * 33)),
        ("x-forwarded-for", "203.0.113.9" + " " * 5000),
        ("forwarded", "for=unknown"),
        ("forwarded", "for=_hidden"),
        ("forwarded", "for=203.0.113.9, for=_hidden"),
        ("forwarded", "for=203.0.113.9, proto=https"),
        ("forwarded", 'for="203.0.113.9'),
        ("forwarded", "for=203.0.113.9 oops"),
        ("forwarded", "203.0.113.9"),
    ],
)
def test_anything_malformed_leaves_the_connection_s_own_address(name, value):
    assert told((name, value)) == Peer("10.0.0.1", "10.0.0.1", True)


def test_repeated_fields_are_one_list():
    assert told(("x-forwarded-for", "198.51.100.1"), ("x-forwarded-for", "203.0.113.9")).address == "203.0.113.9"


def test_two_fields_that_disagree_are_not_believed_for_a_client_may_have_written_one():
    assert told(("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=198.51.100.1")).address == "10.0.0.1"
    assert told(("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=203.0.113.9")).address == "203.0.113.9"


def test_an_ipv6_proxy_is_known_by_its_network():
    assert told(("x-forwarded-for", "203.0.113.9"), client=("fd00::1", 1)).address == "203.0.113.9"
    assert told(("x-forwarded-for", "203.0.113.9"), client=("::ffff:10.0.0.1", 1)).address == "203.0.113.9"


@given(st.text(max_size=60))
def test_no_forwarding_field_can_break_the_door(text):
    for name in (b"forwarded", b"x-forwarded-for"):
        peer = peer_of(PROXY, [(name, text.encode("utf-8", "surrogatepass"))], TRUSTED)
        assert peer.trusted
        assert len(peer.address) < 64


# ── Identity ────────────────────────────────────────────────────────────────────────────────────


def asserted(*headers, trusted=True):
    return asserted_identity([(name.encode(), value.encode("latin-1")) for name, value in headers], trusted=trusted)


FULL = [
    ("x-gateway-key", "user-17"), ("x-gateway-account", "acme"), ("x-gateway-tier", "pro"), ("x-gateway-tags", "eu, beta,,eu"),
    ("x-gateway-attribute-asn", "64500"), ("x-gateway-attribute-created", "2026-01-01"), ("accept", "*/*"),
]  # fmt: skip


def test_an_identity_is_all_that_a_listed_proxy_says():
    assert asserted(*FULL) == Identity(
        key="user-17",
        account="acme",
        tier="pro",
        tags=frozenset({"eu", "beta"}),
        attributes=(("asn", "64500"), ("created", "2026-01-01")),
    )


def test_a_stranger_asserts_nothing():
    assert asserted(*FULL, trusted=False) is None


def test_nothing_said_is_no_identity():
    assert asserted(("accept", "*/*")) is None


@pytest.mark.parametrize("name", ["x-gateway-key", "x-gateway-account", "x-gateway-tags", "x-gateway-attribute-asn"])
def test_a_field_given_twice_spoils_the_whole_for_a_client_may_have_given_one(name):
    assert asserted(*FULL, (name, "other")) is None


@pytest.mark.parametrize("value", ["", " ", "a" * 257, "caf\xe9", "a\x01b"])
def test_values_that_are_empty_long_or_not_printable_are_not_taken(value):
    assert asserted(("x-gateway-account", value), ("x-gateway-tier", "pro")) == Identity(tier="pro")


def test_attributes_and_tags_are_bounded():
    many = [(f"x-gateway-attribute-a{n:02}", "1") for n in range(50)]
    identity = asserted(*many, ("x-gateway-tags", ",".join(f"t{n}" for n in range(50))), ("x-gateway-attribute-bad name", "1"))
    assert len(identity.attributes) == 32
    assert len(identity.tags) == 32


@pytest.mark.parametrize(
    ("said", "agent"),
    [(b"openai-python/2.1", "openai-python/2.1"), (b" curl/8 ", "curl/8"), (b"x" * 300, "x" * 256), (b"caf\xe9", ""), (b"a\x00b", "")],
)
def test_what_a_client_says_of_itself_is_bounded_and_printable(said, agent):
    assert agent_of([(b"host", b"h"), (b"user-agent", said)]) == agent
    assert agent_of([]) == ""
