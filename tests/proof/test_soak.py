"""Many requests over many keys: what is remembered is bounded, by what was lately active, and gone when its windows are."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

PROOF = [pytest.mark.proof, pytest.mark.timeout(1800)]
SIZES = [(6_000, 1_500), pytest.param(200_000, 50_000, marks=PROOF)]


def soaked(root, *words):
    """What a process of its own measured."""
    command = [sys.executable, "-m", "tests.proof.soaking", *map(str, words)]
    told = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True, timeout=1700)
    print(told.stdout.strip())
    return json.loads(told.stdout)


@pytest.mark.parametrize(("number", "keys"), SIZES)
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_an_embedded_store_remembers_what_was_lately_active_and_no_more(root, kind, number, keys):
    told = soaked(root, kind, number, keys)
    assert told["counters"] <= 3 * keys
    assert told["tombstones"] <= min(number, 65_536)
    assert told["open"] <= number // 50 + 1
    assert told["left"]["counters"] <= 3 * 997
    assert told["bytes_per_key"] < 6_000 + 65_536 * 400 / keys
    if kind == "sqlite":
        assert told["left"]["rows"] <= 2 * 997 + 10


@pytest.mark.parametrize(("number", "keys"), SIZES)
def test_redis_forgets_by_itself(root, redis_url, number, keys):
    told = soaked(root, "redis", number, keys, redis_url)
    assert told["left"]["counters"] <= (told["left"]["counters"] + told["left"]["tombstones"]) // 8
    assert told["left"]["tombstones"] <= number
    assert told["bytes_per_key"] < 1_500
    assert told["bytes_per_tombstone"] < 300
