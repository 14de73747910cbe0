"""Whether accounts that share a wording belong together, weighed by what else they have in common, each part in decibans.

Sharing a wrapper proves little: shops on one vendor's app, students with one phrase, users of one benchmark do. So it only opens the
question, and what else is rare in common answers it. Each test compares the group with everybody (`Crowd`) and gives the chance p that
as much would be seen of strangers; p becomes decibans by the largest Bayes factor it can stand for, 1 / (-e p ln p) (Sellke, Bayarri
and Berger 2001), less than 1/p always. An attribute that is absent says nothing. Every test is capped, so that none alone makes a
campaign but payments that are shared, and the small ones do not do it together either.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import e, exp, fsum, lgamma, log, log10, sqrt
from statistics import median

from gateway.risk.steps import Steps, counted, finish, in_order
from gateway.risk.wrappers import Account

__all__ = ["Crowd", "Link", "decibans", "weigh_together"]

WORDING = 6.0
"""A quarter of honest accounts that send in bulk share some wrapper with two others: 10 log10(1 / 0.25)."""
_CAPS = {"payment": 20.0, "network": 4.0, "start": 8.0, "stop": 8.0, "rotation": 8.0}
_ONE_APP = -6.0
_OWN_TOPICS = -8.0
_ONE_SOURCE = 2.0
_ONE_PAYER = 0.8
_EVEN = 1.0
_GROUPS = 100
"""Groups that are weighed against one crowd, at least; of a large crowd a tenth. Among so many some begin together by chance, so that
chance counts so much more."""


@dataclass(frozen=True, slots=True)
class Link:
    """One thing a group has in common: `weight` in decibans, negative where it speaks for unrelated accounts; `seen` with numbers."""

    name: str
    weight: float
    seen: str


class Crowd:
    """Everybody, to compare with: how often each payment and network is met, and when accounts begin and end, sorted."""

    def __init__(self, accounts: Sequence[Account]) -> None:
        self.payments: Counter[str]
        self.networks: Counter[str]
        self.starts: list[int]
        self.stops: list[int]
        finish(self._met(accounts))

    @classmethod
    def met(cls, accounts: Sequence[Account]) -> Steps[Crowd]:
        """The same in steps."""
        crowd = cls.__new__(cls)
        yield from crowd._met(accounts)
        return crowd

    def _met(self, accounts: Sequence[Account]) -> Steps[None]:
        self.payments = yield from counted(account.payment for account in accounts)
        self.networks = yield from counted(account.asn for account in accounts)
        self.starts = yield from in_order([account.first_us for account in accounts])
        self.stops = yield from in_order([account.last_us for account in accounts])


def decibans(chance: float) -> float:
    """The evidence that a chance of so much or more under no relation stands for at most; 0.0 from 1/e on."""
    chance = max(chance, 1e-12)
    return 0.0 if chance >= 1 / e else -10 * log10(-e * chance * log(chance))


def weigh_together(group: Sequence[Account], crowd: Crowd) -> list[Link]:
    """All that speaks for and against the group's accounts moving together, the wording they share first."""
    wrapped = sum(account.wrapped for account in group)
    links = [Link("template", WORDING, f"{len(group)} accounts send one rare wrapper around {wrapped} different contents")]
    found = (
        _payment(group, crowd), _network(group, crowd), _hours(group, crowd), _rotation(group, crowd), _app(group), *_topics(group),
    )  # fmt: skip
    return [*links, *(link for link in found if link is not None and abs(link.weight) >= 0.5)]


# ── Shared attributes, by how rare they are ─────────────────────────────────────────────────────


