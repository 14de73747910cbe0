"""Scoring: who a caller really was, held against what became of it."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from gateway.errors import TraceError
from gateway.truth import Fate, Truth, read_truths, summary
from tests.test_trace import LINE

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def trace(tmp_path):
    def written(*truths):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.jsonl"
        lines = [{**LINE, "key": key, "truth": truth} for key, truth in truths]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return path

    return written


def test_a_caller_is_who_its_first_record_says_and_hostile_where_any_does(trace):
    first = trace(("k-1", {"persona": "cover", "hostile": False}), ("k-2", None), ("k-9", {"persona": "else", "hostile": False}))
    second = trace(("k-1", {"persona": "harvest", "hostile": True, "campaign": "c"}), ("k-2", {"persona": "chat", "hostile": False}))
    assert read_truths([first, second], {"k-1", "k-2", "k-3"}) == {"k-1": Truth("cover", hostile=True), "k-2": Truth("chat")}
    assert read_truths([first, second], {"k-1"}, at_most=0) == {}


def test_a_truth_that_is_none_is_told_with_its_line(trace):
    with pytest.raises(TraceError, match=r"\.jsonl:1: not a record"):
        read_truths([trace(("k-1", "hostile"))], {"k-1"})


def test_callers_are_counted_by_side_and_persona():
    fates = {
        "k-1": Fate(watched=True, flagged_at=10),
        "k-2": Fate(watched=True, flagged_at=41),
        "k-3": Fate(watched=False, flagged_at=None),
        "k-4": Fate(watched=True, flagged_at=None),
        "k-5": Fate(watched=True, flagged_at=7),
    }
    truths = {key: Truth("harvest", hostile=True) for key in ("k-1", "k-2", "k-3")} | {"k-4": Truth("chat")}
    told = summary(fates, truths)
    assert told["hostile"] == {"callers": 3, "flagged": 2, "watched": 2, "median_requests_to_flag": 25.5}
    assert told["honest"] == {"callers": 1, "flagged": 0, "watched": 1, "median_requests_to_flag": None}
    assert told["unlabelled"] == {"callers": 1, "flagged": 1, "watched": 1, "median_requests_to_flag": 7}
    assert told["personas"] == {"chat": told["honest"], "harvest": told["hostile"]}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def test_nothing_that_decides_can_read_it():
    importers = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "gateway").rglob("*.py")
        if "lab" not in path.parts and "gateway.truth" in set(imports(path))
    }
    assert importers == {"gateway/replayreport.py", "gateway/cli/replay.py"}
