"""Reasoning that is not for copying: withheld, or bound to the caller who got it.

`withhold` takes out what can be read of it and seals what cannot, together with what was taken out, so that the conversation goes on:
the upstream gets its own block back with the next turn. `summarise` puts a summary by another model in its place (`retelling`). `bind`
leaves the readable part and seals the opaque one. See `seal`.
"""

from __future__ import annotations

from typing import Any, Literal, Self

import msgspec
from pydantic import Field, model_validator

from gateway.perturb.base import AnswerEdit, Context, Craft, Document, Options, TextEdit
from gateway.perturb.edits import Counting, choices, objects, parts
from gateway.perturb.retelling import SUMMARISE, Retelling, RewriterOptions
from gateway.perturb.seal import seal
from gateway.perturb.thinking import ThinkingEdit

__all__ = ["PERTURBATION", "ReasoningOptions", "withholding"]

_SPOKEN = ("reasoning_content", "reasoning", "reasoning_details")
_TOLD = (
    "response.reasoning_text.",
    "response.reasoning_summary_text.",
    "response.reasoning_summary_part.",
    "response.reasoning_summary.",
)
_MOST_HELD = 1 << 20
"""Characters of one withheld thought that are kept for its seal; a longer one is not taken back by the upstream."""


class ReasoningOptions(Options):
    """Reasoning that is withheld or bound."""

    do: Literal["withhold", "summarise", "bind"] = Field(
        default="withhold",
        description="`withhold`: none that can be read is handed on. `summarise`: a summary by the `rewriter` is, and the whole answer "
        "is held until it is written. `bind`: all of it is, and its opaque blocks (`signature`, `redacted_thinking`, "
        "`encrypted_content`) are taken back from this key, for this model and conversation alone.",
    )
    rewriter: RewriterOptions | None = Field(default=None, description="With `summarise`, the endpoint that writes the summary.")

    @model_validator(mode="after")
    def _has_rewriter(self) -> Self:
        if self.do == "summarise" and self.rewriter is None:
            raise ValueError("`summarise` needs a `rewriter`: give its `url` and `model`")
        return self


class _Reasoning(Craft):
    name = "reasoning"
    version = "2"
    options = ReasoningOptions
    everywhere = True

    def text(self, context: Context, options: ReasoningOptions) -> TextEdit | None:
        return ThinkingEdit() if context.dialect == "openai.chat" and options.do != "bind" else None

    def retelling(self, options: ReasoningOptions) -> Retelling | None:
        return Retelling(options.rewriter, SUMMARISE) if options.do == "summarise" and options.rewriter is not None else None

    def answer(self, context: Context, options: ReasoningOptions) -> AnswerEdit | None:
        return withholding(context) if options.do != "bind" else _edit(context, withhold=False)


def withholding(context: Context) -> AnswerEdit | None:
    """What takes readable reasoning out of an answer, and puts what was retold in its place; None in a dialect that has none."""
    return _edit(context, withhold=True)


def _edit(context: Context, *, withhold: bool) -> AnswerEdit | None:
    if context.dialect == "openai.chat":
        return _Chat() if withhold else None
    if context.dialect == "openai.responses":
        return _Responses(context, withhold=withhold)
    return _Messages(context, withhold=withhold) if context.dialect == "anthropic.messages" else None


class _Retold(Counting):
    """An edit that withholds reasoning, and puts into its first place what was retold of it, if anything was."""

    _text = ""

    def retell(self, text: str | None, note: str) -> None:
        """Before the answer is edited: what stands for its reasoning, None for nothing, and what is noted of that."""
        self._text = text or ""
        self.note(note)

    def _take(self) -> str:
        text, self._text = self._text, ""
        return text


class _Chat(_Retold):
    """Chat completions have no opaque block: what is spoken of the reasoning is left out."""

    def edit(self, document: Document) -> list[Document]:
        emptied = False
        for choice in choices(document):
            for key in ("delta", "message"):
                told = choice.get(key)
                if isinstance(told, dict) and any(name in told for name in _SPOKEN):
                    self.count += any(told.get(name) for name in _SPOKEN)
                    for name in _SPOKEN:
                        if told.pop(name, None) and name in _SPOKEN[:2] and choice.get("index", 0) == 0 and (text := self._take()):
                            told[name] = text
                    emptied = emptied or (key == "delta" and not any(told.values()) and choice.get("finish_reason") is None)
        only = emptied and len(choices(document)) == 1 and document.get("usage") is None
        return [] if only else [document]


