"""People: who writes some dozens of messages in their own language, and editors that send long files with each of them."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.lab.personas.base import Ask, Composer, Part, Persona, ask, user
from gateway.lab.texts import code, sentence, task
from gateway.lab.tongues import chat, passage

__all__ = ["PERSONAS", "talk"]

_GREETINGS = ("", "", "", "Hi, ", "Hello! ", "Quick question: ", "I was wondering: ")
_MORE = {
    "en": ("Can you make it shorter?", "Why?", "Thanks, and what else?", "That did not work.", "Give me an example."),
    "de": ("Geht das auch kürzer?", "Warum?", "Danke, und sonst?", "Das hat nicht geklappt.", "Gib mir ein Beispiel."),
    "fr": ("Plus court, s'il te plaît ?", "Pourquoi ?", "Merci, et sinon ?", "Ça n'a pas marché.", "Donne-moi un exemple."),
    "es": ("¿Más corto, por favor?", "¿Por qué?", "Gracias, ¿y qué más?", "No funcionó.", "Dame un ejemplo."),
    "zh": ("能短一点吗？", "为什么？", "谢谢，还有呢？", "没有用。", "举个例子。"),
}
_EDITS = (
    "Add a docstring.",
    "Why does this fail when the list is empty?",
    "Write a unit test for the first function.",
    "Rename the variables.",
    "Refactor this without changing behaviour.",
    "Explain what this file does.",
    "Complete the last function.",
    "Find the bug.",
)
_PLACES = ("src/app", "lib/core", "cmd/run", "web/forms", "tests/unit")


def talk(part: Part, language: str = "en") -> Iterator[Ask]:
    """Conversations of one person: a question, sometimes another one about the answer, sometimes last week's question again."""
    chance = part.chance
    corpus = part.corpora.domain(chance, chance.choice(("question", "task")))
    asked: list[str] = []
    while True:
        if asked and chance.random() < 0.08:
            text = chance.choice(asked)
        elif language != "en":
            text = chat(chance, language)
        else:
            text = chance.choice(_GREETINGS) + (corpus.item(len(asked)).text if chance.random() < 0.7 else task(chance, "home"))
        asked = [*asked[-30:], text]
        said = [user(text)]
        yield ask(part, said)
        while chance.random() < 0.35 and len(said) < 9:
            heard = passage(chance, language) if language != "en" else " ".join(sentence(chance, "home") for _ in range(2))
            said = [*said, {"role": "assistant", "content": heard}, user(chance.choice(_MORE[language]))]
            yield ask(part, said)


def _speaker(language: str) -> Composer:
    def speaks(part: Part) -> Iterator[Ask]:
        return talk(part, language)

    return speaks


def _code_editor(part: Part) -> Iterator[Ask]:
    """An editor's assistant: a long file goes along each time, mostly the one of a minute ago with a line changed."""
    chance = part.chance
    system = "You are the coding assistant of the editor. Answer with a patch."
    while True:
        text, path = code(chance, chance.randint(5, 40)), f"{chance.choice(_PLACES)}_{chance.randint(1, 40)}"
        for _ in range(chance.randint(1, 8)):
            yield ask(part, [user(f"<file path={path}>\n{text}\n</file>\n{chance.choice(_EDITS)}")], system=system, answer=150)
            text += code(chance, 1)


_IN = {"en": "English", "de": "German", "fr": "French", "es": "Spanish", "zh": "Chinese"}
PERSONAS: tuple[Persona, ...] = (
    *(
        Persona(f"people_{code_}", False, f"people who write {name}", _speaker(code_), busy=False, weight=6 if code_ == "en" else 2)
        for code_, name in _IN.items()
    ),
    Persona("code_editor", False, "an editor that sends long files", _code_editor, weight=2),
)
"""The personas of this file."""
