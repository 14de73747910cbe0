"""Who gets which variant: a secret fair bit per caller, epoch and position, and which places are steered to it.

The code word of a caller is the output of SHAKE-128 over a seed that BLAKE2b keys with the perturbations' secret, so that bits of
different callers, epochs and positions are independent to everybody without the secret, and an innocent caller's bits have nothing
to do with any text. Fair bits, not biased ones: where copiers mix the answers of several callers, biased codes lose.
"""

from __future__ import annotations

from hashlib import blake2b, shake_128

from gateway.perturb.fingerprint_classes import CODE_BYTES

__all__ = ["Steering", "code_word", "variant_of"]

_BLOCK = 32


def code_word(secret: bytes, key_id: str, epoch: int) -> bytes:
    """The caller's bits of an epoch, `CODE_BYTES` bytes: position p is bit p % 8 (lowest first) of byte p // 8."""
    seed = blake2b(
        key_id.encode() + b"\0" + epoch.to_bytes(8, "big", signed=True), key=secret[:64], person=b"fingerprint code"
    ).digest()
    return shake_128(seed).digest(CODE_BYTES)


def variant_of(code: bytes, position: int) -> int:
    """The variant, 0 or 1, that a code word asks for at a position."""
    return code[position >> 3] >> (position & 7) & 1


class Steering:
    """Which places of one text are steered: a share of them, chosen by caller, request and the place's number and by nothing else.

    The same caller, request and answer are steered alike, so that asking again averages nothing out.
    """

    __slots__ = ("_block", "_index", "_key", "_seed", "_threshold")

    def __init__(self, secret: bytes, key_id: str, epoch: int, digest: bytes, strength: float) -> None:
        self._seed = digest + key_id.encode() + b"\0" + epoch.to_bytes(8, "big", signed=True)
        self._key = secret[:64]
        self._threshold = round(strength * 65536)
        self._index = 0
        self._block = b""

    def next(self) -> bool:
        """Whether the next place is steered."""
        offset = self._index % _BLOCK * 2
        if offset == 0:
            number = (self._index // _BLOCK).to_bytes(8, "big")
            self._block = blake2b(self._seed + number, key=self._key, person=b"fingerprint pick").digest()
        self._index += 1
        return int.from_bytes(self._block[offset : offset + 2], "big") < self._threshold
