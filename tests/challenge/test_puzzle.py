"""Puzzles: what solves one, and what does not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.challenge.puzzle import LEAST_WORK, MOST_WORK, PARTS, checked, posed, shown, threshold, value_of
from gateway.client import solve

SECRET = b"s" * 32
BODY = b"\x01" * 32
NONCE = bytes(range(16))


def puzzle(**other: object):
    given = {"secret": SECRET, "key_id": "k1", "digest": BODY, "nonce": NONCE, "until_s": 1_000, "work": LEAST_WORK, **other}
    return posed(given.pop("secret"), given.pop("key_id"), given.pop("digest"), **given)


SOLUTION = solve(puzzle().text)


def test_its_solution_holds_for_the_key_and_the_body_that_it_was_made_for():
    assert checked(SECRET, "k1", BODY, SOLUTION, 999).fault == ""
    assert checked(SECRET, "k1", BODY, SOLUTION, 999).nonce == NONCE.hex()


def test_it_serves_no_other_key_no_other_body_and_no_other_deployment():
    assert checked(SECRET, "k2", BODY, SOLUTION, 999).fault == "foreign"
    assert checked(SECRET, "k1", b"\x02" * 32, SOLUTION, 999).fault == "foreign"
    assert checked(b"t" * 32, "k1", BODY, SOLUTION, 999).fault == "foreign"


def test_its_time_is_over_at_the_second_that_it_names():
    assert checked(SECRET, "k1", BODY, SOLUTION, 1_000).fault == "late"


def test_nobody_lowers_the_work_or_moves_the_time():
    for field, value in ((1, "2000"), (2, "16"), (3, "00" * 16)):
        fields = SOLUTION.partition(":")[0].split(".")
        fields[field] = value
        eased = ".".join(fields)
        assert checked(SECRET, "k1", BODY, f"{eased}:{SOLUTION.partition(':')[2]}", 999).fault == "foreign"


def test_one_number_that_does_not_fit_spoils_all():
    text, _, numbers = SOLUTION.partition(":")
    answers = numbers.split(",")
    bad = next(str(n) for n in range(1_000) if value_of(text, 3, str(n)) >= threshold(LEAST_WORK))
    answers[3] = bad
    assert checked(SECRET, "k1", BODY, f"{text}:{','.join(answers)}", 999).fault == "wrong"


@given(st.text(max_size=600))
def test_whatever_a_client_sends_is_told_to_be_none_and_breaks_nothing(text: str):
    assert checked(SECRET, "k1", BODY, text, 0).fault in {"malformed", "foreign"}


@given(st.integers(min_value=0, max_value=len(SOLUTION) - 1), st.characters(codec="ascii"))
def test_a_solution_with_one_letter_changed_is_not_taken_for_the_same(place: int, letter: str):
    changed = SOLUTION[:place] + letter + SOLUTION[place + 1 :]
    seen = checked(SECRET, "k1", BODY, changed, 999)
    assert seen.fault or changed == SOLUTION or solves(changed)


def solves(solution: str) -> bool:
    """A number with other digits may be a solution too; the puzzle is the same then."""
    text, _, numbers = solution.partition(":")
    same = text == SOLUTION.partition(":")[0]
    return same and all(value_of(text, part, n) < threshold(LEAST_WORK) for part, n in enumerate(numbers.split(",")))


def test_the_work_is_what_it_says_on_average():
    tried = []
    for number in range(40):
        text = puzzle(nonce=bytes([number] * 16)).text
        tried.append(sum(int(n) + 1 for n in solve(text).partition(":")[2].split(",")))
    assert len(SOLUTION.partition(":")[2].split(",")) == PARTS
    # Each sum has a mean of 1,024 and a deviation of a quarter of it; forty of them one of 4% of it.
    assert 0.8 * LEAST_WORK < sum(tried) / len(tried) < 1.2 * LEAST_WORK


def test_work_stays_within_its_bounds():
    assert puzzle(work=1).work == LEAST_WORK
    assert puzzle(work=2**60).work == MOST_WORK


def test_what_is_told_is_the_same_for_everybody_with_the_same_work():
    assert shown(puzzle(key_id="k1"), 2.0) == shown(puzzle(key_id="k2"), 2.0)
    assert "k1" not in shown(puzzle(), 2.0)
