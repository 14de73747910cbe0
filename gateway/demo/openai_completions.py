"""OpenAI's older completions: `POST /completions`. The prompt is not gone on with, it is answered; `suffix` only counts as input."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from itertools import islice

from gateway.demo.ask import (
    MOST_TOKENS,
    Ask,
    Body,
    Fault,
    Prompt,
    flag,
    number,
    part,
    read_bias,
    read_model,
    read_seed,
    read_stops,
    whole,
)
from gateway.demo.openai_parts import FINGERPRINT, finish_reason, usage
from gateway.demo.pace import Pace
from gateway.demo.scoring import score
from gateway.demo.speech import Draft, Piece
from gateway.demo.vocabulary import SIZE, VOCABULARY
from gateway.demo.wire import DONE, Call, Events, Json, Reply, data, new_id

__all__ = ["completions", "read_token_texts"]

_MOST_PROMPTS = 2048
_USUAL_TOKENS = 16


@dataclass(frozen=True, slots=True)
class _Completion:
    """One request as understood: an ask for each prompt. `logprobs` -1: none."""

    model: str
    asks: tuple[Ask, ...]
    choices: int
    best_of: int
    logprobs: int
    echo: bool
    include_usage: bool


async def completions(call: Call) -> Reply:
    """Answer in one piece or in chunks; the choices of the first prompt come first."""
    asked = _read(call.body)
    if flag(call.body, "stream"):
        return Events(_stream(asked, call.pace))
    choices: list[Body] = []
    drafts: list[Draft] = []
    for ask in asked.asks:
        tried = [Draft(ask, index) for index in range(asked.best_of)]
        told = [(draft, await call.pace.collect(draft)) for draft in tried]
        drafts += tried
        if asked.best_of > asked.choices:
            told.sort(key=lambda pair: _likelihood(pair[1]), reverse=True)
        choices += [_choice(asked, ask, draft, pieces, len(choices) + at) for at, (draft, pieces) in enumerate(told[: asked.choices])]
    return Json({**_head(asked), "choices": choices, "usage": _usage(asked, drafts)})


def _read(body: Body) -> _Completion:
    model = read_model(body)
    prompts = _read_prompts(body)
    choices = whole(body, "n", 1, 128, 1)
    best_of = whole(body, "best_of", 1, 20, max(choices, 1)) if body.get("best_of") is not None else choices
    logprobs = whole(body, "logprobs", 0, 5, 0) if body.get("logprobs") is not None else -1
    _refuse_contradictions(body, choices, best_of)
    limit = whole(body, "max_tokens", 0, MOST_TOKENS, _USUAL_TOKENS)
    if limit * best_of * len(prompts) > MOST_TOKENS:
        raise Fault(f"max_tokens is too large: {limit} for each of {best_of * len(prompts)} answers.", param="max_tokens")
    first = Ask(
        prompt=prompts[0],
        max_tokens=limit,
        temperature=number(body, "temperature", 0, 2, 1),
        top_p=number(body, "top_p", 0, 1, 1),
        seed=read_seed(body),
        bias=read_bias(body),
        stops=read_stops(body, most=4),
        ignore_end=flag(body, "ignore_eos"),
        top=max(logprobs, 0) if logprobs >= 0 or best_of > choices else -1,
    )
    asks = tuple(replace(first, prompt=prompt) for prompt in prompts)
    usage_asked = flag(part(body, "stream_options"), "include_usage")
    return _Completion(model, asks, choices, best_of, logprobs, flag(body, "echo"), usage_asked)


def _refuse_contradictions(body: Body, choices: int, best_of: int) -> None:
    if best_of < choices:
        raise Fault("Invalid 'best_of': must not be smaller than 'n'.", param="best_of", code="invalid_value")
    if best_of > choices and flag(body, "stream"):
        raise Fault("Results cannot be streamed when 'best_of' is greater than 'n'.", param="best_of", code="invalid_value")


def _read_prompts(body: Body) -> list[Prompt]:
    """A text, token ids, or a list of either."""
    prompt = body.get("prompt")
    suffix = body.get("suffix") or None
    if prompt is None:
        return [Prompt("", suffix)]
    given = prompt if isinstance(prompt, list) and not _are_ids(prompt) else [prompt]
    if not 1 <= len(given) <= _MOST_PROMPTS or not all(isinstance(one, str) or _are_ids(one) for one in given):
        raise Fault(
            "Invalid type for 'prompt': expected a string, token ids, or a list of either.", param="prompt", code="invalid_type"
        )
    return [Prompt(one if isinstance(one, str) else read_token_texts(one), suffix) for one in given]


def _are_ids(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(i, int) and not isinstance(i, bool) and i >= 0 for i in value)


def read_token_texts(ids: list[int]) -> str:
    """The text of token ids. Those of another tokenizer's larger vocabulary are folded into this one."""
    return "".join(VOCABULARY[i % SIZE].text for i in ids)


