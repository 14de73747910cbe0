"""How an upstream feels: what each finished request says of it, and how slow it is now against how fast it can be.

Two times are looked at, neither of them a request's whole duration, which is mostly how much was asked for: the time to the first
token (a queue before the model shows here first), and the time per output token (a batch that is too large shows here). They are
gathered in windows; a window's lower quartile stands for it, so that long prompts among short ones do not look like a queue.

What the upstream can do is the least that a window showed (Netflix's concurrency-limits call it the no-load rtt). It drifts up
slowly, so that a model that has become slower for good is not a queue for ever; who measures anew replaces it (`renewed`).

Times differ by nature, the more the fewer were seen. So a window only counts as slow beyond its standard error: for the lower quartile
q of n values, lognormal with median m, that is 2 ln(m/q) / sqrt(n) in logarithms, and 1.4 times that for a ratio of two.
"""

from __future__ import annotations

from math import exp, log, sqrt
from typing import Literal, NamedTuple

__all__ = ["DRIFT", "LONGEST_WINDOW", "NO_PULSE", "SETTLING", "WINDOW_SAMPLES", "WINDOW_US", "Kind", "Pulse", "Sample", "slower"]

WINDOW_SAMPLES = 32
"""Least samples in a window, and at least as many as were under way: fewer say too little."""

WINDOW_US = 250_000
"""A window is at least this long, so that it holds more than one burst."""

LONGEST_WINDOW = 128
"""Most samples that a window keeps; it ends with them, however short it was."""

DRIFT = 0.002
"""How much of the way to the present the least moves up, each window."""

SETTLING = 0.3
"""How much of the way to a lesser window it moves down: one lucky window is not what the upstream can do."""

Kind = Literal["success", "ignored", "dropped"]
"""`dropped`: the upstream had no room for it (429, 503, 529, a timeout). `ignored`: its end says nothing of the upstream."""


class Sample(NamedTuple):
    """What one finished request says. Times in microseconds on any clock that does not step. (A tuple, as `Pulse` is, for every
    request makes one of both.)

    `start` when it was sent, `rtt` to its first token (None: not seen apart from the rest), `per_token` between tokens after that
    (None: too few), `inflight` how many were under way when it was sent, itself included.
    """

    start: int
    rtt: int | None
    inflight: int
    kind: Kind = "success"
    per_token: int | None = None

    @property
    def dropped(self) -> bool:
        return self.kind == "dropped"


class Pulse(NamedTuple):
    """Windows of samples. `slow`: the window just ended against the least so far, 1.0 where it is no slower; 0.0 while a window
    is open. `busy`: the most that were under way in it. `rtt`, `per_token`: what stands for the last window, 0 where unknown."""

    rtts: tuple[int, ...] = ()
    per_tokens: tuple[int, ...] = ()
    since: int = 0
    seen: int = 0
    busy: int = 0
    rtt: float = 0.0
    per_token: float = 0.0
    least_rtt: float = 0.0
    least_per_token: float = 0.0
    slow: float = 0.0
    doubt: float = 1.0
    """By how much two such windows may differ without meaning anything: a factor."""

    def add(self, sample: Sample, now: int) -> Pulse:
        """The pulse with one more success. Where that ends a window, `slow` is told, and the next sample opens a new one."""
        fresh = self.slow > 0.0 or not self.seen
        rtts = () if fresh else self.rtts
        per_tokens = () if fresh else self.per_tokens
        one = Pulse(
            rtts if sample.rtt is None else (*rtts, sample.rtt),
            per_tokens if sample.per_token is None else (*per_tokens, sample.per_token),
            now if fresh else self.since,
            1 if fresh else self.seen + 1,
            sample.inflight if fresh else max(self.busy, sample.inflight),
            self.rtt,
            self.per_token,
            self.least_rtt,
            self.least_per_token,
        )
        full = one.seen >= max(WINDOW_SAMPLES, one.busy) and now - one.since >= WINDOW_US
        return one._ended() if full or one.seen >= LONGEST_WINDOW else one

    def renewed(self) -> Pulse:
        """The last window was measured while the upstream had room: it is the least from now on."""
        return self._replace(least_rtt=self.rtt or self.least_rtt, least_per_token=self.per_token or self.least_per_token)

    def _ended(self) -> Pulse:
        rtt, rtt_doubt = _quartile(self.rtts)
        per_token, per_token_doubt = _quartile(self.per_tokens)
        return self._replace(
            rtt=rtt,
            per_token=per_token,
            doubt=max(rtt_doubt, per_token_doubt),
            slow=max(slower(rtt, self.least_rtt, rtt_doubt), slower(per_token, self.least_per_token, per_token_doubt)),
            least_rtt=_least(rtt, self.least_rtt),
            least_per_token=_least(per_token, self.least_per_token),
        )


def _quartile(values: tuple[int, ...]) -> tuple[float, float]:
    """(lower quartile, its doubt); (0.0, 1.0) where the values are too few to say."""
    count = len(values)
    if count < WINDOW_SAMPLES // 2:
        return 0.0, 1.0
    ranked = sorted(values)
    quartile = max(float(ranked[count // 4]), 1.0)
    return quartile, exp(2.8 * log(max(ranked[count // 2] / quartile, 1.0)) / sqrt(count))


def slower(now: float, least: float, doubt: float) -> float:
    """How many times the least it is now, at least 1.0, and 1.0 where one of them is not known."""
    return max(1.0, now / least / doubt) if now and least else 1.0


def _least(now: float, least: float) -> float:
    if not now:
        return least
    if not least:
        return now
    return least + (SETTLING if now < least else DRIFT) * (now - least)


NO_PULSE = Pulse()
