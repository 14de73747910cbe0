"""The comparison with `limits` runs, on a real Redis, and is told as a table of ratios."""

from __future__ import annotations

import json
import subprocess
import sys
from urllib.parse import urlsplit

from tests.bench.limiter import table


def test_both_limiters_do_their_work_and_are_told_side_by_side(root, redis_url):
    command = [sys.executable, "-m", "tests.bench.limiter", "0.01", str(urlsplit(redis_url).port)]
    told = json.loads(subprocess.run(command, cwd=root, capture_output=True, text=True, check=True, timeout=100).stdout)
    assert len(told["cpu_us"]) == 12
    assert all(cpu > 0 and rate > 0 for cpu, rate in told["cpu_us"].values())
    assert 0 < told["p50_us"] <= told["p99_us"]
    text = table(told)
    assert text.count(" x)") == 8
    assert "at half of saturation" in text
