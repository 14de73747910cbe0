"""What a request to Anthropic's messages asks for."""

from __future__ import annotations

from collections.abc import Mapping
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
    read_limit,
    read_messages,
    read_seed,
    read_stops,
    reasons,
    required,
    text_of,
)
from gateway.demo.seal import unseal
from gateway.demo.tools import ToolChoice, choose_tool, read_tools
from gateway.demo.vocabulary import count_tokens

__all__ = ["Asked", "read", "read_prompt"]

_CHOICES: dict[str, ToolChoice] = {"auto": ("auto", ""), "any": ("required", ""), "none": ("none", "")}
_LEAST_BUDGET = 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as understood. `cached_tokens`: of the input, how many stand before the last mark of a cache."""

    model: str
    ask: Ask
    cached_tokens: int


def read(body: Body) -> Asked:
    """A request for an answer; Fault where it cannot be one."""
    prompt, conversation = read_prompt(body)
    required(body, "max_tokens", int)
    limit = read_limit(body, "max_tokens")
    ask = Ask(
        prompt=prompt,
        max_tokens=limit,
        temperature=number(body, "temperature", 0, 1, 1),
        top_p=number(body, "top_p", 0, 1, 1),
        seed=read_seed(body),
        stops=read_stops(body, "stop_sequences"),
        ignore_end=flag(body, "ignore_eos"),
        reason=_read_thinking(body, limit),
        schema=_read_form(body),
        tool=choose_tool(read_tools(body, nested=False, schema="input_schema"), _read_choice(body), conversation),
    )
    return Asked(body["model"], ask, min(_marked(body, conversation), prompt.tokens))


def read_prompt(body: Body) -> tuple[Prompt, list[Body]]:
    """The input as text, and the messages."""
    required(body, "model", str)
    conversation = read_messages(body)
    for at, message in enumerate(conversation):
        if message["role"] not in ("user", "assistant"):
            raise Fault(f"messages.{at}.role: Input should be 'user' or 'assistant'", param=f"messages.{at}.role")
        _check_seals(message, at)
    text = "\n".join(filter(None, (text_of(body.get("system")), text_of(conversation))))
    return Prompt(text, body.get("tools")), conversation


def _check_seals(message: Body, at: int) -> None:
    """A thinking block comes back with the signature it was given out with; its text may have been left out."""
    content = message.get("content")
    for place, block in enumerate(content if isinstance(content, list) else ()):
        if isinstance(block, dict) and block.get("type") == "thinking" and unseal(str(block.get("signature"))) is None:
            where = f"messages.{at}.content.{place}"
            raise Fault(f"{where}: Invalid `signature` in `thinking` block", param=where)


def _read_thinking(body: Body, limit: int) -> bool:
    thinking = part(body, "thinking")
    match thinking.get("type"):
        case "enabled":
            budget = thinking.get("budget_tokens")
            if not isinstance(budget, int) or budget < _LEAST_BUDGET:
                message = f"thinking.enabled.budget_tokens: Input should be greater than or equal to {_LEAST_BUDGET}"
                raise Fault(message, param="thinking.enabled.budget_tokens")
            if budget >= limit:
                raise Fault("`max_tokens` must be greater than `thinking.budget_tokens`.", param="max_tokens")
            return True
        case "adaptive":
            return True
        case "disabled":
            return False
        case None:
            return reasons(body["model"], None)
        case kind:
            raise Fault(f"thinking.type: '{kind}' is none of 'enabled', 'adaptive', 'disabled'", param="thinking.type")


def _read_form(body: Body) -> Mapping[str, Any] | None:
    form = part(part(body, "output_config"), "format") or part(body, "output_format")
    schema = form.get("schema")
    if form and not isinstance(schema, dict):
        raise Fault("output_config.format.schema: Field required", param="output_config.format.schema")
    return schema if form else None


def _read_choice(body: Body) -> ToolChoice:
    choice = part(body, "tool_choice")
    if not choice:
        return "auto", ""
    if choice.get("type") == "tool" and isinstance(choice.get("name"), str):
        return "named", choice["name"]
    known = _CHOICES.get(str(choice.get("type")))
    if known is None:
        raise Fault("tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'", param="tool_choice.type")
    return known


def _marked(body: Body, conversation: list[Body]) -> int:
    """The tokens up to the last block with `cache_control`: as if all that stands before it had been seen before."""
    upto = said = 0
    for blocks in (body.get("system"), *(message.get("content") for message in conversation)):
        for block in blocks if isinstance(blocks, list) else (blocks,):
            said += count_tokens(text_of(block))
            if isinstance(block, dict) and block.get("cache_control"):
                upto = said
    return upto