class _Responses(_Retold):
    """Reasoning items of a response. Their place stays, so that the items after them keep theirs."""

    def __init__(self, context: Context, *, withhold: bool) -> None:
        super().__init__()
        self._context = context
        self._withhold = withhold
        self._retold: Any = None
        """The item that what was retold stands in, and the summary that tells it, wherever the item is told."""

    def edit(self, document: Document) -> list[Document]:
        kind = document.get("type")
        if self._withhold and isinstance(kind, str) and kind.startswith(_TOLD):
            self.count += 1
            return []
        for item in parts(document):
            if item.get("type") == "reasoning":
                self._item(item)
        return [document]

    def _item(self, item: Document) -> None:
        if self._withhold:
            told = bool(item.get("summary") or item.get("content"))
            self.count += told
            if told and (text := self._take()):
                self._retold = item.get("id"), text
            again = told and self._retold is not None and self._retold[0] == item.get("id")
            item["summary"] = [{"type": "summary_text", "text": self._retold[1]}] if again else []
            if "content" in item:
                item["content"] = []
        opaque = item.get("encrypted_content")
        if isinstance(opaque, str) and opaque:
            # What is fetched again by its id belongs to no conversation that could be told: it is not given out twice.
            item["encrypted_content"] = seal(opaque, self._context) if self._context.asked else None
            self.count += 1


class _Messages(_Retold):
    """Thinking blocks of Anthropic's messages: the thought and its signature, or the signature alone."""

    def __init__(self, context: Context, *, withhold: bool) -> None:
        super().__init__()
        self._context = context
        self._withhold = withhold
        self._thoughts: dict[Any, str] = {}

    def edit(self, document: Document) -> list[Document]:
        kind = document.get("type")
        if kind == "content_block_start" and isinstance(document.get("content_block"), dict):
            self._begin(document.get("index"), document["content_block"])
        elif kind == "content_block_delta" and isinstance(document.get("delta"), dict):
            return self._delta(document)
        elif kind == "message":
            for block in objects(document.get("content")):
                self._whole(block)
        return [document]

    def _begin(self, index: Any, block: Document) -> None:
        if block.get("type") == "redacted_thinking":
            self._whole(block)
        elif block.get("type") == "thinking":
            self._thoughts[index] = str(block.get("thinking") or "")
            if self._withhold:
                block["thinking"] = self._take() if self._thoughts[index] else ""

    def _delta(self, document: Document) -> list[Document]:
        index, delta = document.get("index"), document["delta"]
        if delta.get("type") == "thinking_delta":
            if self._withhold:
                self.count += 1
                self._thoughts[index] = (self._thoughts.get(index, "") + str(delta.get("thinking") or ""))[:_MOST_HELD]
                delta["thinking"] = self._take()
                return [document] if delta["thinking"] else []
        elif delta.get("type") == "signature_delta" and isinstance(delta.get("signature"), str):
            delta["signature"] = self._sealed(self._thoughts.get(index, ""), delta["signature"])
        return [document]

    def _whole(self, block: Document) -> None:
        if block.get("type") == "redacted_thinking" and isinstance(block.get("data"), str):
            block["data"] = seal(block["data"], self._context)
            self.count += 1
        elif block.get("type") == "thinking":
            thought = str(block.get("thinking") or "")
            if isinstance(block.get("signature"), str):
                block["signature"] = self._sealed(thought, block["signature"])
            if self._withhold:
                block["thinking"] = self._take() if thought else ""
                self.count += 1

    def _sealed(self, thought: str, signature: str) -> str:
        self.count += 1
        told = (thought if self._withhold else None, signature)
        return seal(msgspec.json.encode(told).decode(), self._context)


PERTURBATION = _Reasoning()
