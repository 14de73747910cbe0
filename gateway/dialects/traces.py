"""What an answer tells of its reasoning and what it says at last, read out of its bytes: for the one who tells the reasoning again.

Of several choices the first is read. Reasoning is what the dialect has a place for; tags within the text are not looked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from gateway.dialects.altering import Document, read_document
from gateway.dialects.channels import listed
from gateway.dialects.sse import EventSplitter, data_of

__all__ = ["Told", "told_in"]

_PIECES = {
    "response.reasoning_text.delta": True,
    "response.reasoning_summary_text.delta": True,
    "response.output_text.delta": False,
}


class Told(NamedTuple):
    """The text of an answer's reasoning and of the answer itself."""

    trace: str
    answer: str


def told_in(body: bytes, *, stream: bool) -> Told:
    """What the bytes of a whole answer tell, in any dialect; what cannot be read tells nothing."""
    trace: list[str] = []
    answer: list[str] = []
    for document in _documents(body, stream=stream):
        for thought, text in _pieces(document):
            if isinstance(text, str):
                (trace if thought else answer).append(text)
    return Told("".join(trace), "".join(answer))


def _documents(body: bytes, *, stream: bool) -> Iterator[Document]:
    splitter = EventSplitter()
    for raw in [*splitter.feed(body), splitter.rest()] if stream else [body]:
        data = data_of(raw) if stream else raw
        try:
            yield read_document(data)
        except (ValueError, RecursionError):
            continue


def _pieces(document: Document) -> Iterator[tuple[bool, Any]]:
    """The pieces of text, each with whether it is reasoning."""
    for choice in listed(document.get("choices")):
        told = choice.get("delta") or choice.get("message")
        if isinstance(told, dict) and choice.get("index", 0) == 0:
            yield True, told.get("reasoning_content") or told.get("reasoning")
            yield False, told.get("content")
    kind = document.get("type")
    if isinstance(kind, str) and kind in _PIECES:
        yield _PIECES[kind], document.get("delta")
    elif kind == "content_block_start":
        yield from _block(document.get("content_block"))
    elif kind == "content_block_delta":
        yield from _block(document.get("delta"))
    elif kind == "message":
        for block in listed(document.get("content")):
            yield from _block(block)
    for item in listed(document.get("output")):
        for part in (*listed(item.get("summary")), *listed(item.get("content"))):
            yield item.get("type") == "reasoning", part.get("text")


def _block(block: Any) -> Iterator[tuple[bool, Any]]:
    if isinstance(block, dict):
        yield True, block.get("thinking")
        yield False, block.get("text")
