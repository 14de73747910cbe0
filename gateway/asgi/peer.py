"""Who is on the line: the peer's address, and what an outer proxy asserts about the caller; both believed only from listed networks.

`Forwarded` (RFC 7239) and `X-Forwarded-For` are walked from the right: the last hop that no listed network holds is the peer.
Where both are sent and disagree, a client may have written one of them, so that the connection's own address counts; so it does
where anything is malformed.

An outer proxy that has authenticated the caller says so in these fields, each at most once, and strips them from what clients send:

    x-gateway-key               stable id of the caller; makes it known without a credential
    x-gateway-account           account it belongs to
    x-gateway-tier              tier id of the policy
    x-gateway-tags              words separated by commas
    x-gateway-attribute-NAME    anything rules or signals may look at: asn, payment (a fingerprint), created, ...
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from msgspec import Struct

from gateway.model.policy import Network
from gateway.ports import Headers

__all__ = ["Identity", "Peer", "agent_of", "asserted_identity", "grouped", "peer_of"]

_MOST_HOPS = 32
_LONGEST_CHAIN = 4096
_LONGEST_VALUE = 256
_MOST_TAGS = 32
_MOST_ATTRIBUTES = 32

_OWN = b"x-gateway-"
_ATTRIBUTE = b"x-gateway-attribute-"
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_NODE = re.compile(r"\[(?P<six>[0-9a-fA-F:.]+)\](?::[0-9]{1,5})?|(?P<four>[0-9.]+)(?::[0-9]{1,5})?|(?P<bare>[0-9a-fA-F:.]+)")
_PAIR = re.compile(r'\s*([A-Za-z-]+)=("(?:[^"\\]|\\.)*"|[^\s";,]+)\s*([;,]|$)')

Address = IPv4Address | IPv6Address


class Peer(Struct, frozen=True):
    """`address` as text, IPv4 in IPv6 unwrapped ("" where the server does not tell, as on a Unix socket). `grouped` is what counts
    per peer: an IPv6 address stands for its /64 by that network's first address. `trusted`: the connection itself comes from a
    listed network.
    """

    address: str
    grouped: str
    trusted: bool


class Identity(Struct, frozen=True):
    """What an outer proxy asserts. `attributes` are (name, value), sorted by name."""

    key: str | None = None
    account: str | None = None
    tier: str | None = None
    tags: frozenset[str] = frozenset()
    attributes: tuple[tuple[str, str], ...] = ()


def peer_of(client: Sequence[Any] | None, headers: Headers, trusted_networks: Sequence[Network]) -> Peer:
    """The peer of a request. `client` is the scope's (host, port), or None."""
    host = str(client[0]) if client else ""
    if not trusted_networks:
        return Peer(*_told(host), False)
    socket = _address(host)
    if socket is None or not _within(socket, trusted_networks):
        return Peer(*_told(host), False)
    claimed = _claimed(headers, trusted_networks)
    return Peer(*_told(str(claimed) if claimed is not None else host), True)


def asserted_identity(headers: Headers, *, trusted: bool) -> Identity | None:
    """What the outer proxy says of the caller; None where it says nothing, isn't trusted, or says one thing twice (then a client
    may have said it first). Only values of 1 to 256 printable ASCII characters are taken, at most 32 tags and 32 attributes."""
    if not trusted:
        return None
    said: dict[bytes, str] = {}
    for name, raw in headers:
        if name.startswith(_OWN):
            if name in said:
                return None
            value = raw.strip(b" \t").decode("latin-1")
            if 0 < len(value) <= _LONGEST_VALUE and value.isascii() and value.isprintable():
                said[name] = value
    identity = Identity(
        key=said.get(b"x-gateway-key"),
        account=said.get(b"x-gateway-account"),
        tier=said.get(b"x-gateway-tier"),
        tags=_tags(said.get(b"x-gateway-tags", "")),
        attributes=_attributes(said),
    )
    return identity if identity != Identity() else None


@lru_cache(maxsize=8192)
def grouped(address: str) -> str:
    """What an address counts under: IPv4 itself, IPv6 the first address of its /64 (loopback itself), any other name itself."""
    parsed = _address(address)
    if parsed is None:
        return address[:_LONGEST_VALUE]
    if isinstance(parsed, IPv4Address) or parsed.is_loopback:
        return str(parsed)
    return str(IPv6Address(int(parsed) >> 64 << 64))


@lru_cache(maxsize=8192)
def _told(host: str) -> tuple[str, str]:
    parsed = _address(host)
    return (str(parsed) if parsed is not None else host), grouped(host)


def _address(text: str) -> Address | None:
    """An address without zone, IPv4 in IPv6 unwrapped."""
    try:
        parsed = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _claimed(headers: Headers, trusted: Sequence[Network]) -> Address | None:
    """The peer that the forwarding fields tell; None where they tell none, or not one."""
    chains = [
        chain
        for chain in (_chain(headers, b"forwarded", _forwarded_hops), _chain(headers, b"x-forwarded-for", _listed_hops))
        if chain is not None
    ]
    told = {_walk(chain, trusted) for chain in chains}
    return told.pop() if len(told) == 1 else None


def _chain(headers: Headers, name: bytes, hops: Any) -> list[str] | None:
    values = [value.decode("latin-1") for field, value in headers if field == name]
    if not values:
        return None
    joined = ",".join(values)
    nodes: list[str] = hops(joined) if len(joined) <= _LONGEST_CHAIN else []
    return nodes if len(nodes) <= _MOST_HOPS else []


def _listed_hops(value: str) -> list[str]:
    return [part.strip() for part in value.split(",")]


def _forwarded_hops(value: str) -> list[str]:
    """The `for` of each element of a Forwarded field, "" where an element has none; nothing where it can't be read to its end."""
    nodes: list[str] = []
    node, at = "", 0
    while at < len(value):
        pair = _PAIR.match(value, at)
        if pair is None:
            return []
        if pair[1].lower() == "for":
            node = re.sub(r"\\(.)", r"\1", pair[2][1:-1]) if pair[2].startswith('"') else pair[2]
        if pair[3] != ";":
            nodes.append(node)
            node = ""
        at = pair.end()
    return nodes


def _walk(nodes: list[str], trusted: Sequence[Network]) -> Address | None:
    """From the nearest hop outwards to the first that no listed network holds, or the farthest of all; None at anything malformed."""
    address: Address | None = None
    for node in reversed(nodes):
        match = _NODE.fullmatch(node)
        address = _address(match["six"] or match["four"] or match["bare"]) if match is not None else None
        if address is None or not _within(address, trusted):
            return address
    return address


def _tags(value: str) -> frozenset[str]:
    words = [word.strip() for word in value.split(",")]
    return frozenset([word for word in words if word][:_MOST_TAGS])


def agent_of(headers: Headers) -> str:
    """The client's own `user-agent`, at most 256 printable ASCII characters of it. A caller may say what it likes there: it is no
    attribute that a policy could match, and is compared with others' off the road."""
    said = next((value for name, value in headers if name == b"user-agent"), b"")
    agent = said[:_LONGEST_VALUE].decode("ascii", "replace").strip()
    return agent if agent.isascii() and agent.isprintable() else ""


def _attributes(said: dict[bytes, str]) -> tuple[tuple[str, str], ...]:
    named = [(name[len(_ATTRIBUTE) :].decode("latin-1"), value) for name, value in said.items() if name.startswith(_ATTRIBUTE)]
    return tuple(sorted([pair for pair in named if _NAME.fullmatch(pair[0])][:_MOST_ATTRIBUTES]))
