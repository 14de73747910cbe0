"""One request with its answer as signals see it: numbers and sketches, never text.

A `Look` is made once per request, off the road (`gateway.signals.look`), live as in replay; whatever detects works from it alone.
Hashes are stable over processes and versions of Python, so that what several processes saw can be put together.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

__all__ = ["Look", "RefusedBy"]

RefusedBy = Literal["", "limit", "policy"]


class Look(Struct, frozen=True, kw_only=True):
    """One request as it is weighed. Times in Unix microseconds, durations in microseconds, hashes 64 bits wide unless said otherwise,
    0 where there is nothing to hash. Text means the text of the last user message."""

    at_us: int = 0
    key_id: str = ""
    account: str = ""
    peer: str = ""
    dialect: str = ""
    model: str = ""

    words: int = 0
    """Words and characters of the text, before it is cut to what is looked at."""
    chars: int = 0
    turns: int = 0
    """Messages of the user."""
    goes_on: bool = False
    """The model has said or called something in it already."""
    language: str = ""
    """`en`, `de`, ...; "" where it cannot be told."""
    code: float = 0.0
    """Share of the characters that prose has few of: braces, operators, underscores."""
    exact: int = 0
    """The whole text, normalised."""
    prefix: int = 0
    """Its first eight words."""
    start: int = 0
    """Its first three words, masked like the head."""
    head: int = 0
    """Its first eight words with what looks filled in (numbers, quotations, names, long ids) masked."""
    tail: int = 0
    """Its last eight words, masked."""
    system: int = 0
    """The system prompt."""
    system_words: int = 0
    product: bool = False
    """The system prompt tells of a product's own: names, customers, rules of a house; and asks for no harvest."""
    wrapper: tuple[int, ...] = ()
    """MinHash of the text's masked word triples, 32 x 32 bits: see `gateway.signals.minhash`. () where there are no words."""
    topic: tuple[int, ...] = ()
    """Up to eight 32-bit hashes of the words that look rarest, ascending."""
    cues: int = 0
    """What the wording asks for, one bit each: see `gateway.signals.cues`."""

    choices: int = 1
    temperature: float = -1.0
    """-1 where it was left to the upstream."""
    seeded: bool = False
    logprobs: int = -1
    """Alternatives asked for, 0 the chosen token's alone, -1 none."""
    bias: int = 0
    """Tokens with a bias, and the smallest and largest bias."""
    bias_low: float = 0.0
    bias_high: float = 0.0
    bias_set: int = 0
    """Which tokens are biased, and by how much."""
    max_output: int = -1
    """Tokens, -1 unset."""
    tools: int = 0
    tool_names: tuple[int, ...] = ()
    """32-bit hashes of the names of up to eight tools, ascending: of those declared, else of those told of in the text."""
    salad: bool = False
    """The text's longest line is words or letters at random: none of the small words that sentences have, and no punctuation."""
    formatted: bool = False
    """The answer is asked for in a format: JSON, a schema."""
    stream: bool = False

    status: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    ttft_us: int = 0
    duration_us: int = 0
    refused: RefusedBy = ""
    finish: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    """What is known of the caller from elsewhere: `asn`, `payment`, `created`, `agent`, ... as text."""
