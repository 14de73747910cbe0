"""OpenAI responses: `POST /responses`, and what was stored again: `GET`, `DELETE`, input items."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from itertools import count

from gateway.demo.ask import Ask, Body, Fault, Prompt, flag, number, part, read_limit, read_model, read_seed, reasons, text_of, whole
from gateway.demo.openai_parts import form_of
from gateway.demo.response_items import Item, item_of
from gateway.demo.seal import unseal
from gateway.demo.speech import Draft
from gateway.demo.tools import ToolChoice, choose_tool, read_tools
from gateway.demo.wire import Call, Events, Json, Reply, event, new_id

__all__ = ["cancel", "delete", "input_items", "input_tokens", "responses", "retrieve"]

_LONGEST_THREAD = 100
_ECHOED = (
    "instructions", "max_output_tokens", "max_tool_calls", "metadata", "parallel_tool_calls", "previous_response_id",
    "prompt_cache_key", "safety_identifier", "temperature", "text", "tool_choice", "tools", "top_logprobs", "top_p", "truncation",
    "user",
)  # fmt: skip
_USUAL = {
    "metadata": {}, "parallel_tool_calls": True, "temperature": 1.0, "text": {"format": {"type": "text"}}, "tool_choice": "auto",
    "tools": [], "top_logprobs": 0, "top_p": 1.0, "truncation": "disabled",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request as understood. `items`: the input as a list of items."""

    body: Body
    ask: Ask
    items: list[Body]
    reasoning: Body
    encrypted: bool


async def responses(call: Call) -> Reply:
    """Answer in one piece, or in events of rising `sequence_number`."""
    asked = _read(call)
    if flag(call.body, "stream"):
        return Events(_stream(asked, call))
    response: Body = {}
    async for _, told in _speak(asked, call):
        response = told.get("response", response)
    return Json(response)


async def retrieve(call: Call) -> Reply:
    """A stored response."""
    return Json(_kept(call)["response"])


async def delete(call: Call) -> Reply:
    """Forget a stored response."""
    _kept(call)
    call.kept.drop(call.subject)
    return Json({"id": call.subject, "object": "response", "deleted": True})


async def input_items(call: Call) -> Reply:
    """What a stored response answered, newest first unless `order` says `asc`; all on one page."""
    items = _kept(call)["input"]
    items = items if call.query.get("order") == "asc" else items[::-1]
    ends = {"first_id": items[0]["id"], "last_id": items[-1]["id"]} if items else {"first_id": None, "last_id": None}
    return Json({"object": "list", "data": items, "has_more": False, **ends})


async def cancel(call: Call) -> Reply:
    """Nothing runs in the background here, so nothing can be cancelled."""
    _kept(call)
    raise Fault("Cannot cancel a synchronous response.", code="invalid_request")


async def input_tokens(call: Call) -> Reply:
    """How many tokens a request's input comes to."""
    return Json({"object": "response.input_tokens", "input_tokens": _read(call, sized=False).ask.prompt.tokens})


def _kept(call: Call) -> Body:
    found = call.kept.get(call.subject)
    if found is None:
        raise Fault(f"Response with id '{call.subject}' not found.", status=404)
    return found


# ── What is asked ─────────────────────────────────────────────────────────────────────────────────


def _read(call: Call, *, sized: bool = True) -> _Asked:
    """`sized` False: only the input counts, and the model may be left out."""
    body = call.body
    model = read_model(body) if sized or body.get("model") is not None else ""
    items = _read_items(body)
    reasoning = part(body, "reasoning")
    include = body.get("include") or []
    if not isinstance(include, list):
        raise Fault("Invalid type for 'include': expected an array.", param="include", code="invalid_type")
    text = "\n".join(filter(None, (text_of(body.get("instructions")), _thread(call), text_of(items))))
    ask = Ask(
        prompt=Prompt(text, body.get("tools")),
        max_tokens=read_limit(body, "max_output_tokens"),
        temperature=number(body, "temperature", 0, 2, 1),
        top_p=number(body, "top_p", 0, 1, 1),
        seed=read_seed(body),
        ignore_end=flag(body, "ignore_eos"),
        top=whole(body, "top_logprobs", 0, 20, 0) if "message.output_text.logprobs" in include or body.get("top_logprobs") else -1,
        reason=reasons(model, reasoning.get("effort")),
        schema=form_of(part(body, "text"), "format", nested=False),
        tool=choose_tool(read_tools(body, nested=False), _read_choice(body), items),
    )
    return _Asked(body, ask, items, reasoning, "reasoning.encrypted_content" in include)


