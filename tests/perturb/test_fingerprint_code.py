"""Code words: fair, secret, the caller's own; and a choice of places that asking again does not change."""

from __future__ import annotations

from gateway.perturb.fingerprint_code import Steering, code_word, variant_of
from gateway.perturb.fingerprint_places import POSITIONS

SECRET = b"s" * 32


def bits(key_id, epoch=0, secret=SECRET):
    code = code_word(secret, key_id, epoch)
    return [variant_of(code, position) for position in range(POSITIONS)]


def agreement(first, second):
    return sum(a == b for a, b in zip(first, second, strict=True)) / len(first)


def test_a_code_word_is_the_same_each_time():
    assert bits("a") == bits("a")


def test_half_of_the_bits_are_ones():
    assert 0.47 < sum(bits("a")) / POSITIONS < 0.53


def test_callers_epochs_and_secrets_share_half_of_their_bits_as_chance_would():
    mine = bits("a")
    for other in (bits("b"), bits("a", epoch=1), bits("a", secret=b"t" * 32), bits("a\0")):
        assert 0.47 < agreement(mine, other) < 0.53


def steered(digest=b"d" * 32, key_id="a", strength=0.8, count=5000):
    steering = Steering(SECRET, key_id, 0, digest, strength)
    return [steering.next() for _ in range(count)]


def test_the_set_share_of_places_is_steered():
    assert 0.78 < sum(steered()) / 5000 < 0.82
    assert all(steered(strength=1.0))


def test_the_same_request_is_steered_alike_and_another_one_is_not():
    assert steered() == steered()
    assert steered() != steered(digest=b"e" * 32)
    assert steered() != steered(key_id="b")
