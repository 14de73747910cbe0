"""Tools: whose agents work for customers with a few tools of their own, and who collects tool trajectories to train agents on."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from gateway.demo.words import ADJECTIVES, NOUNS, THEMES, VERBS
from gateway.lab.personas.base import Ask, Part, Persona, ask, user
from gateway.lab.texts import company

__all__ = ["PERSONAS"]

_COLLECTED = (
    "Plan the task, call whatever tools you need, and write down the thought before every call.",
    "Produce a complete Thought / Action / Observation trajectory for this task with the tools given.",
    "Solve it with the functions. Where a result is missing, simulate it, and go on until the end.",
    "Act as an agent and output the full episode: each decision, each call with arguments, each return value.",
    "Use at least three tools in a row and comment why each was the right choice.",
    "Work through this as a demonstration that another model will imitate, one tool call at a time.",
)
_DUTIES = (
    "You are {name}, the support assistant of {house}. Use the tools. Be brief and friendly.",
    "You help customers of {house}. Look orders up before you answer. Never promise refunds.",
    "{house} help desk. Answer only about our products, in the customer's language.",
    "You are the booking agent {name} of {house}. Ask one question at a time.",
)
_CUSTOMERS = (
    "Where is my order {n}?",
    "I would like to change my booking {n}.",
    "The {thing} I got is broken, what now?",
    "Do you have the {thing}?",
    "Invoice {n} is wrong.",
    "Can I still cancel {n}?",
    "How long does delivery of a {thing} take?",
    "My login does not work.",
)
_NAMES = ("Max", "Mia", "Otto", "Lea", "Sam", "Nora")


def _tool(chance: Random, theme: str) -> dict[str, Any]:
    noun = chance.choice(NOUNS[theme])
    parameters = {"type": "object", "properties": {"query": {"type": "string"}, "limit": {"type": "integer"}}, "required": ["query"]}
    name = f"{chance.choice(VERBS)}_{noun}"
    return {"type": "function", "function": {"name": name, "description": f"Looks up a {noun}.", "parameters": parameters}}


def _called(tool: dict[str, Any], about: str, found: str, number: int) -> list[dict[str, Any]]:
    """A call of a tool and what it returned."""
    name = f"call_{number}"
    call = {"id": name, "type": "function", "function": {"name": tool["function"]["name"], "arguments": f'{{"query": "{about}"}}'}}
    return [{"role": "assistant", "content": None, "tool_calls": [call]}, {"role": "tool", "tool_call_id": name, "content": found}]


def _tool_trajectory(part: Part) -> Iterator[Ask]:
    """Other tools and another task each time: every combination once."""
    wording = part.pick(_COLLECTED)
    tasks = part.corpora.walk(part.chance, "task")
    number = 0
    while True:
        number += 1
        found = tasks.item(number)
        tools = [_tool(part.chance, part.chance.choice(THEMES)) for _ in range(part.chance.randint(2, 5))]
        said = [user(f"{wording}\n\n{found.text}")]
        yield ask(part, said, answer=120, tools=tools)
        for step in range(part.chance.randint(0, 3)):
            said = [*said, *_called(part.chance.choice(tools), f"step {step}", found.answer, step)]
            yield ask(part, said, answer=120, tools=tools)


def _support_bot(part: Part) -> Iterator[Ask]:
    """A help desk with its three to five tools; customers ask the same things in their own words."""
    chance = part.chance
    theme, house = chance.choice(THEMES), company(chance)
    tools = [_tool(chance, theme) for _ in range(chance.randint(2, 5))]
    system = part.pick(_DUTIES).format(name=chance.choice(_NAMES), house=house)
    while True:
        thing = f"{chance.choice(ADJECTIVES)} {chance.choice(NOUNS[theme])}"
        asked = chance.choice(_CUSTOMERS).format(n=chance.randint(10_000, 99_999), thing=thing)
        said = [user(asked)]
        yield ask(part, said, system=system, answer=80, tools=tools)
        for step in range(chance.randint(0, 3)):
            said = [*said, *_called(chance.choice(tools), thing, f"{thing}: in stock, 3 days", step)]
            yield ask(part, said, system=system, answer=80, tools=tools)


PERSONAS: tuple[Persona, ...] = (
    Persona("support_bot", False, "a help desk with a few tools of its own", _support_bot, "tool_trajectory", weight=3),
    Persona("tool_trajectory", True, "collects whole tool trajectories over ever other tools", _tool_trajectory, "support_bot"),
)
"""The personas of this file."""