def _read_items(body: Body) -> list[Body]:
    given = body.get("input")
    if given is None:
        raise Fault("Missing required parameter: 'input'.", param="input", code="missing_required_parameter")
    items = [{"type": "message", "role": "user", "content": given}] if isinstance(given, str) else given
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise Fault("Invalid type for 'input': expected a string or a list of items.", param="input", code="invalid_type")
    return [_as_item(item) for item in items]


def _as_item(item: Body) -> Body:
    """An input item as it is stored: with an id, and its content in parts. A sealed reasoning must be as it was given out."""
    kind = item.get("type", "message")
    content = item.get("content")
    if kind == "reasoning" and isinstance(item.get("encrypted_content"), str) and unseal(item["encrypted_content"]) is None:
        raise Fault("The encrypted content of a reasoning item could not be verified.", param="input", code="invalid_encrypted_content")
    if kind == "message" and isinstance(content, str):
        word = "output_text" if item.get("role") == "assistant" else "input_text"
        item = {**item, "content": [{"type": word, "text": content}]}
    return {"id": new_id("msg_" if kind == "message" else "item_"), "type": kind, **item}


def _thread(call: Call) -> str:
    """The text of the conversation that `previous_response_id` goes on with."""
    before: list[str] = []
    name = call.body.get("previous_response_id")
    while name is not None and len(before) < _LONGEST_THREAD:
        found = call.kept.get(name) if isinstance(name, str) else None
        if found is None and not before:
            message = f"Previous response with id '{name}' not found."
            raise Fault(message, param="previous_response_id", code="previous_response_not_found")
        if found is None:
            break
        before.append(text_of(found["input"]) + "\n" + text_of(found["response"]["output"]))
        name = found["response"]["previous_response_id"]
    return "\n".join(reversed(before))


def _read_choice(body: Body) -> ToolChoice:
    choice = body.get("tool_choice") or "auto"
    if choice in ("none", "auto", "required"):
        return choice, ""
    if not isinstance(choice, dict) or not isinstance(choice.get("name"), str):
        raise Fault("Invalid value for 'tool_choice'.", param="tool_choice", code="invalid_value")
    return "named", choice["name"]


# ── What is told ──────────────────────────────────────────────────────────────────────────────────


async def _stream(asked: _Asked, call: Call) -> AsyncGenerator[bytes, None]:
    sequence = count()
    async with aclosing(_speak(asked, call)) as events:
        async for name, told in events:
            yield event(name, {"type": name, **told, "sequence_number": next(sequence)})


async def _speak(asked: _Asked, call: Call) -> AsyncGenerator[tuple[str, Body], None]:
    """The events of one response, (name, fields), in order; the last one holds it whole."""
    draft = Draft(asked.ask)
    response = _response(asked)
    yield "response.created", {"response": response}
    yield "response.in_progress", {"response": response}
    items: list[Item] = []
    async for piece in call.pace.speak(draft):
        if not items or items[-1].part != piece.part:
            for told in items[-1].close("completed") if items else ():
                yield told
            items.append(
                item_of(piece.part, len(items), asked.ask, summary=bool(asked.reasoning.get("summary")), encrypted=asked.encrypted)
            )
            for told in items[-1].open():
                yield told
        yield items[-1].feed(piece)
    status = "incomplete" if draft.finish == "length" else "completed"
    for told in items[-1].close(status) if items else ():
        yield told
    response = _response(asked, response, status, [item.value for item in items], draft)
    if asked.body.get("store") is not False:
        call.kept.put(response["id"], {"response": response, "input": asked.items})
    yield f"response.{status}", {"response": response}


def _response(
    asked: _Asked, begun: Body | None = None, status: str = "in_progress", output: list[Body] | None = None, draft: Draft | None = None
) -> Body:
    told = {name: asked.body.get(name) if asked.body.get(name) is not None else _USUAL.get(name) for name in _ECHOED}
    return {
        "id": begun["id"] if begun else new_id("resp_"),
        "object": "response",
        "created_at": begun["created_at"] if begun else int(time.time()),
        "completed_at": int(time.time()) if status == "completed" else None,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "model": asked.body["model"],
        "output": output or [],
        **told,
        "reasoning": {"effort": asked.reasoning.get("effort"), "summary": asked.reasoning.get("summary")},
        "service_tier": "default",
        "store": asked.body.get("store") is not False,
        "usage": _usage(asked, draft) if draft else None,
    }


def _usage(asked: _Asked, draft: Draft) -> Body:
    prompt = asked.ask.prompt
    return {
        "input_tokens": prompt.tokens,
        "input_tokens_details": {"cached_tokens": prompt.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": draft.tokens,
        "output_tokens_details": {"reasoning_tokens": draft.reasoning_tokens},
        "total_tokens": prompt.tokens + draft.tokens,
    }
