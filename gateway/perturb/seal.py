"""Opaque reasoning that belongs to one key, one model and one conversation: sealed on the way out, opened on the way in.

A copier who gathers reasoning under many keys replays it under one to have a model go on from it (arXiv 2608.09867). A sealed block
says nothing to anybody else, and is taken back from nobody else. The seal is AES-SIV (RFC 5297), an authenticated encryption without a
nonce: the same block sealed twice for the same caller is the same text, wherever an answer repeats it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from gateway.errors import BadRequest
from gateway.perturb.base import Context, derived

__all__ = ["MARK", "conversation", "open_text", "opened", "seal"]

MARK = b"azs1."
"""What every seal begins with."""

_FOREIGN = "A reasoning block in this request was not given to this key for this model and conversation. Leave it out and try again."


def seal(text: str, context: Context) -> str:
    """A text that only the gateway opens, and only for the caller, model and conversation of `context`."""
    hidden = _cipher(context).encrypt(text.encode("utf-8", "surrogatepass"), _binding(context))
    return MARK.decode() + base64.urlsafe_b64encode(hidden).decode().rstrip("=")


def open_text(sealed: str, context: Context) -> str:
    """What was sealed; BadRequest where it is another's, or was changed."""
    told = sealed.removeprefix(MARK.decode())
    try:
        hidden = base64.b64decode(told + "=" * (-len(told) % 4), altchars=b"-_", validate=True)
        return _cipher(context).decrypt(hidden, _binding(context)).decode("utf-8", "surrogatepass")
    except (InvalidTag, binascii.Error, ValueError):
        raise BadRequest(_FOREIGN, code="invalid_reasoning") from None


def opened(asked: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """The members of a request that hold sealed blocks, with these opened; nothing where there are none. BadRequest for a foreign one.

    Reasoning that was withheld is put back where the upstream looks for it.
    """
    changes: dict[str, Any] = {}
    for member in ("messages", "input"):
        if isinstance(asked.get(member), list) and sum([_open(block, context) for block in _blocks(asked[member])]):
            changes[member] = asked[member]
    return changes


def _blocks(entries: list[Any]) -> Iterator[dict[str, Any]]:
    for entry in entries:
        if isinstance(entry, dict):
            yield entry
            if isinstance(entry.get("content"), list):
                yield from (block for block in entry["content"] if isinstance(block, dict))


def _open(block: dict[str, Any], context: Context) -> bool:
    """Open one block in place; whether there was a seal."""
    kind = block.get("type")
    key = {"thinking": "signature", "redacted_thinking": "data", "reasoning": "encrypted_content"}.get(
        kind if isinstance(kind, str) else ""
    )
    sealed = block.get(key) if key else None
    if not key or not isinstance(sealed, str) or not sealed.startswith(MARK.decode()):
        return False
    text = open_text(sealed, context)
    if key == "signature":
        thinking, signature = msgspec.json.decode(text, type=tuple[str | None, str])
        block["signature"] = signature
        if thinking is not None:
            block["thinking"] = thinking
    else:
        block[key] = text
    return True


def conversation(asked: Mapping[str, Any]) -> bytes:
    """What stays the same over the turns of a conversation: the words of its first message."""
    entries = asked.get("messages") or asked.get("input")
    first = entries[0] if isinstance(entries, list) and entries else entries
    content = first.get("content") if isinstance(first, dict) else first
    if isinstance(content, list):
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return hashlib.sha256(str(content or "").encode("utf-8", "surrogatepass")).digest()


def _cipher(context: Context) -> AESSIV:
    return AESSIV(derived(context.secret, "seal", 1) + derived(context.secret, "seal", 2))


def _binding(context: Context) -> list[bytes]:
    return [context.key_id.encode(), context.model.encode("utf-8", "surrogatepass"), conversation(context.asked)]
