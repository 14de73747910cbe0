"""`gateway quota show`: how the limits of a key or account stand, in the numbers that the caller was told.

Shared state is read where it is. Embedded state is in the memory of the gateway that serves, so that one is asked over its admin
plane; where none runs, `--offline` reads what the last one wrote down.
"""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import click

from gateway.cli.beside import WallClock, beside
from gateway.cli.options import json_option, print_json, state_options
from gateway.errors import GatewayError, QuotaError, SettingsError
from gateway.policy.load import find, load
from gateway.quotas import Asked, quota_of
from gateway.settings import admin_token

__all__ = ["quota"]

_ADMIN = "http://127.0.0.1:8081"
_PATIENCE_S = 10.0
_LARGEST = 8 * 1024 * 1024
_WRITTEN = "as the gateway last wrote it down: at most a second old, windows of less than ten seconds and open slots are not in it"


@click.group()
def quota() -> None:
    """Show how the limits of a caller stand.

    Example: gateway quota show fp:9f2c61d07ab4
    """


@quota.command()
@click.argument("key", metavar="KEY")
@state_options
@click.option("--account", "by_account", is_flag=True, help="KEY is the name of an account.")
@click.option("--model", help="Which counters to show of limits per model.")
@click.option("--peer", help="Which counters to show of limits per network address.")
@click.option("--tier", help="Show the limits of this tier, whatever tier the caller rules give.")
@click.option("--policy", "policy_file", default="default", show_default=True, envvar="GATEWAY_POLICY", metavar="FILE",
              help="The policy whose limits are shown; a gateway that is asked goes by its own.")  # fmt: skip
@click.option("--admin", envvar="GATEWAY_ADMIN_URL", metavar="URL",
              help=f"Ask the gateway with this admin plane; the default with embedded state is {_ADMIN}.")  # fmt: skip
@click.option("--offline", is_flag=True, help="With embedded state: read what the gateway last wrote down, without asking it.")
@json_option
def show(
    key: str, state: str, data: Path, by_account: bool, policy_file: str, admin: str | None, offline: bool, as_json: bool, **told: Any
) -> None:
    """Show every limit that applies to a caller: amount, used, remaining, and when it is whole again.

    KEY is a fingerprint as `gateway keys list` has it, a key id or the first digits of one; with --account a name. Shared state
    (redis://...) is read directly. Embedded state is in the memory of a running gateway, which is asked over its admin plane, with
    the token in GATEWAY_ADMIN_TOKEN where it has one. Only a running gateway knows whether the ladder leaves a caller a smaller
    share: --admin asks it with shared state, too.

    Exits 0, or 1 where there is no such caller or no answer.

    Example: gateway quota show fp:9f2c61d07ab4 --model small-1
    """
    asked = Asked(**({"account": key} if by_account else {"key": key}), **told)
    embedded = state.partition(":")[0] in {"memory", "sqlite"}
    if offline and (admin is not None or not embedded):
        raise click.UsageError("--offline is for embedded state that no gateway is asked about: leave out --admin and --state")
    if admin is not None or (embedded and not offline):
        found = _asked(asked, admin or _ADMIN) | {"source": "gateway"}
    else:
        found = asyncio.run(_read(asked, state, data, policy_file)) | {"source": "written down" if embedded else "state"}
    if as_json:
        print_json(found)
    else:
        _print(found)


async def _read(asked: Asked, state: str, data: Path, policy_file: str) -> dict[str, Any]:
    """Look into the state beside whoever serves on it. Verdicts are the gateways' own: no share and no campaign is known here."""
    policy = load(find(policy_file))
    async with beside(state, data) as opened:
        return await quota_of(asked, policy=policy, keys=opened.keys, holds=opened.holds, history=None, now_us=WallClock().now())


# ── Asking a gateway ────────────────────────────────────────────────────────────────────────────


