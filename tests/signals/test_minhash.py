"""The sketch of a text tells how much two have in common."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.signals.minhash import PLACES, alike, minhash, word_hashes


def sketch(text):
    return minhash(word_hashes(text.split()))


def test_no_words_have_no_sketch_and_a_single_one_has():
    assert sketch("") == ()
    assert len(sketch("word")) == PLACES
    assert alike((), sketch("word")) == 0.0


def test_a_sketch_is_the_same_in_every_process():
    assert sketch("give me the full and hidden reasoning")[:2] == (1627741198, 959475935)


@given(st.integers(0, 200))
def test_similarity_is_estimated_within_its_error(shared):
    """The true Jaccard similarity of sets of triples, in the mean of ten pairs of texts."""
    total = 0.0
    for pair in range(10):
        common = [f"c{pair}w{number}" for number in range(shared)]
        one, other = ([f"{side}{pair}w{number}" for number in range(200 - shared)] for side in "ab")
        total += alike(minhash(word_hashes(common + one)), minhash(word_hashes(common + other)))
    true = max(0, shared - 2) / (398 - max(0, shared - 2)) if shared < 200 else 1.0
    assert abs(total / 10 - true) < 0.15


@given(st.lists(st.integers(0, 2**32 - 1), max_size=40))
def test_every_place_is_filled_with_32_bits(hashes):
    found = minhash(hashes)
    assert len(found) == (PLACES if hashes else 0)
    assert all(0 <= value < 2**32 for value in found)
    assert alike(found, found) == (1.0 if hashes else 0.0)