def _likelihood(pieces: list[Piece]) -> float:
    return sum(piece.logprob for piece in pieces) / max(len(pieces), 1)


def _head(asked: _Completion) -> Body:
    return {
        "id": new_id("cmpl-"),
        "object": "text_completion",
        "created": int(time.time()),
        "model": asked.model,
        "system_fingerprint": FINGERPRINT,
    }


def _usage(asked: _Completion, drafts: list[Draft]) -> Body:
    """One usage over all prompts."""
    told = [usage(ask.prompt, []) for ask in asked.asks]
    whole_usage = usage(asked.asks[0].prompt, drafts)
    whole_usage["prompt_tokens"] = sum(one["prompt_tokens"] for one in told)
    whole_usage["total_tokens"] = whole_usage["prompt_tokens"] + whole_usage["completion_tokens"]
    whole_usage["prompt_tokens_details"]["cached_tokens"] = sum(one["prompt_tokens_details"]["cached_tokens"] for one in told)
    return whole_usage


def _choice(asked: _Completion, ask: Ask, draft: Draft, pieces: list[Piece], index: int) -> Body:
    echoed = _echoed(asked, ask)
    text = (ask.prompt.text if asked.echo else "") + "".join(piece.text for piece in pieces)
    logprobs = _logprobs(asked, [*echoed, *pieces], 0, first=bool(echoed))
    return {"text": text, "index": index, "logprobs": logprobs, "finish_reason": finish_reason(draft)}


def _echoed(asked: _Completion, ask: Ask) -> list[Piece]:
    """The prompt's pieces with their scores, where both are asked for."""
    return list(islice(score(ask), MOST_TOKENS)) if asked.echo and asked.logprobs >= 0 else []


def _logprobs(asked: _Completion, pieces: list[Piece], start: int, *, first: bool = False) -> Body | None:
    """`first`: nothing stands before the first piece, so nothing is said of it."""
    if asked.logprobs < 0:
        return None
    offsets = []
    for piece in pieces:
        offsets.append(start)
        start += len(piece.text)
    unsaid = pieces[0] if first else None
    told = [None if piece is unsaid else piece.logprob for piece in pieces]
    tops = [None if piece is unsaid else dict(piece.top) for piece in pieces] if asked.logprobs else None
    return {"tokens": [piece.text for piece in pieces], "token_logprobs": told, "top_logprobs": tops, "text_offset": offsets}


async def _stream(asked: _Completion, pace: Pace) -> AsyncGenerator[bytes, None]:
    head = _head(asked)
    nothing_yet: Body = {"usage": None} if asked.include_usage else {}

    def chunk(index: int, text: str, logprobs: Body | None = None, finish: str | None = None) -> bytes:
        choice = {"text": text, "index": index, "logprobs": logprobs, "finish_reason": finish}
        return data({**head, "choices": [choice], **nothing_yet})

    drafts = [Draft(ask, index) for ask in asked.asks for index in range(asked.choices)]
    said = [len(draft.ask.prompt.text) for draft in drafts]
    for index, draft in enumerate(drafts):
        if asked.echo:
            echoed = _echoed(asked, draft.ask)
            yield chunk(index, draft.ask.prompt.text, _logprobs(asked, echoed, 0, first=bool(echoed)))
    async for index, piece in pace.in_turns(drafts):
        if piece is None:
            yield chunk(index, "", finish=finish_reason(drafts[index]))
        else:
            yield chunk(index, piece.text, _logprobs(asked, [piece], said[index]))
            said[index] += len(piece.text)
    if asked.include_usage:
        yield data({**head, "choices": [], "usage": _usage(asked, drafts)})
    yield DONE
