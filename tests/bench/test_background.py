"""What detection costs in the background is measured by real servers, and told as a table."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.bench.background import CASES, requests, table


def test_the_servers_count_what_each_part_costs_and_all_is_weighed(root):
    command = [sys.executable, "-m", "tests.bench.background", "0.5", "60", "Redis"]
    told = json.loads(subprocess.run(command, cwd=root, capture_output=True, text=True, check=True, timeout=100).stdout)
    one = told["cases"]["Redis"]
    assert one["weigh"] > 0
    assert one["share"] > 0
    assert one["weighed"] == 30
    text = table(told)
    assert "60 requests a second" in text
    assert text.count("| Redis |") == 1


def test_the_load_is_of_many_callers_with_texts_of_their_own():
    asked = requests(300)
    assert len({body for _, body, _ in asked}) > 200  # a few ask one thing again and again, as their kind does
    assert len({headers["x-gateway-key"] for _, _, headers in asked}) > 40
    assert len(CASES) == 3
