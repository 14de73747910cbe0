"""Stealing the last layer (Carlini et al. 2024, arXiv 2403.06634) from the demo, whose W of 2,048 x 32 is known, over HTTP.

Logits are W h with h of 32 numbers, so that logit vectors of many states lie in 32 dimensions. Whoever reads them whole counts the
singular values above nothing and has the hidden size, and has W up to a linear map (what remains unknown in any such attack).

With log probabilities: 18 tokens and a reference are lifted by one bias into the alternatives that are told; the difference to the
reference is the difference of logits. Another token is lifted higher still, so that the same text is written each time and every
place of it is one more state. Without log probabilities: the bias is halved at which one token overtakes another. With bans alone,
the variant that a policy must not forget: all tokens but twenty are banned, and the twenty told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.demo import demo_app
from gateway.demo.ask import Prompt
from gateway.demo.grammar import FIRST
from gateway.demo.speech import moods
from gateway.demo.vocabulary import SIZE, VOCABULARY, token_id
from gateway.demo.weights import HIDDEN, W, hidden_state
from gateway.demo.words import NOUNS, THEMES
from gateway.lab.dice import dice
from gateway.lab.experiments.base import Client, Guarded, Setting, Table, guarded, unguarded

__all__ = ["EXPERIMENT", "LastLayer", "by_bans", "by_bisection", "by_logprobs", "hidden_size", "unexplained"]

Matrix = NDArray[np.float64]

REFERENCE = 1500
"""A token that the grammar never asks for; which one hardly matters."""

_PATH = "/v1/chat/completions"
_WRITTEN = (
    (" The", " river", " carries", " the", "."),
    (" The", " old", " river", " carries", " the", " near", "."),
    (" Most", " rivers", " carry", " most", " and", "."),
    (" Most", " old", " rivers", " often", " carry", " many", "."),
    (" Often", ",", " the", " river", " often", " carries", " most", " rivers", "."),
    (" The", " river", " carries", " the", " and", " most", " old", " rivers", " carry", "."),
)
"""Words that an attacker has the model write, so that it passes through many places: each a state of its own."""
_PROMPTS = tuple(f"Tell me about the {NOUNS[theme][number]}." for number in range(5) for theme in THEMES)
_TOLD = 20
_LENGTH = 24
_LIFT, _FORCE = 50.0, 100.0
_HALVINGS, _COARSE = 22, 1e-4
_NOTHING = 1e-6
"""Singular values below this, of the largest, are nothing: noise of 64-bit numbers stands at 1e-14."""


def hidden_size(differences: Matrix, nothing: float = _NOTHING) -> int:
    """How many dimensions logit differences (tokens x states) have: singular values above `nothing` of the largest. 0 without any."""
    if not differences.size or not differences.any():
        return 0
    values = np.linalg.svd(differences, compute_uv=False)
    return int((values > nothing * values[0]).sum())


def unexplained(differences: Matrix, tokens: Sequence[int]) -> float:
    """The share of W, its rows of these tokens without the reference, that lies outside what was recovered. 0 is all of it."""
    if not differences.any():
        return 1.0
    truth = np.array([W[token] for token in tokens]) - np.array(W[REFERENCE])
    left, values, _ = np.linalg.svd(differences, full_matrices=False)
    space = left[:, : min(HIDDEN, int((values > values[0] * 1e-12).sum()))]
    return float(np.linalg.norm(truth - space @ (space.T @ truth)) / np.linalg.norm(truth))


async def by_logprobs(client: Client, tokens: Sequence[int]) -> Matrix:
    """Logit differences of tokens to the reference, tokens x states, by biases. What is refused or not told leaves zeros."""
    found = np.zeros((len(tokens), len(_WRITTEN) * _LENGTH))
    for number, words in enumerate(_WRITTEN):
        written = [_known(word) for word in words]
        for batch in _batches(tokens, written):
            bias = dict.fromkeys((*batch, REFERENCE), _LIFT) | dict.fromkeys(written, _FORCE)
            told = await _tops(client, _PROMPTS[number], bias)
            _note(found, told, tokens, batch, written, number * _LENGTH, _FORCE - _LIFT)
    return found


async def by_bans(client: Client, tokens: Sequence[int]) -> Matrix:
    """The same by bans: everything but a batch, the reference and the words that are written is banned."""
    found = np.zeros((len(tokens), len(_WRITTEN) * _LENGTH))
    for number, words in enumerate(_WRITTEN):
        written = [_known(word) for word in words]
        for batch in _batches(tokens, written):
            kept = {*batch, *written, REFERENCE}
            told = await _tops(client, _PROMPTS[number], {token: -100.0 for token in range(SIZE) if token not in kept})
            _note(found, told, tokens, batch, written, number * _LENGTH, 0.0)
    return found


async def by_bisection(client: Client, tokens: Sequence[int], prompts: Sequence[str], halvings: int) -> Matrix:
    """Logit differences to the reference at the first place, without log probabilities: tokens x prompts.

    Both tokens are lifted above all others, one by a bias that is halved until it is known to 2^-`halvings` of 80 nats.
    """
    found = np.zeros((len(tokens), len(prompts)))
    for column, prompt in enumerate(prompts):
        for row, token in enumerate(tokens):
            low, high = -40.0, 40.0
            for _ in range(halvings):
                middle = (low + high) / 2
                body = _body(prompt, {REFERENCE: 60.0, token: 60.0 + middle}, 1)
                answer = await client.ask(_PATH, body)
                if not answer.ok:
                    return found
                first = VOCABULARY[token].text.strip()
                low, high = (low, middle) if _text(answer.document).strip() == first else (middle, high)
            found[row, column] = -(low + high) / 2
    return found


class LastLayer:
    """The experiment `last_layer`."""

    name = "last_layer"
    says = "the output layer and the hidden size, by log probabilities and biases, by bisection, by bans"

    async def run(self, setting: Setting) -> tuple[Table, ...]:
        """See the module."""
        rows = []
        async with unguarded(demo_app()) as http:
            for attack in _ATTACKS:
                rows.append(await _row(setting, "none", http.again(), attack))
        for attack in _ATTACKS:
            async with guarded(demo_app(), setting.mount) as gateway:
                rows.append(await _row(setting, "default policy", await gateway.caller(), attack, gateway))
        note = (
            f"The model has {SIZE} tokens and {HIDDEN} hidden dimensions. `W not found` is the share of the rows of these tokens that "
            "was not recovered, up to the linear map that no such attack can know. Bisection sees only the first place of an answer, "
            f"whose states span {_first_rank(_first_prompts(setting))} dimensions here. One who is told to wait takes another key. "
            "Without any bias twenty tokens are told of a state: what is told whole has twenty rows at most, and no 32 dimensions. "
            "Filling in such gaps was not tried."
        )
        columns = ("gateway", "attack", "requests", "refused", "keys", "tokens", "hidden size", "W not found", "decibans", "rung")
        return (Table("Stealing the last layer", columns, tuple(rows), note),)


async def _row(setting: Setting, before: str, client: Client, attack: str, gateway: Guarded | None = None) -> tuple[str, ...]:
    setting.told(f"last_layer: {attack}, gateway: {before}")
    tokens = _tokens(setting, attack)
    lost = "-"
    if attack == "bisection":
        size = hidden_size(await by_bisection(client, tokens, _first_prompts(setting), _HALVINGS), _COARSE)
    else:
        found = await (by_logprobs if attack == "log probabilities" else by_bans)(client, tokens)
        size, lost = hidden_size(found), _share(unexplained(found, tokens))
    score, rung = ("-", "-") if gateway is None else _told(await gateway.standing(client))
    numbers = map(str, (client.asked, client.refused, len(client.key_ids), len(tokens), size))
    return before, attack, *numbers, lost, score, rung


_ATTACKS = ("log probabilities", "bisection", "bans")


def _share(value: float) -> str:
    return f"{value:.0e}" if value < 1e-3 else f"{value:.2f}"


def _told(standing: tuple[float, str]) -> tuple[str, str]:
    return f"{standing[0]:.0f}", standing[1]


def _tokens(setting: Setting, attack: str) -> list[int]:
    """Every token by log probabilities; by bans those that no grammar asks for, as others would be written; some by bisection."""
    if attack == "log probabilities":
        return list(range(1, setting.sized(SIZE, 120)))
    if attack == "bisection":
        return dice("last_layer", setting.seed).sample(range(1, REFERENCE), 24)
    rare = [token.id for token in VOCABULARY if not token.parts and token.text.strip()]
    return rare[-setting.sized(360, 60) :]


def _first_prompts(setting: Setting) -> Sequence[str]:
    return _PROMPTS[: setting.sized(len(_PROMPTS), 20)]


def _first_rank(prompts: Sequence[str]) -> int:
    asked = [Prompt(f"user\n{prompt}") for prompt in prompts]
    states = [hidden_state(FIRST, prompt.theme, next(moods(prompt.number + len("text")))) for prompt in asked]
    return int(np.linalg.matrix_rank(np.array(states)))


def _batches(tokens: Sequence[int], written: Sequence[int]) -> Iterator[Sequence[int]]:
    """So many tokens at a time as are told beside the reference and the words that are written."""
    wanted = [token for token in tokens if token != REFERENCE and token not in written]
    size = _TOLD - 1 - len(written)
    return (wanted[at : at + size] for at in range(0, len(wanted), size))


def _known(text: str) -> int:
    token = token_id(text)
    if token is None:
        raise LookupError(f"the demo has no token {text!r}")
    return token


def _body(prompt: str, bias: Mapping[int, float], length: int) -> dict[str, Any]:
    return {
        "model": "demo",
        "messages": [{"role": "user", "content": prompt}],
        "temperature": 0,
        "max_completion_tokens": length,
        "logit_bias": {str(token): value for token, value in bias.items()},
    }


async def _tops(client: Client, prompt: str, bias: Mapping[int, float]) -> list[dict[str, float]]:
    """For each place what was told of the likeliest tokens; empty where it was refused."""
    answer = await client.ask(_PATH, {**_body(prompt, bias, _LENGTH), "logprobs": True, "top_logprobs": _TOLD})
    if not answer.ok:
        return []
    told = (answer.document["choices"][0].get("logprobs") or {}).get("content") or []
    return [{one["token"]: one["logprob"] for one in place["top_logprobs"]} for place in told]


def _note(
    found: Matrix,
    told: Sequence[Mapping[str, float]],
    tokens: Sequence[int],
    batch: Sequence[int],
    written: Sequence[int],
    column: int,
    lifted: float,
) -> None:
    """Put down each token's difference to the reference; `written` ones were lifted more by so much."""
    rows = {token: row for row, token in enumerate(tokens)}
    for at, tops in enumerate(told[:_LENGTH]):
        base = _in(tops, REFERENCE, at)
        for token in (*batch, *written):
            here = _in(tops, token, at)
            if here is not None and base is not None and token in rows:
                found[rows[token], column + at] = here - base - lifted * (token in written)


def _in(tops: Mapping[str, float], token: int, at: int) -> float | None:
    text = VOCABULARY[token].text
    return tops.get(text if at else text.lstrip(" "))


def _text(document: Mapping[str, Any]) -> str:
    text = document["choices"][0]["message"]["content"]
    return text if isinstance(text, str) else ""


EXPERIMENT = LastLayer()
