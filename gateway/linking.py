"""Looks for campaigns while the gateway serves: a step now and then between requests, never more than a slice at once.

When to look is a matter of what it costs. The last look-through's CPU is spread over the requests since, at so much each; where few
come, over the time since. So a small deployment looks every second and one with tens of thousands of accounts every few minutes.
Of several processes on one state one links, with the looks of all: see `gateway.sharing`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import msgspec

from gateway.model.look import Look
from gateway.model.policy import Policy
from gateway.risk.campaigns import Campaigns, linkage_of
from gateway.risk.links import Campaign, Links
from gateway.risk.steps import Steps

__all__ = ["MOST_ACCOUNTS", "Linking", "links_live", "pack", "unpack"]

MOST_ACCOUNTS = 8_192
"""Accounts that a serving process links at the most, and what each takes with its part of the shared wordings."""
_ACCOUNT_BYTES = 2_048

_MOST_SHARED = 4_096
_MOST_USERS = 128
_TABLE_BITS = 17
_MOST_FAR = 4_096
_A_REQUEST_S = 20e-6
"""CPU of looking through, for each request since the last time."""
_A_SECOND_S = 0.02
"""And for each second since, where few requests come."""
_FEWEST = 64

_FIELDS = tuple([name for name in Look.__struct_fields__ if name not in {"attributes", "model", "peer"}])
_VALUES = attrgetter(*_FIELDS)
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(list[Any])
_TOLD = frozenset({"agent", "asn", "payment"})


def links_live(memory: int) -> Links:
    """Links within so many bytes: as many accounts as they hold, at two kilobytes each, up to `MOST_ACCOUNTS`."""
    return Links(max(256, min(MOST_ACCOUNTS, memory // _ACCOUNT_BYTES)), _MOST_USERS, _MOST_SHARED, bits=_TABLE_BITS)


def pack(look: Look) -> bytes:
    """What linkage needs of a look, as another process can read it: some 450 bytes. All but whose it is beyond its account: the signals
    that watch what is pooled read any of it."""
    attributes = tuple([(name, value[:256]) for name, value in look.attributes if name in _TOLD])
    return _ENCODER.encode((*_VALUES(look), attributes))


def unpack(packed: bytes) -> Look:
    """The look that `pack` made it of, as far as linkage reads it. ValueError where it is none, or of a version with other fields."""
    *values, attributes = _DECODER.decode(packed)
    return msgspec.convert({**dict(zip(_FIELDS, values, strict=True)), "attributes": attributes}, Look)


class Linking:
    """Feeds the links and looks them through. `leads`: this process is the one that does. `cpu` in seconds, `now` too."""

    def __init__(
        self, campaigns: Campaigns, *, cpu: Callable[[], float] = time.thread_time, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.campaigns = campaigns
        self.leads = True
        self.found: list[Campaign] | None = None
        """What the last look-through found, until somebody has taken and settled it."""
        self.policy: Policy | None = None
        self.rule = ""
        self.now_us = 0
        self._cpu, self._now = cpu, now
        self._far: deque[bytes] = deque(maxlen=_MOST_FAR)
        self._steps: Steps[list[Campaign]] | None = None
        self._fed = 0
        self._cost = 0.0
        self._spent = 0.0
        self._last = now()

    def see(self, policy: Policy, rule: str, look: Look) -> None:
        """One request of this process."""
        self.policy, self.rule = policy, rule
        self.now_us = max(self.now_us, look.at_us)
        if self.leads and linkage_of(policy) != "off":
            self._feed(look)

    def hear(self, packed: list[bytes]) -> None:
        """Looks of other processes; of more than wait here the oldest are lost."""
        self._far.extend(packed)

    @property
    def busy(self) -> bool:
        """Whether there is anything to do now."""
        return bool(self._far) or self._steps is not None or self._due()

    def work(self, budget_s: float) -> float:
        """Go on until the budget is spent or there is nothing to do; seconds of CPU that it took."""
        began = self._cpu()
        while (spent := self._cpu() - began) < budget_s:
            if self._far:
                self._hear(self._far.popleft())
            elif self._steps is not None or self._due():
                self._look_on()
            else:
                break
        self._spent += spent if self._steps is not None or self.found is not None else 0.0
        return spent

    def _look_on(self) -> None:
        if self._steps is None:
            self._steps, self._spent, self._fed, self._last = self.campaigns.links.looking(), 0.0, 0, self._now()
        try:
            next(self._steps)
        except StopIteration as end:
            self._steps, self.found = None, end.value
            self._cost = self._spent
        except BaseException:
            self._steps = None
            raise

    def _due(self) -> bool:
        if not self.leads or self.found is not None or not self._fed:
            return False
        if self._fed >= _FEWEST and self._fed * _A_REQUEST_S >= self._cost:
            return True
        waited = self._now() - self._last
        return waited >= 1.0 and waited * _A_SECOND_S >= self._cost

    def _hear(self, packed: bytes) -> None:
        try:
            look = unpack(packed)
        except ValueError:
            return  # of another version
        self.now_us = max(self.now_us, look.at_us)
        self._feed(look)

    def _feed(self, look: Look) -> None:
        self.campaigns.links.feed(look)
        self._fed += 1
