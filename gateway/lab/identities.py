"""Who a caller is on paper: key, account, address, network, payment, age and program, drawn from one hat for honest and hostile.

Addresses are of 198.18.0.0/15 and networks of the private AS numbers, which belong to nobody. Some callers share an office's address
or a prepaid payment without knowing each other, some are known to nobody by attributes: nothing may be concluded from that alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from gateway.lab.dice import between

__all__ = ["Identity", "belongs_to", "draw_identity"]

_AGENTS = (
    "OpenAI/Python 2.14.0",
    "AsyncOpenAI/Python 2.14.0",
    "OpenAI/JS 6.4.0",
    "Anthropic/Python 0.75.0",
    "python-httpx/0.28.1",
    "aiohttp/3.14",
    "axios/1.13.2",
    "okhttp/4.12.0",
    "curl/8.9.1",
    "Go-http-client/2.0",
    "langchain/1.1",
)
_NETWORKS = tuple(f"AS{64512 + number}" for number in range(14))
_OFFICES = tuple(f"198.18.0.{number}" for number in range(1, 7))
_PREPAID = ("pm-prepaid-1", "pm-prepaid-2")
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Identity:
    """One key on paper. `created` is Unix seconds; `known`: whether the identity provider says its attributes."""

    key: str
    account: str
    peers: tuple[str, ...]
    agent: str
    asn: str
    payment: str
    created: int
    known: bool

    def attributes(self) -> dict[str, str | int]:
        """What a trace records of it."""
        return {"asn": self.asn, "payment": self.payment, "created": self.created} if self.known else {}


def draw_identity(chance: Random, begins: int) -> Identity:
    """An identity whose account is between a day and two years old when the traffic begins (Unix seconds)."""
    account = f"{chance.getrandbits(32):08x}"
    office = chance.random() < 0.1
    peers = tuple(
        f"198.{chance.choice((18, 19))}.{chance.randrange(1, 256)}.{chance.randrange(1, 255)}"
        for _ in range(chance.choice((1, 1, 1, 2, 3)))
    )
    return Identity(
        key=f"k-{chance.getrandbits(40):010x}",
        account=f"a-{account}",
        peers=(chance.choice(_OFFICES),) if office else peers,
        agent=chance.choice(_AGENTS),
        asn=chance.choice(_NETWORKS),
        payment=chance.choice(_PREPAID) if chance.random() < 0.12 else f"pm-{account}",
        created=begins - int(between(chance, 1, 730) * _DAY),
        known=chance.random() < 0.9,
    )


def belongs_to(identity: Identity, first: Identity, *, one_account: bool, chance: Random) -> Identity:
    """An identity as a member of the group of the first one: one account's keys have its payment, others share one now and then.

    Networks and programs coincide as often among honest groups as in campaigns.
    """
    if one_account:
        identity = replace(identity, account=first.account, payment=first.payment, created=first.created, known=first.known)
    elif chance.random() < 0.15:
        identity = replace(identity, payment=first.payment)
    if chance.random() < 0.3:
        identity = replace(identity, asn=first.asn, agent=first.agent)
    return identity
