"""Which events of a stream tell a piece of text and nothing else, in each dialect; see `stencil`.

Such an event says nothing when its text is held back, so it may be left out: an event with any member that is not known here, or that
ends something, is none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.dialects.altering import Document

__all__ = ["TELLINGS", "chat_telling", "message_telling", "response_telling"]

_CHUNK = frozenset({"id", "object", "created", "model", "service_tier", "system_fingerprint", "provider", "choices", "obfuscation"})
_CHOICE = frozenset({"index", "delta"})
_DELTA = frozenset({"content", "role"})
_RESPONSE = frozenset({"type", "sequence_number", "item_id", "output_index", "content_index", "delta", "obfuscation"})
_BLOCK = frozenset({"type", "index", "delta"})


def chat_telling(document: Document) -> tuple[Document, str] | None:
    """The holder and the key of the text of a chunk of chat completions or completions."""
    choices = document.get("choices")
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choice := choices[0], dict) or _more(document, _CHUNK):
        return None
    delta = choice.get("delta")
    if delta is None and isinstance(choice.get("text"), str):
        return None if _more(choice, {"index", "text"}) else (choice, "text")
    if _more(choice, _CHOICE) or not isinstance(delta, dict) or _more(delta, _DELTA) or not isinstance(delta.get("content"), str):
        return None
    return None if delta.get("role") and not delta["content"] else (delta, "content")


def response_telling(document: Document) -> tuple[Document, str] | None:
    """The same of a text delta of OpenAI's responses."""
    plain = document.get("type") == "response.output_text.delta" and isinstance(document.get("delta"), str)
    return (document, "delta") if plain and not _more(document, _RESPONSE) else None


def message_telling(document: Document) -> tuple[Document, str] | None:
    """The same of a text delta of Anthropic's messages."""
    delta = document.get("delta")
    if document.get("type") != "content_block_delta" or not isinstance(delta, dict) or delta.get("type") != "text_delta":
        return None
    plain = isinstance(delta.get("text"), str) and not _more(delta, {"type", "text"}) and not _more(document, _BLOCK)
    return (delta, "text") if plain else None


def _more(holder: Document, known: frozenset[str] | set[str]) -> bool:
    """Whether anything else is told; what is null or empty is not."""
    return any(value and key not in known for key, value in holder.items())


TELLINGS: dict[str, Callable[[Any], tuple[Document, str] | None]] = {
    "openai.chat": chat_telling,
    "openai.completions": chat_telling,
    "openai.responses": response_telling,
    "anthropic.messages": message_telling,
}
