"""Places: what is written is what is read again, guards hold, and everything but the place stays as it was."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.perturb.fingerprint_classes import CLASSES, CODE_BYTES, OXFORD, RATES, TRIPLE
from gateway.perturb.fingerprint_places import places, position_of, said
from gateway.perturb.fingerprint_text import Sentences


def all_as(text, variant):
    """The text with each place in one variant."""
    sentences = Sentences()
    return "".join(said(piece, lambda _, __: variant)[0] for piece in sentences.feed(text) + sentences.finish())


SAID = [
    ("This is not the end of the road.", "This isn't the end of the road."),
    ("Do not forget that the door is open.", "Don't forget that the door is open."),
    ("I am sure that it is the best one.", "I'm sure that it's the best one."),
    ("I will not go there.", "I won't go there."),
    ("Additionally, the room is open.", "In addition, the room is open."),
    ("Bring it, for example, to the others.", "Bring it, for instance, to the others."),
    ("We do not know of the king’s end.", "We don’t know of the king’s end."),
    ("This is an opportunity to see the sea.", "This is a chance to see the sea."),
    ("A huge tree is what there was.", "An enormous tree is what there was."),
    ("Bring bread, salt, oil and water to the table.", "Bring bread, salt, oil, and water to the table."),
    ("**However,** all of it was lost.", "**Nevertheless,** all of it was lost."),
    ("I think that they know this.", "I think they know this."),
    ("It has been the best of their days.", "It's been the best of their days."),
    ("This is a system that can do all of it.", "This is a system which can do all of it."),
    ("You have the factors such as wind.", "You have the factors like wind."),
    ("I would use what they have.", "I'd use what they have."),
    ("Finally, they saw that I would also use it.", "Finally, they saw that I'd also use it."),
    ("This is the place that has unity, kindness and friendship.", "This is the place which has unity, kindness, and friendship."),
]


@pytest.mark.parametrize(("first", "second"), SAID)
def test_a_place_is_said_in_either_way(first, second):
    assert all_as(first, 0) == first
    assert all_as(first, 1) == second
    assert all_as(second, 0) == first


STAYS = [
    "Don't you think that this is the end?",
    "Why isn't the sky green, and who are they?",
    "The people that can do this are here.",
    "In cities, cars and buses.",
    "It shines like the eyes of a cat, and I like what I have.",
    "I'd seen that they brave the sea.",
    "They know who you are and what it is.",
    "Will Does Not Stop when the Often Company calls.",
    "The often-used tools and not/often paths are there.",
    "You can see that it is.",
    "They have to say that this is the end.",
    "In May it would rain, and you may not enter.",
    "the road is long, and they do not rest",
    "Das ist auch besonders wichtig und oft quickly so.",
    "See often.com or often@x.com for the rest.",
]


@pytest.mark.parametrize("text", STAYS)
def test_where_a_guard_says_no_all_stays(text):
    assert all_as(text, 0) == all_as(text, 1) == text


@given(
    st.lists(
        st.sampled_from(
            [surface for pair in CLASSES for surface in pair.surfaces] + ["the", "you", ",", ".", "and", "`x", '"', "\n", "of", "a"]
        )
    )
)
def test_what_is_not_a_place_stays_and_the_same_text_comes_back(words):
    text = " ".join(words).replace(" ,", ",").replace(" .", ".")
    changed = all_as(text, 1)
    assert all_as(changed, 1) == changed or len(places(changed)) != len(places(text))
    assert re.findall(r"[`\"\n]", changed) == re.findall(r"[`\"\n]", text)


def test_places_name_where_they_stand_and_in_which_variant():
    text = "The day was long. However, all of it wasn't bad.\n"
    found = places(text)
    assert [text[place.start : place.end] for place in found] == ["However", "wasn't"]
    assert [place.variant for place in found] == [0, 1]


def test_half_of_the_contexts_speak_of_the_class_and_half_of_seven_bits():
    positions = [position_of(5, f"word{number}") - 40 for number in range(4000)]
    assert set(positions) == set(range(8))
    assert 0.45 < positions.count(0) / 4000 < 0.55


def test_every_class_has_one_number_and_stands_within_a_code_word():
    numbers = [pair.number for pair in CLASSES]
    assert len(set(numbers)) == len(numbers)
    assert not {OXFORD, TRIPLE} & set(numbers)
    assert 0 <= min(numbers) <= max(numbers) < CODE_BYTES
    assert set(RATES) <= {*numbers, OXFORD, TRIPLE}


def test_a_surface_of_two_classes_is_read_as_it_was_written():
    """Guards part them: what was steered to a variant stands there in that variant afterwards."""
    text = " ".join(first for first, _ in SAID)
    for variant in (0, 1):
        assert {place.variant for place in places(all_as(text, variant))} == {variant}
