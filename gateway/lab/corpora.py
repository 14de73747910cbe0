"""What callers ask about: prompts out of files, or made up where there are none.

A corpus is a list without end that is read by number, so that several callers can walk complementary slices of it and one caller can
come back to what it asked before. A *domain* is what one product sees: a single theme. A *walk* crosses everything there is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Literal

from gateway.demo.words import THEMES
from gateway.errors import SettingsError
from gateway.lab.dice import dice
from gateway.lab.texts import document, problem, question, sentence, task

__all__ = ["Corpora", "Corpus", "Item", "Kind", "read_prompts"]

Kind = Literal["problem", "task", "question", "document"]

_TEXTS = ("text", "prompt", "question", "instruction")
_ANSWERS = ("answer", "response", "output", "completion")
_MOST_ITEMS = 200_000
_LONGEST_TEXT = 20_000
_SEARCHED = 20_000
_FEWEST = 25
_MOST_WALKED = 2_000
_LOOKED_AT = 200
_NUMBER = re.compile(r"\d+")
_WORD = re.compile(r"[^\W\d_]{5,}")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to ask about, and what a good answer to it may be."""

    text: str
    answer: str


def read_prompts(path: Path) -> tuple[Item, ...]:
    """The prompts of a JSON Lines file, with their answers where there are some.

    The text is in `text`, `prompt`, `question` or `instruction` (with `input`). At most 200,000 rows are kept, each cut at 20,000
    characters. SettingsError names file and line.
    """
    items: list[Item] = []
    number = 0
    try:
        with path.open(encoding="utf-8") as file:
            for line in file:
                number += 1
                if not line.strip():
                    continue
                items.append(_item(json.loads(line)))
                if len(items) >= _MOST_ITEMS:
                    break
    except OSError as error:
        raise SettingsError(f"--prompts {path}: {error.strerror or error}") from error
    except (ValueError, TypeError) as error:
        raise SettingsError(f"--prompts {path}:{number}: one JSON object a line with a `text` is wanted ({error})") from error
    if not items:
        raise SettingsError(f"--prompts {path}: there is no prompt in it")
    return tuple(items)


def _item(row: Any) -> Item:
    if not isinstance(row, Mapping):
        raise TypeError("the line is no object")
    text = next((row[name] for name in _TEXTS if isinstance(row.get(name), str) and row[name].strip()), None)
    if text is None:
        raise ValueError("none of its fields text, prompt, question, instruction is a text")
    given = row.get("input")
    answer = next((row[name] for name in _ANSWERS if isinstance(row.get(name), str) and row[name].strip()), "")
    whole = f"{text}\n{given}" if isinstance(given, str) and given.strip() else text
    return Item(whole[:_LONGEST_TEXT], answer[:_LONGEST_TEXT])


@dataclass(frozen=True, slots=True)
class Corpus:
    """A list without end. `theme` "" crosses all themes; `given` are prompts from files, read round and round."""

    name: str
    kind: Kind
    theme: str
    given: tuple[Item, ...]

    def item(self, number: int) -> Item:
        """The item at a number from 0 on; always the same one."""
        chance = dice(self.name, self.kind, number)
        if self.given:
            return self._read(chance, number)
        theme = self.theme or chance.choice(THEMES)
        if self.kind == "problem":
            return Item(*problem(chance, theme))
        text = {"task": task, "question": question, "document": document}[self.kind](chance, theme)
        return Item(text, " ".join(sentence(chance, theme) for _ in range(3)))

    def _read(self, chance: Random, number: int) -> Item:
        found = self.given[number % len(self.given)]
        answer = found.answer or document(chance, chance.choice(THEMES))
        return Item(found.answer, found.text) if self.kind == "document" and found.answer else Item(found.text, answer)


def _is_sums(file: tuple[Item, ...]) -> bool:
    """Whether most prompts of a file are sums in words: two numbers and more, and a question mark at the end."""
    looked = file[:_LOOKED_AT]
    return 2 * sum(len(_NUMBER.findall(item.text)) >= 2 and item.text.rstrip().endswith("?") for item in looked) > len(looked)


class Corpora:
    """All corpora of one rehearsal. `files` are the prompts of `--prompts`; without any, texts are made up.

    Files of sums are read where problems are wanted, others where tasks or documents are, any where only one sort was given.
    """

    def __init__(self, files: tuple[tuple[Item, ...], ...] = ()) -> None:
        self._files = files
        sums = tuple(file for file in files if _is_sums(file))
        words = tuple(file for file in files if file not in sums)
        self._for: dict[Kind, tuple[tuple[Item, ...], ...]] = {
            "problem": sums or files,
            "task": words or files,
            "question": files,
            "document": words or files,
        }

    def domain(self, chance: Random, kind: Kind) -> Corpus:
        """What one product sees: a theme of its own; in files the prompts that share a word."""
        theme = chance.choice(THEMES)
        return Corpus(f"domain-{chance.getrandbits(48):012x}", kind, theme, self._about(chance, kind) if self._files else ())

    def walk(self, chance: Random, kind: Kind) -> Corpus:
        """Everything there is, in an order of its own: unrelated domains side by side."""
        name = f"walk-{chance.getrandbits(48):012x}"
        if not self._files:
            return Corpus(name, kind, "", ())
        file = chance.choice(self._for[kind])
        return Corpus(name, kind, "", tuple(chance.sample(file, min(len(file), _MOST_WALKED))))

    def _about(self, chance: Random, kind: Kind) -> tuple[Item, ...]:
        """Prompts of one file that share a word, with others added where few do."""
        file = chance.choice(self._for[kind])
        begin = chance.randrange(max(1, len(file) - _SEARCHED + 1))
        near = file[begin : begin + _SEARCHED]
        words = _WORD.findall(chance.choice(near).text) or ["e"]
        word = chance.choice(words)
        found = [item for item in near if word in item.text][:_MOST_WALKED]
        if len(found) < _FEWEST:
            found += chance.sample(near, min(len(near), _FEWEST - len(found)))
        chance.shuffle(found)
        return tuple(found)
