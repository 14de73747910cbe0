"""The fingerprint: each caller's answers choose, where English can say a thing in two ways, the way of that caller's code word.

Nothing is inserted and no meaning changed; what is lost to one answer is nothing, but a data set or a student made of many answers
keeps the choices, and `gateway attribute` reads whose they are. Only free English text is touched (`fingerprint_text` says what never
is), a sentence at a time, so that the first token waits for a sentence at most. A text in another language passes as it is.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from gateway.perturb.base import Context, Craft, Options
from gateway.perturb.fingerprint_code import Steering, code_word, variant_of
from gateway.perturb.fingerprint_places import said
from gateway.perturb.fingerprint_text import Piece, Sentences

__all__ = ["PERTURBATION", "Fingerprint", "FingerprintEdit", "FingerprintOptions"]


class FingerprintOptions(Options):
    """`response: fingerprint:` of a policy."""

    strength: float = Field(
        default=0.8,
        gt=0,
        le=1,
        description="Share of the places that are steered to the caller's variant; the others stay as the model wrote them.",
    )


class FingerprintEdit:
    """Steers one channel of text to a code word; see `base.TextEdit`."""

    def __init__(self, code: bytes, steering: Steering) -> None:
        self.count = 0
        self.places = 0
        self._code = code
        self._steering = steering
        self._sentences = Sentences()

    @property
    def notes(self) -> tuple[str, ...]:
        return (f"{self.count} of {self.places} places",) if self.count else ()

    def feed(self, text: str) -> str:
        return self._said(self._sentences.feed(text))

    def finish(self) -> str:
        return self._said(self._sentences.finish())

    def _said(self, pieces: list[Piece]) -> str:
        told = []
        for piece in pieces:
            text, changed = said(piece, self._pick)
            self.count += changed
            told.append(text)
        return "".join(told)

    def _pick(self, position: int, variant: int) -> int:
        self.places += 1
        return variant_of(self._code, position) if self._steering.next() else variant


class Fingerprint(Craft):
    """The perturbation `fingerprint`."""

    name = "fingerprint"
    version = "1"
    options = FingerprintOptions

    def text(self, context: Context, options: Any) -> FingerprintEdit:
        caller = context.key_id or context.account
        code = code_word(context.secret, caller, context.epoch)
        return FingerprintEdit(code, Steering(context.secret, caller, context.epoch, context.digest, options.strength))


PERTURBATION = Fingerprint()
