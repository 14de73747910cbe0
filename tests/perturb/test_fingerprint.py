"""The fingerprint as a perturbation: the caller's own, the same however it comes, and nothing but English prose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.perturb.base import Context
from gateway.perturb.fingerprint import PERTURBATION, FingerprintOptions
from gateway.perturb.fingerprint_code import code_word, variant_of
from gateway.perturb.fingerprint_places import places

SECRET = b"s" * 32
PROSE = (
    "However, it is not hard to see why they often go there. You can start by opening the door, and make sure that you are ready.\n\n"
    "- Do not forget the keys.\n- Perhaps everyone needs to rest every day.\n\n"
    "```python\nit is not = 'do not'\n```\n"
    'Additionally, I think that we are lucky. "It is not so," they said, although it seems to be.\n'
)


def context(key_id="a", digest=b"d" * 32):
    return Context(secret=SECRET, key_id=key_id, account=key_id, epoch=3, dialect="openai.chat", model="m", digest=digest, at_us=0)


def marked(text, sizes=(), *, strength=0.8, **who):
    edit, told, at = PERTURBATION.text(context(**who), FingerprintOptions(strength=strength)), "", 0
    for size in sizes:
        told += edit.feed(text[at : at + size])
        at += size
    return told + edit.feed(text[at:]) + edit.finish(), edit


@given(st.lists(st.integers(1, 30), max_size=60))
def test_any_chunking_gives_the_same_answer(sizes):
    assert marked(PROSE, sizes)[0] == marked(PROSE)[0]


def test_at_full_strength_every_place_has_the_callers_variant():
    text, edit = marked(PROSE, strength=1.0)
    code = code_word(SECRET, "a", 3)
    assert len(places(text)) == edit.places > 10
    assert all(variant_of(code, place.position) == place.variant for place in places(text))


def test_the_same_caller_and_request_get_the_same_answer_and_other_callers_others():
    assert marked(PROSE)[0] == marked(PROSE)[0]
    assert len({marked(PROSE, key_id=str(number))[0] for number in range(20)}) == 20


PROTECTED = [
    "`do not often`", "``it is ` not``", '"However, it is not."', "“I am. They do not often.”", "$it is not$", "\\(it is not\\)",
    "$$it is. not$$",
    "https://it.is/do-not/often", "often@it.is", "[it is not](https://do.not)", "{it is not, often}", "<code>do not often</code>",
    "\n```\nit is not often. I am.\n```\n", "\n    it is not often\n", "\n| it is | not often |\n",
    "\n> It is not often.\n", "\n# It is not often\n",
]  # fmt: skip
OPEN = [
    "However, it is not so.",
    "They do not often go there, and I am sure of it.",
    "Perhaps this is the best. ",
    "\n",
    "the end of it is near",
]


@given(
    parts=st.lists(st.sampled_from([*((text, True) for text in PROTECTED), *((text, False) for text in OPEN * 3)]), max_size=12),
    key_id=st.sampled_from("abcdef"),
)
def test_no_protected_span_is_ever_changed(parts, key_id):
    text = " ".join(part for part, _ in parts)
    told = marked(text, key_id=key_id, strength=1.0)[0]
    at = 0
    for part, is_protected in parts:
        if is_protected:
            at = told.find(part, at)
            assert at >= 0, (part, told)
            at += len(part)


def test_code_and_quotations_stay():
    for number in range(20):
        text, _ = marked(PROSE, key_id=str(number), strength=1.0)
        assert "```python\nit is not = 'do not'\n```\n" in text
        assert '"It is not so," they said' in text


def test_notes_count_and_hold_no_text():
    _, edit = marked(PROSE)
    assert edit.notes == (f"{edit.count} of {edit.places} places",)
    assert marked("Bonjour.")[1].notes == ()


@pytest.mark.parametrize(
    "text", ['{"answer": "It is not so. However, they do not."}', "<p>It is not so.</p> However, it is.", "C'est la vie."]
)
def test_what_is_no_english_prose_passes(text):
    assert marked(text, strength=1.0)[0] == text


def test_no_more_than_a_sentence_is_held_back():
    edit = PERTURBATION.text(context(), FingerprintOptions())
    assert edit.feed("Here we go again. And") != ""
    assert len(edit.feed("y" * 2000)) > 1400


@pytest.mark.parametrize("strength", [0, 1.5, "high"])
def test_strength_is_a_share(strength):
    with pytest.raises(ValidationError):
        FingerprintOptions(strength=strength)
