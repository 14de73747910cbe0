"""What a persona is, and how its requests are put on the wire in whatever manner its caller happens to have.

Everything that intent does not change is drawn here, from the same distributions for honest and hostile callers: dialect, model,
temperature, lengths, streaming, the generic system prompt. A persona only says what is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Literal, TypeVar

from gateway.lab.corpora import Corpora
from gateway.lab.dice import between

__all__ = ["Ask", "Composer", "Group", "Half", "Manner", "Member", "Part", "Persona", "ask", "draw_manner", "user"]

T = TypeVar("T")

Half = Literal["all", "a", "b"]
"""Which of the wordings may be used: every one, or one half, so that a detector can be judged on the other."""

_SYSTEMS = ("", "", "", "You are a helpful assistant.", "Answer concisely.", "You are an expert.", "Be precise.")
_MODELS = ("large-1", "large-1", "small-1")
_TEMPERATURES = (None, None, 0.0, 0.2, 0.7, 1.0)
_LENGTHS = (None, 512, 1024, 2048, 4096)
_DIALECTS = ("chat",) * 15 + ("messages",) * 3 + ("responses",) * 2


@dataclass(frozen=True, slots=True)
class Manner:
    """How a caller's program speaks, whatever it asks. `end_user`: it names its own users."""

    dialect: str
    model: str
    system: str
    temperature: float | None
    longest: int | None
    stream: bool
    end_user: bool


def draw_manner(chance: Random) -> Manner:
    """A manner; honest and hostile callers draw from the same hat."""
    return Manner(
        dialect=chance.choice(_DIALECTS),
        model=chance.choice(_MODELS),
        system=chance.choice(_SYSTEMS),
        temperature=chance.choice(_TEMPERATURES),
        longest=chance.choice(_LENGTHS),
        stream=chance.random() < 0.4,
        end_user=chance.random() < 0.2,
    )


@dataclass(frozen=True, slots=True)
class Member:
    """A caller's place in its group: number `place` of `size`; `seed` is what all of them share. Alone: 0 of 1."""

    place: int
    size: int
    seed: str


@dataclass(frozen=True, slots=True)
class Part:
    """What a composer gets for one caller."""

    chance: Random
    corpora: Corpora
    manner: Manner
    member: Member
    half: Half = "all"

    def pick(self, options: Sequence[T], chance: Random | None = None) -> T:
        """One of several wordings, of the half that may be used."""
        allowed = options if self.half == "all" or len(options) < 2 else options[0 if self.half == "a" else 1 :: 2]
        return (chance or self.chance).choice(allowed)


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: where it goes, its JSON body, about how many tokens it carries and how many are answered."""

    path: str
    body: dict[str, Any]
    input_tokens: int
    output_tokens: int


Composer = Callable[[Part], Iterator[Ask]]
"""Composes a caller's requests, one after the other without end."""


@dataclass(frozen=True, slots=True)
class Group:
    """Callers who belong together: so many keys, whether they take turns, and what of their identity they have in common."""

    fewest: int
    most: int
    turns: bool = False
    one_account: bool = False


@dataclass(frozen=True, slots=True)
class Persona:
    """A kind of caller. `twin` is the persona of the other side that differs in intent alone, "" where there is none.

    `busy` callers send hundreds of requests, the others some dozens. `weight` is its share among those of its side.
    """

    name: str
    hostile: bool
    says: str
    composer: Composer
    twin: str = ""
    busy: bool = True
    weight: int = 2
    group: Group | None = None


def user(text: str) -> dict[str, Any]:
    """A user's message."""
    return {"role": "user", "content": text}


def ask(part: Part, messages: list[dict[str, Any]], *, system: str | None = None, answer: float = 200.0, **parameters: Any) -> Ask:
    """A request in the caller's manner. `answer` is the middling length in tokens; `parameters` are of chat completions alone."""
    manner, said = part.manner, part.manner.system if system is None else system
    longest = parameters.pop("max_tokens", manner.longest)
    temperature = parameters.pop("temperature", manner.temperature)
    body: dict[str, Any] = {"model": manner.model}
    dialect = "chat" if parameters else manner.dialect
    if dialect == "chat":
        body["messages"] = [*([{"role": "system", "content": said}] if said else []), *messages]
        body |= {"max_tokens": longest} if longest is not None else {}
        body |= {"user": f"u-{part.chance.randint(1, 200)}"} if manner.end_user else {}
    elif dialect == "messages":
        body |= {"messages": messages, "max_tokens": longest or 1024} | ({"system": said} if said else {})
    else:
        body |= {"input": messages} | ({"instructions": said} if said else {})
        body |= {"max_output_tokens": longest} if longest is not None else {}
    body |= {"temperature": temperature} if temperature is not None else {}
    body |= {"stream": True} if manner.stream else {}
    body |= parameters
    drawn = int(answer * between(part.chance, 0.4, 2.5))
    # fmt: off
    return Ask(_PATHS[dialect], body, 8 + (len(said) + sum(len(str(message.get("content") or "")) for message in messages)) // 4,
               max(1, min(drawn, longest or drawn)) * int(parameters.get("n", 1)))
    # fmt: on


_PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages", "responses": "/v1/responses"}
