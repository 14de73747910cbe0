"""The pictures of docs/limits.md show what the code does today: each bears the digest of the numbers it was drawn from."""

from __future__ import annotations

import re

import pytest

from tests.proof.runs import RUNS, digest


@pytest.mark.parametrize("name", RUNS)
def test_a_picture_is_drawn_from_what_the_code_does_now(root, name):
    picture = (root / "docs" / "img" / f"{name}.svg").read_text()
    (drawn,) = re.findall(r"drawn from ([0-9a-f]+)", picture)
    assert drawn == digest(RUNS[name]()), "the code does something else: run `make docs`, and read docs/limits.md again"
    assert len(picture) < 60_000


def test_there_is_no_picture_of_nothing(root):
    assert {path.stem for path in (root / "docs" / "img").glob("*.svg")} == set(RUNS)


def test_each_picture_is_shown(root):
    shown = set(re.findall(r"\(img/(\w+)\.svg\)", (root / "docs" / "limits.md").read_text()))
    assert shown == set(RUNS)


def test_in_the_runs_no_limit_was_ever_exceeded_but_by_debt():
    for name in ("sliding", "calendar", "lifetime", "slots"):
        told = RUNS[name]()
        assert max(used for _, used in told["used"]) <= told["limit"], name
        assert {held for _, held in told["asked"]} == {True, False}, f"{name} shows only one side"
