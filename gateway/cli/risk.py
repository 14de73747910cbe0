"""`gateway risk`: who is suspected and why, in numbers; and what a person decides about it.

Reads the state where it is, beside the gateways that serve on it: of embedded state what the gateway wrote down last (twice a second).
A decision is written there too, and every running gateway goes by it within about a second.
"""

from __future__ import annotations

import asyncio
import getpass
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from gateway.challenge.grace import granted
from gateway.cli.beside import WallClock, beside
from gateway.cli.options import json_option, print_json, state_options
from gateway.model.caller import fingerprint
from gateway.model.ruling import Finding
from gateway.perturb.base import derived
from gateway.policy.explain import period
from gateway.policy.load import find, load
from gateway.policy.units import duration_us
from gateway.riskstory import Room, campaigns_of, decisions, key_named, ranking, rule_on, story_of

__all__ = ["risk"]

T = TypeVar("T")
_POINTS = 12

_policy_option = click.option("--policy", "policy_file", default="default", show_default=True, envvar="GATEWAY_POLICY", metavar="FILE",
                              help="The policy to judge by; give the one that the gateway runs.")  # fmt: skip


@click.group()
def risk() -> None:
    """Show who is suspected of copying the model and why; clear or confirm a caller.

    Example: gateway risk show fp:9f2c61d07ab4
    """


@risk.command("list")
@state_options
@_policy_option
@click.option("--campaigns", is_flag=True, help="List campaigns instead of callers.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most so many.")
@click.option("--at-least", type=float, metavar="DB", help="Only callers with so many decibans now, and those confirmed.")
@json_option
def list_(state: str, data: Path, policy_file: str, campaigns: bool, limit: int, at_least: float | None, as_json: bool) -> None:
    """List callers by evidence, the most first: decibans, kinds of evidence, what the ladder does, campaign, last judged.

    Example: gateway risk list --at-least 10
    """
    if campaigns and at_least is not None:
        raise click.UsageError("--at-least is for callers: leave it or --campaigns out")
    if campaigns:
        rows = _asked(state, data, policy_file, lambda room: campaigns_of(room, limit))
    else:
        rows = _asked(state, data, policy_file, lambda room: ranking(room, limit, at_least))
    if as_json:
        print_json(rows)
        return
    for row in rows:
        click.echo(_campaign_line(row) if campaigns else _caller_line(row))
    if not rows:
        click.echo("no campaign" if campaigns else "no evidence on anybody", err=True)


@risk.command()
@click.argument("key", metavar="KEY")
@state_options
@_policy_option
@json_option
def show(key: str, state: str, data: Path, policy_file: str, as_json: bool) -> None:
    """Show all that is known of one caller: each signal's part with numbers, the campaign, what the ladder does and what is missing for
    more, when it will have faded, what was decided.

    KEY is a fingerprint as `gateway risk list` has it, a key id or the first 8 digits or more of one.

    Example: gateway risk show fp:9f2c61d07ab4
    """
    story = _asked(state, data, policy_file, lambda room: story_of(room, key))
    if as_json:
        print_json(story)
    else:
        _print(story)


@risk.command()
@click.argument("key", metavar="KEY")
@click.option("--why", required=True, help="Why: it is kept with the decision.")
@click.option("--by", metavar="NAME", help="Who decides; the user of this machine where it is left out.")
@state_options
@_policy_option
@json_option
def clear(key: str, why: str, by: str | None, state: str, data: Path, policy_file: str, as_json: bool) -> None:
    """Decide that it was a false alarm: what was seen of the caller up to now does not count any more, what it does from now on does.
    For a week its campaign alone does not draw it in either.

    Example: gateway risk clear fp:9f2c61d07ab4 --why "one exercise for the whole class"
    """
    _rule(key, "cleared", by, why, state, data, policy_file, as_json)


