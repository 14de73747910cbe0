"""A decision's perturbations at work on one answer: what becomes of it, and what is written down of that.

The crafts know shapes and keys, the dialects know where text stands, and neither knows the other: here they meet. Nothing of this is
made for a caller whose decision names no perturbation.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from msgspec import Struct

from gateway.dialects.altering import Document
from gateway.dialects.channels import Channels, ChatChannels, MessageChannels, Pen
from gateway.dialects.response_channels import Numbering, ResponseChannels
from gateway.dialects.stencil import Telling
from gateway.dialects.tellings import TELLINGS
from gateway.perturb.base import AnswerEdit, Context, Craft, Pace, Perturbation, TextEdit
from gateway.perturb.retelling import Retelling

__all__ = ["MOST_TOLD", "Altering", "Part", "Work"]

MOST_TOLD = 32
"""Entries of a record's `perturbed` at most."""

_CHANNELS: dict[str, Callable[[Callable[[], Pen]], Channels]] = {
    "openai.chat": ChatChannels,
    "openai.completions": ChatChannels,
    "openai.responses": ResponseChannels,
    "anthropic.messages": MessageChannels,
}

_STRUCTURE = re.compile(r"\s*(?:\{|\[\s*[\[{\"\d\]-]|<[?!a-zA-Z])")
_LONGEST_START = 64


@runtime_checkable
class _Retelling(Protocol):
    def retell(self, text: str | None, note: str) -> None: ...


class Part(Struct, frozen=True):
    """One perturbation with its options as the policy has them."""

    name: str
    craft: Perturbation
    options: Any

    @property
    def label(self) -> str:
        return f"{self.name}@{self.craft.version}"


class Altering(Struct, frozen=True):
    """What is to become of one answer. `free`: its text is prose, and may be edited. `asked`: what was asked otherwise upstream."""

    context: Context
    parts: tuple[Part, ...]
    free: bool
    asked: tuple[str, ...] = ()

    @property
    def pace(self) -> Pace | None:
        """The slowest that any part asks for."""
        paces = [part.craft.pace(part.options) for part in self.parts if isinstance(part.craft, Craft)]
        return min((pace for pace in paces if pace is not None), key=lambda pace: pace.tokens, default=None)

    @property
    def retelling(self) -> Retelling | None:
        """Who is to tell its reasoning again, by the first part that asks for it."""
        asked = (part.craft.retelling(part.options) for part in self.parts if isinstance(part.craft, Craft))
        return next((retelling for retelling in asked if retelling is not None), None)

    def work(self) -> Work:
        """The edits of one answer, fresh."""
        return Work(self)

    def told(self) -> tuple[str, ...]:
        """What stands in the record whatever the answer was: the epoch, each part with its version, and what was asked otherwise."""
        return (f"epoch={self.context.epoch}", *(part.label for part in self.parts), *self.asked)


