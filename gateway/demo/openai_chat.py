"""OpenAI chat completions: `POST /chat/completions`."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from gateway.demo.ask import (
    Ask,
    Body,
    Fault,
    Prompt,
    flag,
    number,
    part,
    read_bias,
    read_limit,
    read_messages,
    read_model,
    read_seed,
    read_stops,
    reasons,
    text_of,
    whole,
)
from gateway.demo.openai_parts import FINGERPRINT, finish_reason, form_of, told_logprob, usage
from gateway.demo.pace import Pace
from gateway.demo.speech import Draft, Piece
from gateway.demo.tools import ToolChoice, choose_tool, read_tools
from gateway.demo.wire import DONE, Call, Events, Json, Reply, data, new_id

__all__ = ["chat"]


@dataclass(frozen=True, slots=True)
class _Chat:
    """One request as understood."""

    model: str
    ask: Ask
    choices: int
    include_usage: bool

    def drafts(self) -> list[Draft]:
        return [Draft(self.ask, index) for index in range(self.choices)]


async def chat(call: Call) -> Reply:
    """Answer in one piece or in chunks."""
    asked = _read(call.body)
    if flag(call.body, "stream"):
        return Events(_stream(asked, call.pace))
    drafts = asked.drafts()
    choices = [_choice(asked, draft, index, await call.pace.collect(draft)) for index, draft in enumerate(drafts)]
    return Json({**_head(asked, "chat.completion"), "choices": choices, "usage": usage(asked.ask.prompt, drafts)})


def _read(body: Body) -> _Chat:
    model, messages = read_model(body), read_messages(body)
    choices = whole(body, "n", 1, 128, 1)
    form = form_of(body, "response_format", nested=True)
    tools = read_tools(body, nested=True)
    ask = Ask(
        prompt=Prompt(text_of(messages), body.get("tools")),
        max_tokens=read_limit(body, "max_completion_tokens", "max_tokens", choices=choices),
        temperature=number(body, "temperature", 0, 2, 1),
        top_p=number(body, "top_p", 0, 1, 1),
        seed=read_seed(body),
        bias=read_bias(body),
        stops=read_stops(body, most=4),
        ignore_end=flag(body, "ignore_eos"),
        top=_read_top(body),
        reason=reasons(model, body.get("reasoning_effort")),
        schema=form,
        tool=choose_tool(tools, _read_choice(body), messages),
    )
    options = part(body, "stream_options")
    if options and not flag(body, "stream"):
        raise Fault("The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options")
    return _Chat(model, ask, choices, flag(options, "include_usage"))


def _read_top(body: Body) -> int:
    top = whole(body, "top_logprobs", 0, 20, 0)
    if flag(body, "logprobs"):
        return top
    if body.get("top_logprobs") is not None:
        raise Fault(
            "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.", param="top_logprobs", code="invalid_value"
        )
    return -1


def _read_choice(body: Body) -> ToolChoice:
    choice = body.get("tool_choice") or "auto"
    if choice in ("none", "auto", "required"):
        return choice, ""
    inner = choice.get("function") if isinstance(choice, dict) else None
    if not isinstance(inner, dict) or not isinstance(inner.get("name"), str):
        raise Fault("Invalid value for 'tool_choice'.", param="tool_choice", code="invalid_value")
    return "named", inner["name"]


def _head(asked: _Chat, kind: str) -> Body:
    return {
        "id": new_id("chatcmpl-"),
        "object": kind,
        "created": int(time.time()),
        "model": asked.model,
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    }


def _choice(asked: _Chat, draft: Draft, index: int, pieces: list[Piece]) -> Body:
    said = [piece for piece in pieces if piece.part == "text"]
    calling = asked.ask.tool is not None
    message: Body = {
        "role": "assistant",
        "content": None if calling else "".join(piece.text for piece in said),
        "refusal": None,
        "annotations": [],
    }
    if asked.ask.reason:
        message["reasoning_content"] = "".join(piece.text for piece in pieces if piece.part == "reasoning")
    if asked.ask.tool is not None:
        arguments = "".join(piece.text for piece in pieces if piece.part == "arguments")
        call = {"name": asked.ask.tool[0], "arguments": arguments}
        message["tool_calls"] = [{"id": new_id("call_"), "type": "function", "function": call}]
    return {"index": index, "message": message, "logprobs": _logprobs(asked, said), "finish_reason": finish_reason(draft)}


def _logprobs(asked: _Chat, said: list[Piece]) -> Body | None:
    if asked.ask.top < 0:
        return None
    return {"content": [told_logprob(piece, asked.ask.top) for piece in said], "refusal": None}


async def _stream(asked: _Chat, pace: Pace) -> AsyncGenerator[bytes, None]:
    """The role, the pieces, why it ended, for each choice; the usage if asked for."""
    head = _head(asked, "chat.completion.chunk")
    nothing_yet: Body = {"usage": None} if asked.include_usage else {}

    def chunk(index: int, delta: Any, logprobs: Any = None, finish: str | None = None) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return data({**head, "choices": [choice], **nothing_yet})

    drafts = asked.drafts()
    for index in range(asked.choices):
        yield chunk(index, _first_delta(asked))
    async for index, piece in pace.in_turns(drafts):
        if piece is None:
            yield chunk(index, {}, finish=finish_reason(drafts[index]))
        else:
            yield chunk(index, _delta(piece), _logprobs(asked, [piece]) if piece.part == "text" else None)
    if asked.include_usage:
        yield data({**head, "choices": [], "usage": usage(asked.ask.prompt, drafts)})
    yield DONE


def _first_delta(asked: _Chat) -> Body:
    if asked.ask.tool is None:
        return {"role": "assistant", "content": "", "refusal": None}
    call = {"index": 0, "id": new_id("call_"), "type": "function", "function": {"name": asked.ask.tool[0], "arguments": ""}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def _delta(piece: Piece) -> Body:
    if piece.part == "arguments":
        return {"tool_calls": [{"index": 0, "function": {"arguments": piece.text}}]}
    return {"reasoning_content" if piece.part == "reasoning" else "content": piece.text}