@risk.command()
@click.argument("key", metavar="KEY")
@click.option("--why", required=True, help="Why: it is kept with the decision.")
@click.option("--by", metavar="NAME", help="Who decides; the user of this machine where it is left out.")
@state_options
@_policy_option
@json_option
def confirm(key: str, why: str, by: str | None, state: str, data: Path, policy_file: str, as_json: bool) -> None:
    """Decide that the suspicion is right: the caller stays flagged, whatever fades, until it is cleared.

    Example: gateway risk confirm fp:9f2c61d07ab4 --why "sells our answers as a data set"
    """
    _rule(key, "confirmed", by, why, state, data, policy_file, as_json)


@risk.command()
@click.argument("key", metavar="KEY")
@click.option("--for", "lasts", default="30d", show_default=True, metavar="TIME", help="How long it holds: 12h, 30d.")
@state_options
@json_option
def grace(key: str, lasts: str, state: str, data: Path, as_json: bool) -> None:
    """Hand out a token to a caller that was verified: with it, in x-gateway-grace, no challenge is put. A key that was issued only.

    Example: gateway risk grace fp:9f2c61d07ab4 --for 30d
    """
    try:
        until_s = int(time.time()) + duration_us(lasts) // 1_000_000
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--for") from None

    async def made() -> tuple[str, str]:
        async with beside(state, data) as opened:
            key_id = await key_named(Room(load(find("default")), opened.keys, opened.risk, opened.rulings, WallClock().now()), key)
            return key_id, granted(derived(opened.secret, "challenge"), key_id, until_s)

    key_id, token = asyncio.run(made())
    if as_json:
        print_json({"key_id": key_id, "fingerprint": fingerprint(key_id), "until": until_s, "grace": token})
    else:
        click.echo(token)


@risk.command("decisions")
@state_options
@json_option
def decisions_(state: str, data: Path, as_json: bool) -> None:
    """List what was decided, oldest first, with who, when and why. `gateway calibrate` reads it as JSON.

    Example: gateway risk decisions --json > decided.json
    """

    async def found() -> list[dict[str, Any]]:
        async with beside(state, data) as opened:
            return await decisions(opened.rulings)

    rows = asyncio.run(found())
    if as_json:
        print_json(rows)
        return
    for row in rows:
        replaced = "" if row["stands"] else "  (replaced)"
        click.echo(f"{fingerprint(row['key_id'])}  {_ruled(row)}{replaced}")
    if not rows:
        click.echo("nothing was decided yet", err=True)


def _rule(key: str, finding: Finding, by: str | None, why: str, state: str, data: Path, policy_file: str, as_json: bool) -> None:
    who = by if by is not None else getpass.getuser()
    ruling = _asked(state, data, policy_file, lambda room: rule_on(room, key, finding, by=who, why=why))
    told = {"key_id": ruling.key_id, "fingerprint": fingerprint(ruling.key_id), "finding": finding, "at_us": ruling.at_us}
    if as_json:
        print_json({**told, "by": ruling.by, "why": ruling.why})
    else:
        click.echo(f"{fingerprint(ruling.key_id)} is {finding}: running gateways go by it within about a second")


def _asked(state: str, data: Path, policy_file: str, ask: Callable[[Room], Awaitable[T]]) -> T:
    policy = load(find(policy_file))

    async def asked() -> T:
        async with beside(state, data) as opened:
            return await ask(Room(policy, opened.keys, opened.risk, opened.rulings, WallClock().now()))

    return asyncio.run(asked())


# ── For people ──────────────────────────────────────────────────────────────────────────────────


def _caller_line(row: dict[str, Any]) -> str:
    parts = [
        row["fingerprint"], f"{row['score']:6.1f} dB", f"{row['action']:<9}", ",".join(row["kinds"]) or "-",
        f"account {_plain(row['account'])}" if row["account"] else "no account", row["campaign"] or "-", _time(row["seen_us"]),
    ]  # fmt: skip
    return "  ".join([*parts, row["ruling"]] if row["ruling"] else parts)


def _campaign_line(row: dict[str, Any]) -> str:
    links = ", ".join(f"{link['name']} {link['weight']:+.1f}" for link in row["links"])
    return (
        f"{row['id']}  {row['score']:6.1f} dB  {row['action']:<9}  {len(row['callers'])} keys of {len(row['accounts'])} accounts"
        f"  since {_time(row['first_linked_us'])}  {links}"
    )