def _payment(group: Sequence[Account], crowd: Crowd) -> Link | None:
    """More accounts on a payment that another of them has than strangers would have."""
    known = Counter(account.payment for account in group if account.payment)
    count, total = known.total(), crowd.payments.total()
    again = count - len(known)
    if again == 0 or total < 2:
        return None
    if len(known) == 1 or max(known.values()) >= _ONE_PAYER * count:
        return Link("payment", 3.0, f"{max(known.values())} of {count} accounts have one payer, as departments of one customer do")
    # What the group itself adds to the crowd is left out, but for one each: it cannot make its own sharing look usual.
    others = crowd.payments - known
    pool = others.total() + len(known)
    meet = fsum((seen / pool) ** 2 for seen in others.values()) + len(known) / pool**2
    expected = count * (count - 1) / 2 * meet
    weight = min(_CAPS["payment"], decibans(_poisson_tail(again, expected)))
    sharing = again + len([payment for payment, n in known.items() if n > 1])
    return Link("payment", weight, f"{sharing} of {count} accounts share a payment with another of them, {expected:.1f} pairs expected")


def _network(group: Sequence[Account], crowd: Crowd) -> Link | None:
    """More accounts on one network than its share of the crowd. A popular network weighs little."""
    known = Counter(account.asn for account in group if account.asn)
    total = crowd.networks.total()
    if not known or total <= known.total():
        return None
    name, most = max(known.items(), key=lambda item: item[1])
    share = (crowd.networks[name] - most + 1) / (total - known.total() + 1)
    chance = min(1.0, len(crowd.networks) * _binomial_tail(most, known.total(), min(1.0, share)))
    return Link(
        "network",
        min(_CAPS["network"], decibans(chance)),
        f"{most} of {known.total()} accounts on {name}, which {share:.0%} of all use",
    )


# ── When they move ──────────────────────────────────────────────────────────────────────────────


def _hours(group: Sequence[Account], crowd: Crowd) -> Link:
    """Starts, or stops, that lie closer together than everybody's: the rarer of the two, for short lives have both from one cause."""
    starts = _tightest([account.first_us for account in group], crowd.starts)
    stops = _tightest([account.last_us for account in group], crowd.stops)
    first, last = _hour("start", "began", len(group), *starts), _hour("stop", "ended", len(group), *stops)
    return first if first.weight >= last.weight else last


def _hour(name: str, verb: str, size: int, chance: float, near: int, hours: float, share: float) -> Link:
    seen = f"{near} of {size} {verb} within {hours:.1f} hours, as {share:.0%} of all did"
    return Link(name, min(_CAPS[name], decibans(chance)), seen)


