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
from gateway.signals.cues import CUE_MASK, CUES, LEANS, cues_of
from gateway.signals.layout import figures, layout_of, owned, salad, told_tools
from gateway.signals.minhash import minhash, word_hashes
from gateway.signals.text import FIRST, LAST, clipped, code_share, hash64, language_of, masked_words, topic_of, words_of

__all__ = ["look_of"]

_ENDS = 8
_START = 3
_MOST_PARTS = 64
_MOST_MESSAGES = 4_096
_MOST_SYSTEM = 4_000
_MOST_PROMPTS = 4_096
_PROMPTS: dict[int, tuple[int, int, int, bool]] = {}
_MOST_BIASES = 1_024
_MOST_TOOLS = 8
_MOST_FIELDS = 32
_RECORDS = (
    (frozenset({"chosen", "rejected"}), CUES["grading"]),
    (frozenset({"instruction", "output"}), LEANS["form"]),
    (frozenset({"instruction", "response"}), LEANS["form"]),
    (frozenset({"prompt", "completion"}), LEANS["form"]),
)
"""Fields of records that models are trained on."""
_MODELS = ("assistant", "tool", "function")
_CALLS = ("function_call", "function_call_output")  # tuples: a client may send what has no hash
_THINKING = ("<think", "</think", "<scratchpad", "</scratchpad", "<thought", "</thought", "<reasoning", "</reasoning")
_MOST_COUNT = 1 << 40

Document = Mapping[str, Any]


def look_of(dialect: str, document: Document, **rest: Any) -> Look:
    """One request as signals see it. `dialect` is the dialect's name (`openai.chat`, ...), `document` the request's JSON; `rest` are
    further fields of `Look`, which stand over what the document says: when, who, what became of it."""
    text, turns, system, goes_on = _said(dialect, document)
    seen = clipped(text)
    words = words_of(seen)
    language = language_of(seen, words)
    masked = masked_words(seen, language, words)
    prompt = _prompt(system[:_MOST_SYSTEM], language)
    told = told_tools(seen)
    code = code_share(seen)
    shape = layout_of(seen) | figures(seen, words, code) | (LEANS["tools"] if told else 0) | _forced(document)
    fields: dict[str, Any] = {
        "dialect": dialect,
        "words": len(words) if len(seen) == len(text) else len(words) * len(text) // max(1, len(seen)),
        "chars": len(text),
        "turns": turns,
        "goes_on": goes_on,
        "language": language,
        "code": code,
        "exact": hash64(words),
        "prefix": hash64(words[:_ENDS]),
        "start": hash64(masked[:_START]),
        "head": hash64(masked[:_ENDS]),
        "tail": hash64(masked[-_ENDS:]),
        "system": prompt[0],
        "system_words": prompt[1],
        "product": prompt[3],
        "wrapper": minhash(word_hashes(masked)),
        "topic": topic_of(words),
        "cues": cues_of(seen, language) | prompt[2] | shape,
        "salad": salad(seen, language),
        **_asked(document),
    }
    fields["tool_names"] = _tool_names(document) or told
    fields.update(rest)
    return Look(**fields)


def _prompt(system: str, language: str) -> tuple[int, int, int, bool]:
    """A system prompt's hash, its words, its cues, and whether it is a product's own. The same ones come again and again: what
    they came to is kept, by a number that does
    not tell the text."""
    name = hash((system, language))
    found = _PROMPTS.get(name)
    if found is None:
        if len(_PROMPTS) >= _MOST_PROMPTS:
            _PROMPTS.clear()
        words = words_of(system)
        # A system prompt may well speak of what is to stay hidden; that is no request for it.
        cues = cues_of(system, language) & CUE_MASK & ~CUES["hidden"]
        found = _PROMPTS[name] = hash64(words), len(words), cues, not cues and owned(system, words)
    return found


# ── What is said ────────────────────────────────────────────────────────────────────────────────


def _said(dialect: str, document: Document) -> tuple[str, int, str, bool]:
    """The last user message's text, how many messages the user has, the system prompt, and whether the model has spoken already."""
    match dialect:
        case "openai.completions":
            return _text(document.get("prompt")), 1, "", False
        case "openai.embeddings":
            return _text(document.get("input")), 1, "", False
        case "openai.responses":
            said, instructions = document.get("input"), _text(document.get("instructions"))
            if isinstance(said, str):
                return said, 1, instructions, False
            return _conversation(said, instructions)
        case _:
            return _conversation(document.get("messages"), _text(document.get("system")))


def _conversation(messages: object, system: str) -> tuple[str, int, str, bool]:
    last, turns, goes_on = "", 0, False
    for message in messages[-_MOST_MESSAGES:] if isinstance(messages, list) else ():
        if not isinstance(message, dict):
            continue
        goes_on = goes_on or message.get("role") in _MODELS or message.get("type") in _CALLS
        match message.get("role"):
            case "user":
                text = _text(message.get("content"))
                # A message of tool results alone is none of the user's words.
                if text:
                    last, turns = text, turns + 1
            case "system" | "developer" if not system:
                system = _text(message.get("content"))
    return last, turns, system, goes_on


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


def _tool_names(document: Document) -> tuple[int, ...]:
    """Hashes of the names of the first eight tools."""
    declared = document.get("tools") or document.get("functions")
    names = []
    for tool in declared[:_MOST_TOOLS] if isinstance(declared, list) else ():
        inner = tool.get("function", tool) if isinstance(tool, dict) else None
        name = inner.get("name") if isinstance(inner, dict) else None
        if isinstance(name, str):
            names.append(name[:80].replace(" ", "_"))
    return tuple(sorted(word_hashes(names)))


def _forced(document: Document) -> int:
    """The cue of an answer that is begun for the model within its thinking, or that is to stop where thinking ends; and what the fields
    of a schema are a record of."""
    cues = 0
    messages = document.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    begun = _text(last.get("content"))[:80] if isinstance(last, dict) and last.get("role") == "assistant" else ""
    stops = document.get("stop") or document.get("stop_sequences")
    ends = [stop[:40] for stop in (stops if isinstance(stops, list) else [stops])[:8] if isinstance(stop, str)]
    if (begun or ends) and any(sign in text.lower() for text in (begun, *ends) for sign in _THINKING):
        cues |= CUES["hidden"]
    asked = document.get("response_format")
    schema = asked.get("json_schema") if isinstance(asked, dict) else None
    inner = schema.get("schema") if isinstance(schema, dict) else None
    fields = inner.get("properties") if isinstance(inner, dict) else None
    if isinstance(fields, dict):
        names = {str(name).lower() for name in islice(fields, _MOST_FIELDS)}
        for wanted, meant in _RECORDS:
            cues |= meant if wanted <= names else 0
    return cues


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