class Work:
    """The edits of one answer, in their order: visible text first, then each perturbation's own. See `dialects.altering.Edits`."""

    def __init__(self, altering: Altering) -> None:
        self._altering = altering
        self._texts: list[tuple[Part, TextEdit]] = []
        made = [(part, part.craft.answer(altering.context, part.options)) for part in altering.parts]
        self._answers: list[tuple[Part, AnswerEdit]] = [(part, edit) for part, edit in made if edit is not None]
        channels = _CHANNELS.get(altering.context.dialect)
        edits_text = channels is not None and any(self._made_texts())
        self._channels = channels(self._pen) if channels is not None and edits_text else None
        self._numbering = Numbering()
        self._tells = TELLINGS.get(altering.context.dialect) if all(edit.blind for _, edit in self._answers) else None

    def event(self, document: Document) -> list[Document]:
        return self._passed([document] if self._channels is None else self._channels.event(document))

    def telling(self, document: Document) -> Telling | None:
        found = self._tells(document) if self._tells is not None else None
        write = str if self._channels is None else self._channels.writer(document) if found is not None else None
        if found is None or write is None:
            return None
        deltas: list[tuple[AnswerEdit, int]] = []

        def edit(document: Document) -> list[Document]:
            before = [edit.count for _, edit in self._answers]
            documents = self._edited([document])
            for (_, edit), count in zip(self._answers, before, strict=True):
                deltas.append((edit, edit.count - count))
                edit.again(count - edit.count)
            deltas[:] = [delta for delta in deltas if delta[1]]
            return documents

        def again() -> None:
            for edit, delta in deltas:
                edit.again(delta)

        return Telling(*found, write, edit, again, self._numbering.after)

    def whole(self, document: Document) -> None:
        if self._channels is not None:
            self._channels.whole(document)
        for _, edit in self._answers:
            edit.edit(document)

    def rest(self) -> list[Document]:
        return [] if self._channels is None else self._passed(self._channels.rest())

    def retell(self, text: str | None, note: str) -> None:
        """Before the answer is edited: what was retold of its reasoning, None where it is withheld, and what is noted of that."""
        for part, edit in self._answers:
            if isinstance(part.craft, Craft) and part.craft.retelling(part.options) is not None and isinstance(edit, _Retelling):
                edit.retell(text, note)
                return

    def told(self) -> tuple[str, ...]:
        """How often each perturbation altered something, and its notes: for the record."""
        counts: dict[str, int] = {}
        notes: list[str] = []
        edits: list[tuple[Part, AnswerEdit | TextEdit]] = [*self._answers, *self._texts]
        for part, edit in edits:
            counts[part.name] = counts.get(part.name, 0) + edit.count
            notes += [f"{part.name}:{note}" for note in edit.notes]
        told = [f"{name}={count}" for name, count in counts.items() if count]
        return (*self._altering.told(), *told, *notes)[:MOST_TOLD]

    def _edited(self, documents: list[Document]) -> list[Document]:
        for _, edit in self._answers:
            documents = [after for document in documents for after in edit.edit(document)]
        return documents

    def _passed(self, documents: list[Document]) -> list[Document]:
        documents = self._edited(documents)
        for document in documents:
            self._numbering.number(document)
        return documents

    def _made_texts(self) -> list[tuple[Part, TextEdit]]:
        altering = self._altering
        parts = [part for part in altering.parts if altering.free or part.craft.everywhere]
        made = [(part, part.craft.text(altering.context, part.options)) for part in parts]
        return [(part, edit) for part, edit in made if edit is not None]

    def _pen(self) -> Pen:
        texts = self._made_texts()
        self._texts += texts
        first = [edit for part, edit in texts if part.craft.everywhere]
        return _Chain(first, [edit for part, edit in texts if not part.craft.everywhere])


class _Chain:
    """Several text edits one behind the other. Text that turns out to be a structure (JSON, markup) passes the second ones as it is."""

    def __init__(self, first: list[TextEdit], edits: list[TextEdit]) -> None:
        self._first = first
        self._edits = edits
        self._start: str | None = "" if edits else None
        """What came of the beginning while it cannot be told what it begins; None from then on."""

    @property
    def count(self) -> int:
        return sum(edit.count for edit in (*self._first, *self._edits))

    @property
    def alters(self) -> bool:
        return bool(self._edits) or any(edit.count for edit in self._first)

    def feed(self, text: str) -> str:
        for edit in self._first:
            text = edit.feed(text)
        return self._fed(text)

    def finish(self) -> str:
        rest = ""
        for edit in self._first:
            rest = edit.feed(rest) + edit.finish()
        return (self._fed(rest) if rest else "") + self._rest()

    def _fed(self, text: str) -> str:
        if self._start is not None:
            self._start += text
            stripped = self._start.lstrip()
            if len(stripped) < 2 or (stripped[0] in "[<" and len(stripped) < 4 and len(self._start) < _LONGEST_START):
                return ""
            text = self._begun()
        for edit in self._edits:
            text = edit.feed(text)
        return text

    def _rest(self) -> str:
        text = self._begun() if self._start is not None else ""
        for edit in self._edits:
            text = edit.feed(text) + edit.finish()
        return text

    def _begun(self) -> str:
        text, self._start = self._start or "", None
        if _STRUCTURE.match(text):
            self._edits = []
        return text
