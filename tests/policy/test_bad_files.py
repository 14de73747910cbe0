"""One file per mistake under `bad/`: its first lines say exactly which problems are found, with place, bad value and nearest word."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import PolicyError
from gateway.policy.load import load

BAD = sorted((Path(__file__).parent / "bad").glob("*.yaml"))


def expected(text):
    return [line.removeprefix("# expect: ") for line in text.splitlines() if line.startswith("# expect: ")]


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_the_mistake_is_told_with_its_place_and_remedy(path):
    with pytest.raises(PolicyError) as caught:
        load(path)
    came = [f"{problem.line}:{problem.column} {str(problem).partition(' ')[2]}" for problem in caught.value.problems]
    assert came == expected(path.read_text())
    assert all(problem.file == str(path) for problem in caught.value.problems)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_the_place_is_that_of_the_field_or_value(path):
    """What stands at line and column is the unknown field itself, or the value that is repeated in the message."""
    lines = path.read_text().splitlines()
    with pytest.raises(PolicyError) as caught:
        load(path)
    for problem in caught.value.problems:
        here = lines[problem.line - 1][problem.column - 1 :]
        if problem.message.startswith(("unknown", "the field stands here")):
            assert here.startswith(problem.where.rpartition(".")[2])
        elif problem.message.startswith("'") and "not known" in problem.message:
            assert here.lstrip("\"'").startswith(problem.message[1:].partition("'")[0])
        else:
            assert here


def test_there_are_at_least_25_mistakes():
    assert len(BAD) >= 25
    assert all(expected(path.read_text()) for path in BAD)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_nothing_that_may_be_a_credential_is_repeated(path):
    with pytest.raises(PolicyError) as caught:
        load(path)
    text = str(caught.value)
    assert not any(secret in text for secret in ("azg_0123", "sk-not-a-variable", "user:secret"))