def _tightest(times: list[int], everybody: list[int]) -> tuple[float, int, float, float]:
    """The chance that so many fall into the shortest span with two thirds of them, for any of the places it could have lain."""
    times.sort()
    near = max(3, -(-2 * len(times) // 3))
    if len(times) < near or len(everybody) <= 2 * len(times):
        return 1.0, 0, 0.0, 0.0
    first = min(range(len(times) - near + 1), key=lambda at: times[at + near - 1] - times[at])
    low, high = times[first], times[first + near - 1]
    share = (_between(everybody, low, high) - near + 1) / (len(everybody) - len(times) + 1)
    # The span lies at one of them: any may be the first, and the others have to follow by chance.
    chance = min(1.0, _groups(everybody) * len(times) * _binomial_tail(near - 1, len(times) - 1, min(1.0, max(share, 1e-9))))
    return chance, near, (high - low) / 3.6e9, share


def _rotation(group: Sequence[Account], crowd: Crowd) -> Link | None:
    """One begins as another ends, more often than as many of the crowd's starts make likely."""
    lives = sorted(account.last_us - account.first_us for account in group)
    reach = max(60_000_000, lives[len(lives) // 2] // 10)
    starts = sorted(account.first_us for account in group)
    strangers = max(1, len(crowd.starts) - len(group))
    follows, expected = 0, 0.0
    for account in group:
        low, high = account.last_us - reach // 4, account.last_us + reach
        own = _between(starts, low, high) - (low <= account.first_us <= high)
        follows += own > 0
        expected += min(1.0, len(group) * (_between(crowd.starts, low, high) - own) / strangers)
    if follows < 3:
        return None
    weight = min(_CAPS["rotation"], decibans(_groups(crowd.starts) * _poisson_tail(follows, max(expected, 0.05))))
    return Link("rotation", weight, f"{follows} times one account began as another ended, {expected:.1f} expected")


def _groups(everybody: Sequence[int]) -> int:
    return max(_GROUPS, len(everybody) // 10)


def _between(times: list[int], low: int, high: int) -> int:
    return bisect_right(times, high) - bisect_left(times, low)


# ── What speaks for strangers ───────────────────────────────────────────────────────────────────


def _app(group: Sequence[Account]) -> Link | None:
    """One client and one system prompt with something to say: shops on one vendor's app, users of one framework."""
    agents = Counter(account.agent for account in group if account.agent)
    systems = Counter(account.system for account in group)
    one_agent = len(agents) == 1 and agents.total() == len(group)
    one_system = max(systems.values()) == len(group) and group[0].system != 0
    if one_system and (one_agent or not agents):
        return Link("one app", _ONE_APP, f"all {len(group)} accounts have one client and one system prompt, as shops on one app have")
    return None


def _topics(group: Sequence[Account]) -> list[Link | None]:
    """Slices of one corpus are alike; customers of their own come back to their own things and divide nothing evenly."""
    rows = [row for row in (_contents(account) for account in group) if row[1] >= 12][:64]
    if len(rows) < 3:
        return []
    within = median(sum(n * (n - 1) for n in row.values()) / (told * (told - 1)) for row, told in rows)
    together: Counter[int] = Counter()
    for row, _ in rows:
        together.update(row)
    size = sum(told for _, told in rows)
    shared = sum(n * n for n in together.values()) - sum(n * n for row, _ in rows for n in row.values())
    between = shared / (size * size - sum(told * told for _, told in rows))
    ratio = (within + 1e-4) / (between + 1e-4)
    if ratio >= 4:
        return [Link("own topics", _OWN_TOPICS, f"contents are {ratio:.0f} times more alike within an account than between them")]
    if ratio <= 2:
        seen = f"contents are as alike between accounts as within one ({ratio:.1f} times), like slices of one source"
        return [Link("one source", _ONE_SOURCE, seen), _evenly(group)]
    return []


def _contents(account: Account) -> tuple[Counter[int], int]:
    """Topics of the wrapped requests and how many there were, without the wrapper's own words, which are in a third of them or more."""
    often = max(3, account.wrapped // 3)
    topics = account.topics or {}
    kept = Counter({topic: n for topic, n in topics.items() if n < often})
    return kept, account.told - sum(topics.values()) + kept.total()


def _evenly(group: Sequence[Account]) -> Link | None:
    counts = [account.wrapped for account in group]
    mean = sum(counts) / len(counts)
    spread = sqrt(sum((count - mean) ** 2 for count in counts) / len(counts)) / max(mean, 1.0)
    return Link("even", _EVEN, f"{mean:.0f} requests each, give or take {spread:.0%}") if spread <= 0.35 and len(group) >= 5 else None


# ── Chances ─────────────────────────────────────────────────────────────────────────────────────


def _poisson_tail(least: int, mean: float) -> float:
    """P(X >= least), X Poisson."""
    if mean <= 0:
        return 0.0 if least > 0 else 1.0
    if least <= mean:
        return 1.0
    # From the top down, so that small tails keep their digits.
    return min(1.0, fsum(exp(-mean + k * log(mean) - lgamma(k + 1)) for k in range(least, least + 200)))


def _binomial_tail(least: int, size: int, share: float) -> float:
    """P(X >= least), X of `size` draws with probability `share`."""
    if least <= 0 or share >= 1:
        return 1.0
    if share <= 0:
        return 0.0
    terms = (
        exp(lgamma(size + 1) - lgamma(k + 1) - lgamma(size - k + 1) + k * log(share) + (size - k) * log(1 - share))
        for k in range(least, size + 1)
    )
    return min(1.0, fsum(terms))
