"""OpenAI embeddings: `POST /embeddings`. A text's vector, of length one, is the hashed sum of its words and their three-letter pieces.

So texts that share words lie near each other, those that share stems a little less so, and others at about a right angle
("feature hashing", Weinberger et al. 2009: the sign is hashed too, which makes collisions cancel out on the average).
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from array import array
from functools import lru_cache

from gateway.demo.ask import Body, Fault, read_model, whole
from gateway.demo.openai_completions import read_token_texts
from gateway.demo.vocabulary import count_tokens
from gateway.demo.wire import Call, Json, Reply

__all__ = ["embed", "embeddings"]

_DIMENSIONS = 256
_MOST_DIMENSIONS = 4096
_MOST_INPUTS = 2048
_WORD = re.compile(r"\w+")
_SPREAD = 8
"""In how many directions a feature points."""


async def embeddings(call: Call) -> Reply:
    """A vector for each input, as floats or as base64 of little-endian 32-bit floats."""
    body = call.body
    model, texts = read_model(body), _read_inputs(body)
    dimensions = whole(body, "dimensions", 1, _MOST_DIMENSIONS, _DIMENSIONS)
    encoding = body.get("encoding_format") or "float"
    if encoding not in ("float", "base64"):
        raise Fault("Invalid value for 'encoding_format': must be 'float' or 'base64'.", param="encoding_format", code="invalid_value")
    told = []
    for at, text in enumerate(texts):
        if at:
            await call.pace.turn()
        vector = embed(text, dimensions)
        shown = list(vector) if encoding == "float" else _base64(vector)
        told.append({"object": "embedding", "index": at, "embedding": shown})
    tokens = sum(map(count_tokens, texts))
    return Json({"object": "list", "data": told, "model": model, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}})


def embed(text: str, dimensions: int) -> array[float]:
    """The vector of a text, of length one; all zeros for a text without words."""
    vector = [0.0] * dimensions
    for word in _WORD.findall(text.lower()):
        for feature, weight in _features(word):
            for at, sign in _directions(feature):
                vector[at % dimensions] += sign * weight
    length = math.sqrt(sum(value * value for value in vector)) or 1.0
    return array("f", [value / length for value in vector])


@lru_cache(maxsize=4096)
def _features(word: str) -> tuple[tuple[str, float], ...]:
    padded = f"<{word[:64]}>"
    pieces = [padded[at : at + 3] for at in range(len(padded) - 2)]
    return ((word[:64], 1.0), *((piece, 1.0 / math.sqrt(len(pieces))) for piece in pieces))


@lru_cache(maxsize=16_384)
def _directions(feature: str) -> tuple[tuple[int, float], ...]:
    digest = hashlib.blake2b(feature.encode(), digest_size=4 * _SPREAD).digest()
    numbers = (int.from_bytes(digest[at : at + 4], "big") for at in range(0, len(digest), 4))
    return tuple((number >> 1, 1.0 if number & 1 else -1.0) for number in numbers)


def _read_inputs(body: Body) -> list[str]:
    """A text, token ids, or a list of either."""
    given = body.get("input")
    if given is None:
        raise Fault("Missing required parameter: 'input'.", param="input", code="missing_required_parameter")
    inputs = [given] if not isinstance(given, list) or _are_ids(given) else given
    if not 1 <= len(inputs) <= _MOST_INPUTS or not all((isinstance(one, str) and one) or _are_ids(one) for one in inputs):
        raise Fault(
            "Invalid 'input': expected a text, token ids, or a list of either, none of them empty.", param="input", code="invalid_type"
        )
    return [one if isinstance(one, str) else read_token_texts(one) for one in inputs]


def _are_ids(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(i, int) and not isinstance(i, bool) and i >= 0 for i in value)


def _base64(vector: array[float]) -> str:
    return base64.b64encode(vector.tobytes()).decode()
