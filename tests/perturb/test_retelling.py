"""What may stand in place of a trace: nothing that the trace and the answer do not say."""

from __future__ import annotations

import msgspec
import pytest

from gateway.perturb.retelling import REWRITE, Retelling, RewriterOptions, asked, faithful, retold_in

TRACE = "Let me see: 12 apples and 30 pears. Adding them is 12 + 30 = 42. I check with `sum(x)`: yes. So it is 42."
ANSWER = "There are 42 fruits, so the answer is (B). `sum(x)` tells it."


@pytest.mark.parametrize(
    "retold",
    [
        "The two amounts together are 42.",
        "Both were added.",
        "Adding gives 42, option B.",
        "12 and 30 are `sum(x)`: \\boxed{42}, that is 42.",
    ],
)
def test_what_says_less_and_the_same_passes(retold):
    assert faithful(TRACE, ANSWER, retold)


@pytest.mark.parametrize(
    "retold",
    ["", "It is 43.", "Adding gives 42. So the answer is (C).", "Call `total(x)`: 42.", "It is \\boxed{12}, not 42.", "It comes to 30.",
     "<think>42</think>", "The sum is 42. " * 40],
)  # fmt: skip
def test_what_says_more_or_something_else_does_not(retold):
    assert not faithful(TRACE, ANSWER, retold)


def test_the_rewriter_is_sent_the_trace_and_the_answer_and_nothing_else():
    retelling = Retelling(RewriterOptions(url="https://r/v1", model="small"), REWRITE)
    body = msgspec.json.decode(asked(retelling, TRACE, ANSWER))
    assert body["model"] == "small"
    assert body["messages"][1]["content"] == f"<trace>\n{TRACE}\n</trace>\n\n<answer>\n{ANSWER}\n</answer>"


def test_only_a_completion_with_text_is_an_answer():
    assert retold_in(b'{"choices": [{"message": {"content": " a "}}]}') == "a"
    for body in (b"", b"[]", b'{"choices": []}', b'{"choices": [{"message": {"content": null}}]}'):
        with pytest.raises(ValueError):
            retold_in(body)