def _asked(asked: Asked, admin: str) -> dict[str, Any]:
    """What a running gateway's admin plane says."""
    if urlsplit(admin).scheme not in {"http", "https"}:
        raise SettingsError(f"--admin {admin!r} is no http:// or https:// URL")
    names = {name: value for name in ("account", "model", "peer", "tier") if (value := getattr(asked, name))}
    path = f"/api/quota/{quote(asked.key, safe=':')}" if asked.key else "/api/quota"
    token = admin_token()
    request = urllib.request.Request(  # noqa: S310 - the scheme was looked at
        f"{admin.rstrip('/')}{path}{'?' + urlencode(names) if names else ''}",
        headers={"authorization": f"Bearer {token}"} if token else {},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_PATIENCE_S) as answer:
            return _document(answer.read(_LARGEST))
    except urllib.error.HTTPError as error:
        with error:
            raise _refused(error.code, error.read(_LARGEST), admin) from None
    except (OSError, ValueError) as error:
        raise QuotaError(
            f"no gateway answers at {admin} ({getattr(error, 'reason', error)}), and embedded quota is in its memory: name its admin "
            "plane with --admin, or read what it last wrote down with --offline, or give the --state redis://... that it shares"
        ) from error


def _document(body: bytes) -> dict[str, Any]:
    found = json.loads(body)
    if not isinstance(found, dict):
        raise ValueError("the answer is no quota")
    return found


def _refused(status: int, body: bytes, admin: str) -> GatewayError:
    try:
        reason = str(_document(body).get("error", "no reason given"))
    except ValueError:
        reason = "it is no gateway's admin plane"
    remedy = ": set GATEWAY_ADMIN_TOKEN" if status == 401 else ""
    return QuotaError(reason if status == 404 and body.startswith(b"{") else f"{admin} answers {status}: {reason}{remedy}")


# ── For people ──────────────────────────────────────────────────────────────────────────────────


def _print(found: dict[str, Any]) -> None:
    who = found["fingerprint"] or "any key"
    state = f", {found['key_state']}" if found["key_state"] else ""
    click.echo(f"caller   {who}{state}, account {found['account'] or 'unknown'}")
    click.echo(
        f"policy   {found['policy']}, mode {found['mode']}; tier {found['tier']}"
        + (f" by rule {found['rule']}" if found["rule"] else "")
    )
    if found["share"] < 1.0:
        click.echo(f"share    {found['share']:g} of each limit, by the ladder")
    if found["source"] == "written down":
        click.echo(f"note     {_WRITTEN}")
    for limit in found["limits"]:
        click.echo(f"limit    {limit['id']}: {_standing(limit)}")
    if not found["limits"]:
        click.echo("limit    none")


def _standing(limit: dict[str, Any]) -> str:
    if limit["needs"]:
        return f"{limit['allows']}; counted per {' and '.join(limit['per'])}: give {_GIVE[limit['needs']]} to see it"
    amount = limit["amount"] if limit["burst"] is None else limit["burst"]
    used, whole, left = (_said(limit, number) for number in (limit["used"], amount, limit["remaining"]))
    parts = [f"{used} of {whole} used, {left} left ({limit['allows']})"]
    if limit["open_slots"] is None:
        parts.append(_whole(limit["reset_us"]))
    if not limit["fits"]:
        parts.append(
            "full: " + ("no wait helps" if limit["retry_us"] is None else f"room again in {_spoken(limit['retry_us'])} at the latest")
        )
    if limit["shadow"]:
        parts.append("in shadow: counted, never refused by")
    return "; ".join(parts)


def _said(limit: dict[str, Any], number: int) -> str:
    """A number in words: money in units of its currency."""
    return f"{number / 1_000_000:.6f}".rstrip("0").rstrip(".") if limit["count"] == "money" else str(number)


def _whole(reset_us: int | None) -> str:
    if reset_us is None:
        return "never whole again by waiting"
    return f"whole in {_spoken(reset_us)}" if reset_us else "whole"


_GIVE = {"model": "--model", "peer": "--peer", "key": "a key instead of an account", "account": "an account"}


_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def _spoken(microseconds: int) -> str:
    """In its two largest units, rounded up as Retry-After is: `29 days 7 hours`, `1 minute`, `250 ms`. JSON has the number."""
    if microseconds < 1_000_000:
        return f"{-(-microseconds // 1000)} ms"
    seconds = -(-microseconds // 1_000_000)
    place = next(place for place, (_, size) in enumerate(_UNITS) if seconds >= size)
    least = _UNITS[min(place + 1, len(_UNITS) - 1)][1]
    left, words = -(-seconds // least) * least, []
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if count:
            words.append(f"{count} {unit}{'s' if count > 1 else ''}")
    return " ".join(words)
