"""Distilling by text: a copier trains on answers that carry his code word, and the operator asks of what he is left with whose it is.

The policy marks every answer (`always: [fingerprint]`), as it would from the first answer on that a flagged caller gets. What comes
out of the copier's hands is read by `gateway.forensics`; p is corrected for 100,000 callers and all scores. Translating there and
back is not tried: it needs a translator.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from random import Random

from msgspec import Struct

from gateway.forensics.attribute import attribute
from gateway.forensics.readings import MODELS
from gateway.lab.corpora import Item
from gateway.lab.dice import dice
from gateway.lab.experiments.base import Client, Guarded, Setting, Table, guarded, unguarded
from gateway.lab.experiments.ngram import NGram
from gateway.lab.experiments.tampering import commonest, normalised, redrawn, replaced, sentences, stripped
from gateway.lab.experiments.teacher import Reciting, prompted
from gateway.perturb.base import derived

__all__ = ["EXPERIMENT", "MARKED", "Taken", "Text", "answers", "interval", "log10_p", "suspects"]

CALLERS = 100_000
FOUND = -6.0
"""log10 of the corrected p below which a caller counts as traced."""

MARKED = """
schema: gateway.policy/v1
name: laboratory
version: "1"
credentials: issued
callers: [{ id: everyone, match: {}, tier: marked }]
tiers: { marked: { models: ["*"], always: [fingerprint] } }
"""
_PATH = "/v1/chat/completions"
_AGAIN = 3
_TEN, _THREE = 10, 3


class Taken(Struct, frozen=True):
    """What a copier holds: his own answers, those of two and of nine others to further questions, and clean answers."""

    ours: tuple[str, ...]
    others: tuple[tuple[str, ...], ...]
    clean: tuple[str, ...]


class Text:
    """The experiment `text`."""

    name = "text"
    says = "students of marked answers: how good they are, and whether what they write is traced"

    async def run(self, setting: Setting) -> tuple[Table, ...]:
        """See the module."""
        items = prompted(setting.prompts)
        held = items[:: max(2, min(8, len(items)))]
        train = [item for item in items if item not in held]
        many = min(setting.sized(100, 30), len(train))
        logs: dict[str, list[float]] = {}
        app = Reciting(items)
        async with guarded(app, setting.mount, text=MARKED) as gateway:
            for repeat in range(setting.repeats):
                setting.told(f"text: {repeat + 1} of {setting.repeats}")
                chance = dice("text", setting.seed, repeat)
                caller = await gateway.caller()
                taken = await _taken(gateway, caller, train, many, chance)
                for name, texts in suspects(taken, chance, setting.sized(10_000, 500)).items():
                    logs.setdefault(name, []).append(log10_p(texts, caller, gateway))
            marked = await answers(await gateway.caller(), train)
        async with unguarded(app) as client:
            plain = await answers(client, train)
        return (_traced(logs, len(items), many, bool(setting.prompts)), _quality(plain, marked, [item.answer for item in held]))


async def answers(client: Client, items: Sequence[Item], times: int = 1) -> list[str]:
    """What is answered to each; where it is asked several times, the answer that came most often."""
    told = []
    for item in items:
        body = {"model": "demo", "messages": [{"role": "user", "content": item.text}]}
        tried = [(await client.ask(_PATH, body)).document["choices"][0]["message"]["content"] for _ in range(times)]
        told.append(commonest(tried))
    return told


async def _taken(gateway: Guarded, caller: Client, train: Sequence[Item], many: int, chance: Random) -> Taken:
    """A caller's answers, each asked for three times, and a tenth as many of each of nine others."""
    ours = await answers(caller, chance.sample(train, many), _AGAIN)
    others = [await answers(await gateway.caller(), chance.sample(train, min(many, len(train)))) for _ in range(_TEN - 1)]
    return Taken(tuple(ours), tuple(map(tuple, others)), tuple(item.answer for item in train))


