"""Tracing as the proof measures it, in small: what must be found is found, and innocents are not."""

from __future__ import annotations

import difflib

import pytest

from tests.proof.fingerprint import accused, cases, main, marked, measured, replies


@pytest.fixture(scope="module")
def pool(shared):
    return replies()


@pytest.mark.parametrize("name", ["25 replies", "half of the variants drawn anew, 100 replies", "2,000 replies, 50% clean"])
def test_what_must_be_found_is_found(name, pool):
    hits, _ = measured(name, cases(pool)[name], 3, pool)
    assert hits >= 2


def test_innocents_are_not_accused_oftener_than_stated(pool):
    from gateway.forensics.readings import read

    found = accused(read([marked(text, "other") for text in pool[:80]]), 4000, levels=(1e-1, 1e-2))
    assert found[1e-1] < 4000 * 0.1
    assert found[1e-2] < 4000 * 0.01 + 3 * (4000 * 0.01) ** 0.5


def test_few_words_change(pool):
    changed = words = 0
    for number, text in enumerate(pool[:60]):
        before, after = text.split(), marked(text, str(number)).split()
        words += len(before)
        for kind, start, end, other, other_end in difflib.SequenceMatcher(None, before, after, False).get_opcodes():
            changed += max(end - start, other_end - other) if kind != "equal" else 0
    assert 0.005 < changed / words < 0.035


@pytest.mark.proof
@pytest.mark.timeout(3600)
def test_every_case_with_intervals(capsys, pool):
    main()
    assert "25 replies" in capsys.readouterr().out
