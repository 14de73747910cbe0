"""`gateway lab`: `traffic` of callers whose intent is known, to rehearse a policy on, and `run`, what a copier of the demo gets."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from gateway.app import Gateway
from gateway.cli.options import json_option, print_json
from gateway.errors import SettingsError
from gateway.lab.cast import Player, cast
from gateway.lab.clocks import read_arrivals
from gateway.lab.corpora import Corpora, read_prompts
from gateway.lab.experiments import EXPERIMENTS, experiments_of
from gateway.lab.experiments.base import Setting, Table
from gateway.lab.experiments.page import markdown, put
from gateway.lab.personas import PERSONAS, chosen
from gateway.lab.personas.base import Half, Persona
from gateway.lab.traffic import Written, write_trace

__all__ = ["lab"]


@click.group()
def lab() -> None:
    """Rehearse: compose traffic of callers whose intent is known, or try what copying a model gets.

    Example: gateway lab traffic --callers 400 --seed 1 --out rehearsal.jsonl.gz
    """


@lab.command()
@click.option("--out", "out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="The trace to write (gateway.trace/v1), packed where the name ends in .gz.")  # fmt: skip
@click.option("--prompts", multiple=True, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="JSON Lines with a text (prompt, question, instruction) in each; repeatable. Without: made-up texts.")  # fmt: skip
@click.option("--arrivals", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="CSV of recorded rates (client, second, requests_per_second, iat_cv), plain or gzip; a third of the clocks is "
              "drawn from it.")  # fmt: skip
@click.option("--personas", default="all", show_default=True, metavar="NAMES",
              help="Who plays: names with commas, or all, honest, hostile; -NAME leaves one out; `list` prints them.")  # fmt: skip
@click.option("--callers", default=400, show_default=True, type=click.IntRange(1, 20_000), help="How many keys.")
@click.option("--days", default=7.0, show_default=True, type=click.FloatRange(0.05, 90.0), help="Over how many days.")
@click.option("--hostile", default=0.3, show_default=True, type=click.FloatRange(0.0, 1.0), help="Share of hostile callers.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="The same seed gives the same bytes.")
@click.option("--wordings", default="all", show_default=True, type=click.Choice(["all", "a", "b"]),
              help="Use one half of the wordings, so that a detector can be judged on the other.")  # fmt: skip
@json_option
def traffic(
    out: Path | None,
    prompts: tuple[Path, ...],
    arrivals: Path | None,
    personas: str,
    callers: int,
    days: float,
    hostile: float,
    seed: int,
    wordings: Half,
    as_json: bool,
) -> None:
    """Compose a trace of honest and hostile callers, each record labelled under `truth` for scoring alone.

    Clocks, account ages, networks and parameters are drawn alike for both, and a hostile persona has an honest twin that differs in
    intent alone: what a detector finds, it finds by what is asked.

    Exits 0; 2 where a file cannot be read or written or a persona is unknown.

    Example: gateway lab traffic --callers 400 --days 7 --seed 1 --out rehearsal.jsonl.gz
    """
    if personas == "list":
        _list(as_json)
        return
    if out is None:
        raise click.UsageError("--out FILE says where the trace goes (or --personas list)")
    playing = chosen(personas)
    corpora = Corpora(tuple(read_prompts(path) for path in prompts))
    recorded = read_arrivals(arrivals) if arrivals is not None else ()
    players = cast(playing, callers, days=days, seed=seed, hostile=hostile, recorded=recorded)
    total = sum(len(player.times) for player in players)
    with click.progressbar(length=total, label="traffic", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:

        def told(done: int, _: int) -> None:
            bar.update(done - bar.pos)

        written = write_trace(out, players, corpora, seed=seed, half=wordings, told=told)
    told_of = _summary(out, written, players, days, seed)
    if as_json:
        print_json(told_of)
    else:
        _print(told_of)


@lab.command("run")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--list", "listing", is_flag=True, help="Say what experiments there are.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="The same seed makes the same choices.")
@click.option("--repeats", default=40, show_default=True, type=click.IntRange(1, 1000), help="Repetitions of what is left to chance.")
@click.option("--scale", default=1.0, show_default=True, type=click.FloatRange(0.01, 4.0), help="Below 1 smaller and sooner done.")
@click.option("--prompts", multiple=True, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="JSON Lines with prompts and answers of a model, for text; repeatable. Without: made-up answers.")  # fmt: skip
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.md",
              help="A page to write the tables into, between the marks of each experiment.")  # fmt: skip
@json_option
def run_experiments(
    names: tuple[str, ...],
    listing: bool,
    seed: int,
    repeats: int,
    scale: float,
    prompts: tuple[Path, ...],
    out: Path | None,
    as_json: bool,
) -> None:
    """Copy the demo's model over HTTP, with and without the gateway before it, and say what was got. Each takes minutes.

    Exits 0 when all were carried out, whatever was found; 2 where a name is unknown or a file cannot be read or written.

    Example: gateway lab run last_layer --seed 1
    """
    if listing:
        _list_experiments(as_json)
        return
    wanted = experiments_of(names)
    items = tuple(item for path in prompts for item in read_prompts(path))

    def told(what: str) -> None:
        click.echo(what, err=True)

    setting = Setting(Gateway, seed=seed, repeats=repeats, scale=scale, prompts=items, told=told)
    found: dict[str, tuple[Table, ...]] = {}
    for experiment in wanted:
        found[experiment.name] = asyncio.run(experiment.run(setting))
        if out is not None:
            command = " ".join([f"gateway lab run {experiment.name} --seed {seed}", *(f"--prompts {path.name}" for path in prompts)])
            _write(out, experiment.name, found[experiment.name], command)
        if not as_json:
            click.echo(markdown(found[experiment.name]) + "\n")
    if as_json:
        print_json({name: [_plain(table) for table in tables] for name, tables in found.items()})


def _list_experiments(as_json: bool) -> None:
    if as_json:
        print_json([{"name": one.name, "says": one.says} for one in EXPERIMENTS.values()])
        return
    for one in EXPERIMENTS.values():
        click.echo(f"{one.name:<12} {one.says}")


def _write(out: Path, name: str, tables: Sequence[Table], command: str) -> None:
    """The tables into the page, with the day and the command."""
    try:
        page = out.read_text(encoding="utf-8") if out.exists() else ""
        told = f"`{command}`, {time.strftime('%Y-%m-%d', time.gmtime())}.\n\n{markdown(tables)}"
        out.write_text(put(page, name, told), encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{out} cannot be written: {error.strerror}") from None


def _plain(table: Table) -> dict[str, Any]:
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    return {"title": table.title, "rows": rows, "note": table.note}


def _list(as_json: bool) -> None:
    if as_json:
        print_json([_as_plain(persona) for persona in PERSONAS.values()])
        return
    for hostile in (False, True):
        click.echo("hostile" if hostile else "honest")
        for persona in PERSONAS.values():
            if persona.hostile == hostile:
                twin = f"; twin of {persona.twin}" if persona.twin else ""
                click.echo(f"  {persona.name:<20} {persona.says}{twin}")


def _as_plain(persona: Persona) -> dict[str, Any]:
    group = persona.group is not None
    return {"name": persona.name, "hostile": persona.hostile, "says": persona.says, "twin": persona.twin or None, "group": group}


def _summary(out: Path, written: Written, players: Sequence[Player], days: float, seed: int) -> dict[str, Any]:
    return {
        "file": str(out),
        "bytes": written.size,
        "records": written.records,
        "days": days,
        "seed": seed,
        "callers": {
            "all": len(players),
            "honest": sum(not player.persona.hostile for player in players),
            "hostile": sum(player.persona.hostile for player in players),
        },
        "campaigns": len({player.campaign for player in players if player.persona.hostile and player.persona.group}),
        "personas": {
            name: {"hostile": PERSONAS[name].hostile, "callers": many, "requests": written.requests.get(name, 0)}
            for name, many in written.callers.items()
        },
    }


def _print(told: dict[str, Any]) -> None:
    callers = told["callers"]
    click.echo(f"{told['file']}: {told['records']} requests of {callers['all']} callers in {told['days']:g} days, seed {told['seed']}")
    click.echo(f"honest   {callers['honest']} callers")
    click.echo(f"hostile  {callers['hostile']} callers, {told['campaigns']} campaigns among them")
    for name, numbers in told["personas"].items():
        click.echo(
            f"  {name:<20} {numbers['callers']:>6} callers {numbers['requests']:>8} requests{'  hostile' if numbers['hostile'] else ''}"
        )
