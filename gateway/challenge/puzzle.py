"""A puzzle that costs its solver seconds and its checker microseconds, bound to key, body and time.

    azc1.<until>.<work>.<nonce>.<mac>                       the puzzle, as the refusal carries it
    azc1.<until>.<work>.<nonce>.<mac>:<n1>,<n2>,...,<n16>   its solution, as the next request carries it

The mac is keyed, over the caller's key id, the digest of the request's body and the fields before it, so that nobody makes puzzles for
himself, and a solution serves no other key and no other body. Each of the sixteen numbers n makes the first 8 bytes of
SHA-256("<puzzle>:<i>:<n>"), read as a big-endian number, less than 2^64 * 16 / work, so that a solution takes `work` hashes on average.
Sixteen small puzzles instead of one large one: the time to solve all of them varies by a quarter of its mean, not by the whole of it.

Hashcash: Back, "Hashcash - a denial of service counter-measure" (2002); calibrated work against model extraction: Dziedzic et al.,
"Increasing the cost of model extraction with calibrated proof of work" (ICLR 2022).
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode

from msgspec import Struct

__all__ = ["LEAST_WORK", "MOST_WORK", "PARTS", "Checked", "Puzzle", "checked", "posed", "shown", "threshold", "value_of"]

PARTS = 16
LEAST_WORK = 1_024
MOST_WORK = 2**40
"""Hashes: a few milliseconds of an ordinary machine, and some days."""

_VERSION = "azc1"
_LONGEST = 512
"""Letters of a solution at most; a longer one is none."""

_MAC_BYTES = 16


class Puzzle(Struct, frozen=True):
    """What is asked: until when it may be solved (Unix seconds), how much work (hashes on average), which one (hexadecimal)."""

    until_s: int
    work: int
    nonce: str
    mac: str

    @property
    def text(self) -> str:
        return f"{_VERSION}.{self.until_s}.{self.work}.{self.nonce}.{self.mac}"


class Checked(Struct, frozen=True):
    """What became of a solution: `fault` is "" where it holds, else `malformed`, `foreign` (another key, another body, or not ours),
    `late` or `wrong`. `nonce` names the puzzle, so that it can be marked as spent; "" where the fault is one of the first two."""

    fault: str
    nonce: str = ""
    until_s: int = 0


def posed(secret: bytes, key_id: str, digest: bytes, *, nonce: bytes, until_s: int, work: int) -> Puzzle:
    """A puzzle for one caller and one body. `nonce`: 16 bytes, of which no two puzzles have the same; `work` is held within bounds."""
    work = max(LEAST_WORK, min(MOST_WORK, work))
    name = nonce.hex()
    return Puzzle(until_s, work, name, _mac(secret, key_id, digest, until_s, work, name))


def checked(secret: bytes, key_id: str, digest: bytes, solution: str, now_s: int) -> Checked:
    """Whether a solution holds for this caller, this body and this time. At most 17 hashes; that it is the first is for others to see.

    1. Its form. 2. Its mac, in constant time: ours, for this key and this body. 3. Its time. 4. Its sixteen numbers.
    """
    text, colon, numbers = solution.partition(":")
    fields = text.split(".")
    if not colon or len(solution) > _LONGEST or len(fields) != 5 or fields[0] != _VERSION or not solution.isascii():
        return Checked("malformed")
    _, until, work, nonce, mac = fields
    answers = numbers.split(",")
    if not (until.isdigit() and work.isdigit() and len(answers) == PARTS and all(answer.isdigit() for answer in answers)):
        return Checked("malformed")
    if not hmac.compare_digest(mac.encode(), _mac(secret, key_id, digest, int(until), int(work), nonce).encode()):
        return Checked("foreign")
    if now_s >= int(until):
        return Checked("late", nonce, int(until))
    below = threshold(int(work))
    solved = all(value_of(text, part, answer) < below for part, answer in enumerate(answers))
    return Checked("" if solved else "wrong", nonce, int(until))


def shown(puzzle: Puzzle, seconds: float) -> str:
    """What the caller is told, in words; the same for everybody."""
    return (
        f"This request needs a proof of work, about {max(1, round(seconds))} s of an ordinary machine. Solve the puzzle in the header "
        f"x-gateway-challenge and send the same request again with its solution in x-gateway-solution within the time that it names."
    )


def threshold(work: int) -> int:
    """What the first 8 bytes of a hash must be below."""
    return 2**64 * PARTS // max(work, PARTS)


def value_of(text: str, part: int, answer: str) -> int:
    """The first 8 bytes of one part's hash."""
    return int.from_bytes(hashlib.sha256(f"{text}:{part}:{answer}".encode()).digest()[:8], "big")


def _mac(secret: bytes, key_id: str, digest: bytes, until_s: int, work: int, nonce: str) -> str:
    message = "\0".join((_VERSION, key_id, digest.hex(), str(until_s), str(work), nonce))
    made = hmac.new(secret, message.encode(), hashlib.sha256).digest()[:_MAC_BYTES]
    return urlsafe_b64encode(made).rstrip(b"=").decode()
