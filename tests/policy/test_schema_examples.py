"""Tests inside a policy file as they are written."""

from __future__ import annotations

from gateway.policy.schema_examples import GivenBlock


def test_a_tag_is_one_or_several():
    assert GivenBlock.model_validate({"tag": "paid"}).tag == ["paid"]
    assert GivenBlock.model_validate({"tag": ["paid", "eu"]}).tag == ["paid", "eu"]


def test_names_that_do_not_exist_are_problems_of_the_file(small):
    text = "tests:\n  - { name: t, given: { evidence: { cadense: 5 } }, expect: { unchanged: [free-rpn] } }\n"
    assert small.problems(more=text) == [
        "tests[0].given.evidence.cadense: unknown signal (did you mean 'cadence'?)",
        "tests[0].expect.unchanged[0]: there is no limit 'free-rpn' (did you mean 'free-rpm'?)",
    ]
