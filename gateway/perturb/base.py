"""What a perturbation is: one way in which an answer teaches a copier less, or carries his mark, and stays as true as it was.

A third party adds one by one file, one registry line (`perturbations`: name -> "module:PERTURBATION"), its cases and one line in the
docs. Pure: time and secrets come with the `Context`, and chance is keyed by it: the same caller, prompt and answer get the same
alteration, so that asking again averages nothing out, and other callers get another.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct
from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from gateway.perturb.retelling import Retelling

__all__ = [
    "MOST_NOTES", "AnswerEdit", "Context", "Craft", "Document", "Options", "Pace", "Perturbation", "TextEdit", "derived", "unit",
]  # fmt: skip

Document = dict[str, Any]
"""A JSON object as it reads: a request's body, a whole answer, or the data of one event of a stream. Numbers with a point are Decimals
that keep their spelling, or floats."""

MOST_NOTES = 32
"""Notes that one part of an answer leaves in the record at most."""


class Options(BaseModel):
    """A perturbation's own section under `response:` of a policy: no unknown fields, no value bent into another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Context(Struct, frozen=True):
    """What an alteration may hang on.

    `secret` is derived from the deployment's for perturbations alone. `key_id` and `account` name the caller. `epoch` is the number of
    the policy's epoch that `at_us` (Unix microseconds) lies in. `digest`: 32 bytes of the request's body as the client wrote it.
    `model` is the one that the client asked for.
    """

    secret: bytes
    key_id: str
    account: str
    epoch: int
    dialect: str
    model: str
    digest: bytes
    at_us: int
    stream: bool = False
    asked: Mapping[str, Any] = {}
    """The request as the client wrote it; empty where there was no body to read."""
    route: str = ""
    """`METHOD /path` without /v1."""


class Pace(Struct, frozen=True):
    """How fast an answer is handed on, and in how large helpings: `tokens` a second, every `every_us` microseconds."""

    tokens: int
    every_us: int


class TextEdit(Protocol):
    """Edits one channel of visible text (a choice, a content block), in whatever pieces it comes.

    `feed` takes what came and returns what may go out now; it holds back a sentence at most. `finish` returns the rest. What goes out,
    put together, does not depend on the pieces. `count` is how many alterations were made so far, `notes` a short machine-readable
    trace of them (at most `MOST_NOTES`, never text of the answer).
    """

    @property
    def count(self) -> int: ...
    @property
    def notes(self) -> tuple[str, ...]: ...
    def feed(self, text: str) -> str: ...
    def finish(self) -> str: ...


class AnswerEdit(Protocol):
    """Edits the documents of one answer: the whole of it, or its events one by one. The edit may change `document` in place.

    `edit` returns the documents that go out in the place of this one: itself as a rule, none to leave an event out. (A whole answer is
    never left out.) `count` and `notes` as in `TextEdit`. `blind`: it never looks at visible text, and does to an event that tells
    a piece of text what it does to the next; then it sees the first of them, and of the others only `again`, how much to count for one.
    """

    @property
    def count(self) -> int: ...
    @property
    def notes(self) -> tuple[str, ...]: ...
    @property
    def blind(self) -> bool: ...
    def edit(self, document: Document) -> list[Document]: ...
    def again(self, count: int) -> None: ...


class Perturbation(Protocol):
    """One way to alter answers. `version` changes with whatever changes its output. `options` is the model of its section.

    - `request(document, context, options)` is what it asks of the request: top-level members and their new values, None to remove one.
      `document` is the body as it reads and is not changed.
    - `text(context, options)` is a fresh edit for one channel of visible text; None where it edits no text. It is asked for only where
      the text is free: not under JSON mode, structured outputs or forced tools. With `everywhere` it is asked for in any case, and its
      edit comes before those that are not.
    - `answer(context, options)` is a fresh edit for the documents of one answer; None where it edits none in this dialect.
    """

    name: str
    version: str
    options: type[Options]
    everywhere: bool

    def request(self, document: Mapping[str, Any], context: Context, options: Any) -> Mapping[str, Any]: ...
    def text(self, context: Context, options: Any) -> TextEdit | None: ...
    def answer(self, context: Context, options: Any) -> AnswerEdit | None: ...


class Craft:
    """A perturbation that asks nothing and edits nothing: what the others are made from, each with the edits that it makes.

    `pace` is how an answer is handed on, None for as it comes; `retelling` who is to tell its reasoning again, None for nobody. A
    perturbation that is no `Craft` has neither. The edit of one that has a `retelling` takes what was retold by `retell(text, note)`.
    """

    name = ""
    version = "1"
    options: type[Options] = Options
    everywhere = False

    def request(self, document: Mapping[str, Any], context: Context, options: Any) -> Mapping[str, Any]:
        return {}

    def text(self, context: Context, options: Any) -> TextEdit | None:
        return None

    def answer(self, context: Context, options: Any) -> AnswerEdit | None:
        return None

    def pace(self, options: Any) -> Pace | None:
        return None

    def retelling(self, options: Any) -> Retelling | None:
        return None


def derived(secret: bytes, *parts: str | bytes | int) -> bytes:
    """32 bytes that only the holder of `secret` can tell from chance: HMAC-SHA256 over the parts, each with its length before it."""
    told = bytearray()
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogatepass")
        told += len(data).to_bytes(4, "big") + data
    return hmac.digest(secret, bytes(told), "sha256")


def unit(secret: bytes, *parts: str | bytes | int) -> float:
    """A number in [0, 1) that only the holder of `secret` can tell from chance."""
    return int.from_bytes(derived(secret, *parts)[:7], "big") / (1 << 56)
