"""A small right policy that tests change in one place, and what reading it gives."""

from __future__ import annotations

import pytest

from gateway.errors import PolicyError
from gateway.policy.load import read_text

BASE = """\
schema: gateway.policy/v1
name: small
version: "1"
callers:
  - { id: paying, match: { tag: paid }, tier: standard }
  - { id: everyone, match: {}, tier: free }
tiers:
  free:
    models: [small-*]
    limits:
      - { id: free-rpm, count: requests, rate: 20/minute, per: key }
  standard:
    models: ["*"]
    limits:
      - { id: std-rpm, count: requests, rate: 300/minute, per: key }
      - { id: std-atonce, count: concurrent, at_once: 8, per: account, lease: 15m }
"""


class Small:
    """The small policy: `small.read(old, new, more=...)` reads it with one text replaced and one added."""

    base = BASE

    @staticmethod
    def text(old="", new="", more=""):
        assert old in BASE, f"{old!r} is not in the small policy"
        return (BASE.replace(old, new, 1) if old else BASE) + more

    def read(self, old="", new="", more=""):
        return read_text(self.text(old, new, more).encode(), "small.yaml")

    def policy(self, old="", new="", more=""):
        return self.read(old, new, more).policy

    def problems(self, old="", new="", more=""):
        with pytest.raises(PolicyError) as caught:
            self.read(old, new, more)
        return [str(problem).partition(" ")[2] for problem in caught.value.problems]


@pytest.fixture
def small():
    return Small()