def _print(story: dict[str, Any]) -> None:
    now_us = story["at_us"]
    click.echo(f"caller    {story['fingerprint']}, account {_plain(story['account'] or 'unknown')}")
    click.echo(f"policy    {story['policy']}, mode {story['mode']}; tier {story['tier'] or 'none'} by rule {story['rule'] or 'none'}")
    shadow = "" if story["action"] == story["intended"] else f" ({story['intended']} but for shadow)"
    kinds = ", ".join(story["kinds"]) or "none"
    click.echo(f"score     {story['score']:.1f} decibans, highest of late {story['high']:.1f}; kinds that speak: {kinds}")
    click.echo(f"meets     {story['action']} (rung {story['rung']}){shadow}; last judged {_time(story['judged_us'])}")
    if story["ruling"]:
        click.echo(f"decided   {_ruled(story['ruling'])}")
    for part in story["signals"]:
        click.echo(f"signal    {_part_words(part)}")
    _print_campaign(story)
    for exemption in story["exemptions"]:
        click.echo(f"exempt    {', '.join(exemption['signals'])} until {_time(exemption['until_us'])}: {_plain(exemption['why'])}")
    if story["next"]:
        click.echo(f"next      {_next_words(story['next'])}")
    for fade in story["fades"]:
        when = "never by itself" if fade["at_us"] is None else f"in {_spoken(fade['at_us'] - now_us)} ({_time(fade['at_us'])})"
        click.echo(f"fades     below {fade['rung']} ({fade['action']}) {when}, if it sends nothing more")
    for point in story["course"][-_POINTS:]:
        click.echo(f"course    {_time(point['at_us'])}  {point['score']:.1f}")


def _print_campaign(story: dict[str, Any]) -> None:
    campaign = story["campaign"]
    if campaign is None:
        return
    let_go = "; it does not draw this caller in, which was cleared" if story["let_go"] else ""
    click.echo(
        f"campaign  {campaign['id']}: {len(campaign['callers'])} keys of {len(campaign['accounts'])} accounts, {campaign['score']:.1f} "
        f"decibans, since {_time(campaign['first_linked_us'])}{let_go}"
    )
    for link in campaign["links"]:
        click.echo(f"link      {link['name']} {link['weight']:+.1f}: {_plain(link['seen'])}")


def _part_words(part: dict[str, Any]) -> str:
    cap = "" if part["cap"] is None else f" of at most {part['cap']:g}"
    counted = "" if part["counted"] else ", told and not counted"
    return (
        f"{part['signal']} v{part['version']} ({part['kind']}) {part['weight']:+.1f}{cap}{counted}: "
        f"{_plain(part['seen'])} (threshold: {_plain(part['threshold'])})"
    )


def _next_words(lacks: dict[str, Any]) -> str:
    needs = [f"{lacks['decibans']:.1f} decibans"] if lacks["decibans"] else []
    needs += [f"{lacks['kinds']} more kind{'s' * (lacks['kinds'] != 1)} of evidence"] if lacks["kinds"] else []
    return f"{lacks['rung']} ({lacks['action']}) at {lacks['at']:g}: lacks {' and '.join(needs) or 'nothing'}"


def _ruled(ruling: dict[str, Any]) -> str:
    return f"{ruling['finding']} by {_plain(ruling['by'])} at {_time(ruling['at_us'])}: {_plain(ruling['why'])}"


def _time(at_us: int | None) -> str:
    return "never" if at_us is None else f"{datetime.fromtimestamp(at_us / 1e6, UTC):%Y-%m-%d %H:%MZ}"


def _spoken(microseconds: int) -> str:
    """To the minute, or the hour from two days on."""
    unit = 3_600_000_000 if microseconds > 2 * 86_400_000_000 else 60_000_000
    return period(max(unit, round(microseconds / unit) * unit))


def _plain(text: str) -> str:
    """Without what a terminal would obey."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
