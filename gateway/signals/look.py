"""Makes a `Look` of a request's JSON: the one place of detection that sees what a client wrote, and it keeps none of it.

Total: whatever stands in the document, known or not, well-formed or not, gives a look. Used live by the weigher, off the road, and by
replay on recorded requests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from math import isnan
from typing import Any

from gateway.model.look import Look
from gateway.signals.cues import CUES, cues_of
from gateway.signals.minhash import minhash, word_hashes
from gateway.signals.text import FIRST, LAST, clipped, code_share, hash64, language_of, masked_words, topic_of, words_of

__all__ = ["look_of"]

_ENDS = 8
_MOST_PARTS = 64
_MOST_MESSAGES = 4_096
_MOST_SYSTEM = 4_000
_MOST_PROMPTS = 4_096
_PROMPTS: dict[int, tuple[int, int, int]] = {}
_MOST_BIASES = 1_024
_MOST_COUNT = 1 << 40

Document = Mapping[str, Any]


def look_of(dialect: str, document: Document, **rest: Any) -> Look:
    """One request as signals see it. `dialect` is the dialect's name (`openai.chat`, ...), `document` the request's JSON; `rest` are
    further fields of `Look`, which stand over what the document says: when, who, what became of it."""
    text, turns, system = _said(dialect, document)
    seen = clipped(text)
    words = words_of(seen)
    language = language_of(seen, words)
    masked = masked_words(seen, language)
    prompt = _prompt(system[:_MOST_SYSTEM], language)
    fields: dict[str, Any] = {
        "dialect": dialect,
        "words": len(words) if len(seen) == len(text) else len(words) * len(text) // max(1, len(seen)),
        "chars": len(text),
        "turns": turns,
        "language": language,
        "code": code_share(seen),
        "exact": hash64(words),
        "prefix": hash64(words[:_ENDS]),
        "head": hash64(masked[:_ENDS]),
        "tail": hash64(masked[-_ENDS:]),
        "system": prompt[0],
        "system_words": prompt[1],
        "wrapper": minhash(word_hashes(masked)),
        "topic": topic_of(words),
        "cues": cues_of(seen, language) | prompt[2],
        **_asked(document),
    }
    fields.update(rest)
    return Look(**fields)


def _prompt(system: str, language: str) -> tuple[int, int, int]:
    """A system prompt's hash, its words, its cues. The same ones come again and again: what they came to is kept, by a number that does
    not tell the text."""
    name = hash((system, language))
    found = _PROMPTS.get(name)
    if found is None:
        if len(_PROMPTS) >= _MOST_PROMPTS:
            _PROMPTS.clear()
        words = words_of(system)
        # A system prompt may well speak of what is to stay hidden; that is no request for it.
        found = _PROMPTS[name] = hash64(words), len(words), cues_of(system, language) & ~CUES["hidden"]
    return found


# ── What is said ────────────────────────────────────────────────────────────────────────────────


def _said(dialect: str, document: Document) -> tuple[str, int, str]:
    """The last user message's text, how many messages the user has, and the system prompt."""
    match dialect:
        case "openai.completions":
            return _text(document.get("prompt")), 1, ""
        case "openai.embeddings":
            return _text(document.get("input")), 1, ""
        case "openai.responses":
            said, instructions = document.get("input"), _text(document.get("instructions"))
            if isinstance(said, str):
                return said, 1, instructions
            return _conversation(said, instructions)
        case _:
            return _conversation(document.get("messages"), _text(document.get("system")))


def _conversation(messages: object, system: str) -> tuple[str, int, str]:
    last, turns = "", 0
    for message in messages[-_MOST_MESSAGES:] if isinstance(messages, list) else ():
        if not isinstance(message, dict):
            continue
        match message.get("role"):
            case "user":
                text = _text(message.get("content"))
                # A message of tool results alone is none of the user's words.
                if text:
                    last, turns = text, turns + 1
            case "system" | "developer" if not system:
                system = _text(message.get("content"))
    return last, turns, system


def _text(content: object) -> str:
    """The text of a content: a string, or a list of strings and of parts with a text."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = list(islice(_parts(content), _MOST_PARTS))
    return "\n".join(parts)


def _parts(content: list[Any]) -> Iterator[str]:
    room = 4 * (FIRST + LAST)
    for part in content:
        text = part.get("text") if isinstance(part, dict) else part
        if isinstance(text, str) and text:
            yield text
            room -= len(text)
        if room <= 0:
            return


# ── How it is asked for ─────────────────────────────────────────────────────────────────────────


def _asked(document: Document) -> dict[str, Any]:
    """The parameters, by the names that the families of APIs have for them."""
    biases = document.get("logit_bias")
    named = biases.items() if isinstance(biases, dict) else ()
    values = [_number(value) for _, value in islice(named, _MOST_BIASES)]
    tools = document.get("tools") or document.get("functions")
    bound = next((document[name] for name in ("max_completion_tokens", "max_output_tokens", "max_tokens") if document.get(name)), None)
    model = document.get("model")
    return {
        "model": model[:200] if isinstance(model, str) else "",
        "choices": max(1, _count(document.get("n"), 1), _count(document.get("best_of"), 1)),
        "temperature": _number(document.get("temperature"), -1.0),
        "seeded": document.get("seed") is not None,
        "logprobs": _alternatives(document),
        "bias": len(biases) if isinstance(biases, dict) else 0,
        "bias_low": min(values, default=0.0),
        "bias_high": max(values, default=0.0),
        "bias_set": hash64(sorted(f"{token} {value}" for token, value in islice(named, _MOST_BIASES))),
        "max_output": _count(bound, -1),
        "tools": len(tools) if isinstance(tools, list) else 0,
        "formatted": _formatted(document),
        "stream": document.get("stream") is True,
    }


def _alternatives(document: Document) -> int:
    """How many alternatives per token are asked for; 0 the chosen token's alone, -1 none."""
    asked, top = document.get("logprobs"), document.get("top_logprobs")
    include = document.get("include")
    if isinstance(asked, bool) or asked is None:
        wanted = asked is True or (isinstance(include, list) and "message.output_text.logprobs" in include)
        return max(0, _count(top, 0)) if wanted or (asked is None and _count(top, 0) > 0) else -1
    return _count(asked, -1)


def _formatted(document: Document) -> bool:
    told = document.get("text")
    asked = document.get("response_format") or document.get("output_format") or (told.get("format") if isinstance(told, dict) else None)
    return isinstance(asked, dict) and asked.get("type") != "text"


def _number(value: object, missing: float = 0.0) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return missing
    return missing if _no_number(value) else float(max(-1e6, min(1e6, value)))


def _no_number(value: object) -> bool:
    # Only a float can be none; an int may be too large to be made into one.
    return isinstance(value, float) and isnan(value)


def _count(value: object, missing: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or _no_number(value):
        return missing
    return int(max(-1, min(_MOST_COUNT, value)))