def suspects(taken: Taken, chance: Random, words: int) -> Mapping[str, Sequence[str]]:
    """What the operator finds, by what the copier did. A student writes so many words."""
    ours, clean = taken.ours, [sentence for text in taken.clean for sentence in sentences(text)]
    many = len(ours)

    def edited(edit: Callable[[str], str]) -> list[str]:
        return [edit(text) for text in ours]

    def diluted(times: int) -> list[str]:
        return [*ours, *chance.choices(taken.clean, k=many * times)]

    return {
        f"{many // 4} answers": ours[: many // 4],
        f"{many} answers, each the commonest of {_AGAIN}": ours,
        "plain ASCII": edited(stripped),
        "half of the variants drawn anew": edited(lambda text: redrawn(text, chance, 0.5)),
        "all variants drawn anew": edited(lambda text: redrawn(text, chance, 1.0)),
        "one spelling and style": edited(normalised),
        "30% of the sentences replaced": edited(lambda text: replaced(text, chance, 0.3, clean)),
        "60% of the sentences replaced": edited(lambda text: replaced(text, chance, 0.6, clean)),
        "three callers mixed": [*ours, *_flat(taken.others[: _THREE - 1])],
        "ten callers mixed": [*ours, *_flat(taken.others)],
        "95% clean": diluted(19),
        f"4-gram student, {words:,} words": [NGram(ours).write(words, chance)],
        f"4-gram student, a tenth marked, {words:,} words": [NGram(diluted(9)).write(words, chance)],
        "clean answers of others": taken.clean[:many],
    }


def log10_p(texts: Sequence[str], caller: Client, gateway: Guarded) -> float:
    """How surely a caller's code word is in texts, corrected; 0 is not at all."""
    secret = derived(gateway.secret, "perturbations")
    (found,) = attribute(texts, [caller.key_id], secret=secret, epochs=[gateway.epoch]).suspects
    return min(0.0, found.log10_p + math.log10(CALLERS * len(MODELS)))


def interval(hits: int, tries: int) -> str:
    """The 95% interval of a share (Wilson 1927)."""
    z = 1.96
    share, wide = hits / tries, z * z / tries
    middle, half = share + wide / 2, z * math.sqrt(share * (1 - share) / tries + wide / tries / 4)
    low, high = (middle - half) / (1 + wide), (middle + half) / (1 + wide)
    return f"{max(low, 0.0):.0%} to {min(high, 1.0):.0%}"


def _flat(groups: Sequence[Sequence[str]]) -> list[str]:
    return [text for group in groups for text in group]


def _traced(logs: Mapping[str, Sequence[float]], items: int, many: int, given: bool) -> Table:
    rows = []
    for name, found in logs.items():
        hits = sum(value < FOUND for value in found)
        rows.append((name, f"{hits} of {len(found)}", interval(hits, len(found)), f"{statistics.median(found):.1f}"))
    note = (
        f"Out of {items} {'given' if given else 'made-up'} answers; {many} of a caller in each row unless it says otherwise, {many} of "
        "each other caller where several are mixed. Sentences are replaced by clean ones of other answers. Who "
        "knows the classes and says every place in one way is not traced; his text then has one style, which says that much of him. "
        "Translating there and back and neural students were not tried."
    )
    columns = ("what the copier has", "traced (p < 1e-6)", "95% interval", "median log10 p, corrected")
    return Table("Distilling by text: whose code word is found", columns, tuple(rows), note)


def _quality(plain: Sequence[str], marked: Sequence[str], held: Sequence[str]) -> Table:
    trained = {"plain answers": plain, "marked ones": marked, "marked ones, brought to one style": [*map(normalised, marked)]}
    rows = tuple(
        (name, f"{sum(len(text.split()) for text in texts):,}", f"{NGram(texts).perplexity(held):.1f}")
        for name, texts in trained.items()
    )
    note = "Lower is better; the answers held out are the model's own. The mark is there to be found, not to spoil a student."
    return Table("Distilling by text: how good a 4-gram student is", ("trained on", "words", "perplexity"), rows, note)


EXPERIMENT = Text()
