"""Who calls: every persona by name, and the families in which hostile personas stand beside their honest twins."""

from __future__ import annotations

from gateway.errors import SettingsError
from gateway.lab.personas import extracting, generating, groups, judging, people, probing, reasoning, sampling, tools
from gateway.lab.personas.base import Persona

__all__ = ["PERSONAS", "chosen"]

PERSONAS: dict[str, Persona] = {
    persona.name: persona
    for module in (people, reasoning, generating, judging, tools, sampling, probing, extracting, groups)
    for persona in module.PERSONAS
}
"""Name -> persona, honest and hostile, in the order that `--personas list` prints."""


def chosen(names: str) -> tuple[Persona, ...]:
    """The personas of a comma-separated list; `all`, `honest` and `hostile` stand for many, a leading `-` leaves one out.

    SettingsError names what is unknown, and a list that leaves nobody.
    """
    picked: dict[str, Persona] = {}
    for name in (word.strip() for word in names.split(",")):
        left_out = name.startswith("-")
        found = _meant(name.removeprefix("-"))
        if left_out and not picked:
            picked = dict(PERSONAS)
        for persona in found:
            if left_out:
                picked.pop(persona.name, None)
            else:
                picked[persona.name] = persona
    if not picked:
        raise SettingsError(f"--personas {names!r} leaves nobody")
    return tuple(picked.values())


def _meant(name: str) -> tuple[Persona, ...]:
    if name in {"all", "honest", "hostile"}:
        return tuple(persona for persona in PERSONAS.values() if name == "all" or persona.hostile == (name == "hostile"))
    if name not in PERSONAS:
        raise SettingsError(f"--personas: nobody is called {name!r}; `--personas list` prints who there is")
    return (PERSONAS[name],)
