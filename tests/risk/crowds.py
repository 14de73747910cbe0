"""Traffic for the tests of linkage: people, apps and campaigns with wordings and corpora of their own, as looks."""

from __future__ import annotations

import random

from gateway.signals.look import look_of

DAY = 86_400_000_000
NOW = 1_790_000_000_000_000

_THINGS = (
    "harbour", "lantern", "compass", "orchard", "violin", "glacier", "pepper", "saddle", "thimble", "quarry", "meadow",
    "furnace", "anchor", "pigeon", "walnut", "canyon", "ribbon", "kettle", "marble", "turbine", "beaver", "cottage",
    "plaster", "magnet", "sparrow", "carpet", "dolphin", "biscuit", "temple", "gravel",
)  # fmt: skip
_DOES = (
    "measures", "repairs", "paints", "follows", "weighs", "borrows", "counts", "carries", "polishes", "trades", "hides",
    "ships", "sorts", "stacks", "guards",
)  # fmt: skip
_AGENTS = ("OpenAI/Python 2", "httpx/1", "Go-http-client/2.0", "okhttp/5", "axios/2")
_CHAT = (
    "how do I {a} when the {b} {d} the {c} near the {e}", "tell me about {a} and {b}, does one of them {d} a {c} and a {e}",
    "my {a} never {d} the {b} since I moved the {c} to the {e}", "a poem on the {a} that {d} a {b}, a {c} and one small {e}",
    "why would the {c} of {b} matter if {a} {d} {e} every day", "{a} or {b}? the one that {d} the {c} by the {e} is cheaper",
)  # fmt: skip


def said(rnd, topics=_THINGS, shape="A {a} {d} {n} units of {b} behind the {c} and then {e} twice. What remains?"):
    a, b, c, e = (rnd.choice(topics) + rnd.choice("abcdefghij") + rnd.choice("klmnop") for _ in range(4))
    return shape.format(a=a, b=b, c=c, d=rnd.choice(_DOES), e=e, n=rnd.randrange(2, 999))


def sends(rnd, account, texts, *, start, last, key=None, system="", agent=None, payment="", asn=""):
    """One account's requests, evenly between its start and its end."""
    known = {"agent": agent or rnd.choice(_AGENTS), "payment": payment, "asn": asn}
    attributes = tuple(sorted((name, value) for name, value in known.items() if value))
    step = (last - start) // max(1, len(texts))
    for at, text in enumerate(texts):
        turns = [{"role": "system", "content": system}] if system else []
        document = {"model": "m", "messages": [*turns, {"role": "user", "content": text}]}
        yield look_of(
            "openai.chat", document, at_us=start + at * step, key_id=key or f"k-{account}", account=account, attributes=attributes
        )


def people(rnd, count, requests=12):
    """Ordinary callers, each with its own payment, over two weeks."""
    for at in range(count):
        start = NOW + rnd.randrange(10 * DAY)
        texts = [said(rnd, shape=rnd.choice(_CHAT)) for _ in range(requests)]
        yield from sends(
            rnd, f"person-{at}", texts, start=start, last=start + rnd.randrange(DAY, 4 * DAY), payment=f"pm-{at}", asn=f"AS{at % 9}"
        )


def campaign(rnd, count, wrapper, *, requests=20, hostile=1.0, pay=3, name="drone", start=None):
    """Keys that walk one corpus with one wrapper, `hostile` of their requests, the others as people's; `pay` accounts on one payment,
    0 for no attributes at all. `start`: all begin within the hour after it, or whenever."""
    for at in range(count):
        begin = NOW + rnd.randrange(10 * DAY) if start is None else start + rnd.randrange(DAY // 24)
        texts = [f"{wrapper} {said(rnd)}" if rnd.random() < hostile else said(rnd, shape=rnd.choice(_CHAT)) for _ in range(requests)]
        paid = {"payment": f"pm-{name}-{at // pay}", "asn": f"AS{at % 9}"} if pay else {}
        yield from sends(rnd, f"{name}-{at}", texts, start=begin, last=begin + 2 * DAY, **paid)


def fed(links, *streams):
    """Everything in the order of time."""
    for look in sorted((look for stream in streams for look in stream), key=lambda look: look.at_us):
        links.feed(look)
    return links


def dice(seed=7):
    return random.Random(seed)
