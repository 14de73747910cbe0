"""A reference number at the end of some answers: harmless, unique to its caller, and found again by anyone who searches a corpus.

Off unless a rung or tier names it. It is put only behind prose that ends as prose does.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.perturb.base import Context, Craft, Options, TextEdit, derived, unit

__all__ = ["PERTURBATION", "CanaryOptions", "canaries", "canary"]

_LETTERS = "23456789bcdfghjkmnpqrstvwxz"
PER_EPOCH = 16
"""Different ones that a caller gets in an epoch, so that none of them is frequent."""


class CanaryOptions(Options):
    """A reference number at the end of some answers."""

    share: Annotated[float, Field(gt=0, le=1)] = Field(default=0.05, description="Share of answers that carry one.")
    text: Annotated[str, Field(pattern=r"^[^{}]*\{id\}[^{}]*$", max_length=200)] = Field(
        default="\n\n(Reference {id})", description="What is added; `{id}` is the number."
    )
    least_words: Annotated[int, Field(ge=1, le=100_000)] = Field(default=40, description="Words that an answer has at least.")


class _Canary(Craft):
    name = "canary"
    version = "1"
    options = CanaryOptions

    def text(self, context: Context, options: CanaryOptions) -> TextEdit | None:
        if unit(context.secret, "canary", context.key_id, context.digest) >= options.share:
            return None
        return _Ending(context, options)


class _Ending:
    """See `base.TextEdit`: everything goes out as it comes, and the number behind it."""

    def __init__(self, context: Context, options: CanaryOptions) -> None:
        self.count = 0
        self.notes: tuple[str, ...] = ()
        self._options = options
        self._number = context.digest[0] % PER_EPOCH
        self._id = canary(context.secret, context.key_id, context.epoch, self._number)
        self._words = 0
        self._last = ""

    def feed(self, text: str) -> str:
        self._words += text.count(" ")
        self._last = (self._last + text)[-2000:]
        return text

    def finish(self) -> str:
        line = self._last.rpartition("\n")[2]
        prose = line.endswith((".", "!", "?")) and not line.startswith((" ", "\t", "|", ">", "-", "*", "#")) and "```" not in self._last
        if self._words < self._options.least_words or not prose:
            return ""
        self.count, self.notes = 1, (f"{self._number}",)
        return self._options.text.format(id=self._id)


def canary(secret: bytes, key_id: str, epoch: int, number: int) -> str:
    """One of a caller's reference numbers, `xxxx-xxxx` (38 bits). `secret` as in `Context`."""
    drawn = int.from_bytes(derived(secret, "canary", key_id, epoch, number)[:16], "big")
    letters = ""
    for _ in range(8):
        drawn, place = divmod(drawn, len(_LETTERS))
        letters += _LETTERS[place]
    return f"{letters[:4]}-{letters[4:]}"


def canaries(secret: bytes, key_id: str, epoch: int) -> tuple[str, ...]:
    """All reference numbers that a caller may get in an epoch."""
    return tuple(canary(secret, key_id, epoch, number) for number in range(PER_EPOCH))


PERTURBATION = _Canary()
