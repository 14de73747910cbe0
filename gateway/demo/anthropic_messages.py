"""Anthropic messages: `POST /messages` and `POST /messages/count_tokens`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass

import msgspec

from gateway.demo.anthropic_read import Asked, read, read_prompt
from gateway.demo.ask import Body, flag
from gateway.demo.pace import Pace
from gateway.demo.seal import seal
from gateway.demo.speech import Draft, Part, Piece
from gateway.demo.wire import Call, Events, Json, Reply, event, new_id

__all__ = ["count_tokens", "messages"]

_STOP_REASONS = {"stop": "end_turn", "stop_text": "stop_sequence", "length": "max_tokens", "tool": "tool_use"}


async def messages(call: Call) -> Reply:
    """Answer in one piece or in events."""
    asked = read(call.body)
    if flag(call.body, "stream"):
        return Events(_stream(asked, call.pace))
    draft = Draft(asked.ask)
    pieces = await call.pace.collect(draft)
    content = [_whole(block) for block in _blocks(asked, pieces)]
    return Json({**_message(asked), "content": content, **_end(draft), "usage": _usage(asked, draft)})


async def count_tokens(call: Call) -> Reply:
    """How many tokens a request's input comes to."""
    return Json({"input_tokens": read_prompt(call.body)[0].tokens})


@dataclass(slots=True)
class _Block:
    """A content block in the making: all pieces of one part."""

    part: Part
    opened: Body
    text: str = ""


def _open(asked: Asked, part: Part) -> _Block:
    if part == "reasoning":
        return _Block(part, {"type": "thinking", "thinking": "", "signature": ""})
    if part == "arguments":
        name = asked.ask.tool[0] if asked.ask.tool else ""
        return _Block(part, {"type": "tool_use", "id": new_id("toolu_"), "name": name, "input": {}})
    return _Block(part, {"type": "text", "text": ""})


def _blocks(asked: Asked, pieces: list[Piece]) -> list[_Block]:
    blocks: list[_Block] = []
    for piece in pieces:
        if not blocks or blocks[-1].part != piece.part:
            blocks.append(_open(asked, piece.part))
        blocks[-1].text += piece.text
    return blocks


def _whole(block: _Block) -> Body:
    match block.part:
        case "reasoning":
            return {**block.opened, "thinking": block.text, "signature": seal(block.text)}
        case "arguments":
            return {**block.opened, "input": _whole_input(block.text)}
        case "text":
            return {**block.opened, "text": block.text}


def _whole_input(text: str) -> Body:
    """The arguments; none where they were cut off by `max_tokens`."""
    try:
        decoded = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _message(asked: Asked) -> Body:
    return {
        "id": new_id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _end(draft: Draft) -> Body:
    return {"stop_reason": _STOP_REASONS[draft.finish], "stop_sequence": draft.stop_text}


def _usage(asked: Asked, draft: Draft) -> Body:
    """Marked parts of the prompt (`cache_control`) are told as read from a cache, the rest as input."""
    return {
        "input_tokens": asked.ask.prompt.tokens - asked.cached_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": asked.cached_tokens,
        "output_tokens": draft.tokens,
        "service_tier": "standard",
    }


async def _stream(asked: Asked, pace: Pace) -> AsyncGenerator[bytes, None]:
    """message_start, each block's start, deltas and stop, message_delta with the cumulative usage, message_stop."""
    draft = Draft(asked.ask)
    yield event(
        "message_start",
        {"type": "message_start", "message": {**_message(asked), "usage": {**_usage(asked, draft), "output_tokens": 1}}},
    )
    yield event("ping", {"type": "ping"})
    index, block = -1, None
    async for piece in pace.speak(draft):
        if block is None or block.part != piece.part:
            if block is not None:
                yield _stopped(block, index)
            index, block = index + 1, _open(asked, piece.part)
            yield event("content_block_start", {"type": "content_block_start", "index": index, "content_block": block.opened})
        block.text += piece.text
        yield _delta(index, _piece_delta(piece))
    if block is not None:
        yield _stopped(block, index)
    yield event("message_delta", {"type": "message_delta", "delta": _end(draft), "usage": _usage(asked, draft)})
    yield event("message_stop", {"type": "message_stop"})


def _stopped(block: _Block, index: int) -> bytes:
    """The end of a block; that of a thinking block brings its signature."""
    signed = _delta(index, {"type": "signature_delta", "signature": seal(block.text)}) if block.part == "reasoning" else b""
    return signed + event("content_block_stop", {"type": "content_block_stop", "index": index})


def _delta(index: int, delta: Body) -> bytes:
    return event("content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta})


def _piece_delta(piece: Piece) -> Body:
    match piece.part:
        case "reasoning":
            return {"type": "thinking_delta", "thinking": piece.text}
        case "arguments":
            return {"type": "input_json_delta", "partial_json": piece.text}
        case "text":
            return {"type": "text_delta", "text": piece.text}
