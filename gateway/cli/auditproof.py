"""`gateway audit keys|rotate|prove|check`: the keys that sign the log, and one record shown to a third party."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import click

from gateway.audit.proof import proof_of
from gateway.audit.signing import keys_folder, make_key
from gateway.audit.verify_proof import proof_fault
from gateway.audit.verify_tree import PublicKeys
from gateway.cli.options import data_option, json_option, print_json
from gateway.errors import SettingsError

__all__ = ["check", "given_keys", "keys", "prove", "public_key_option", "rotate"]

public_key_option = click.option(
    "--public-key",
    "public_keys",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A public key (PEM) by which checkpoints may be signed; as often as there are keys.",
)


def given_keys(files: tuple[Path, ...]) -> PublicKeys | None:
    """The keys of the files named; None for none."""
    try:
        return PublicKeys(list(files)) if files else None
    except (OSError, ValueError) as error:
        raise click.BadParameter(str(error), param_hint="--public-key") from None


@click.command(short_help="Show the keys that sign checkpoints.")
@data_option
@json_option
def keys(data: Path, as_json: bool) -> None:
    """Show the keys that sign checkpoints, the newest, which signs, last, and where their public halves lie.

    Example: gateway audit keys --data gateway-data
    """
    found = sorted(keys_folder(data).glob("*.pub")) if keys_folder(data).is_dir() else []
    rows = [{"key": path.stem.rpartition("-")[2], "since": path.stem.rpartition("-")[0], "public_key": str(path)} for path in found]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        click.echo(f"{row['key']}  since {row['since']}  {row['public_key']}")
    if not rows:
        click.echo(f"no key in {keys_folder(data)} yet: the first is made when a gateway starts", err=True)


@click.command(short_help="Sign with a fresh key from now on.")
@data_option
@json_option
def rotate(data: Path, as_json: bool) -> None:
    """Make a fresh key. A running gateway signs its next checkpoint with it. Keep the public halves of the old ones: they check what
    they signed.

    Example: gateway audit rotate --data gateway-data
    """
    try:
        name = make_key(data, time.time_ns() // 1000)
    except OSError as error:
        raise SettingsError(f"no key can be written in {keys_folder(data)}: {error.strerror}") from error
    if as_json:
        print_json({"key": name})
    else:
        click.echo(f"{name} signs from the next checkpoint on")


@click.command(short_help="Prove one record to a third party.")
@click.argument("id_", metavar="ID")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it to a file instead of standard output.")
@data_option
def prove(id_: str, out: Path | None, data: Path) -> None:
    """Write the proof of the record ID: the record, and what shows that it stood in the log, without any other record.

    Example: gateway audit prove 0193c0de4f2a8d10 --out proof.json
    """
    try:
        document = proof_of(data, id_)
    except ValueError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    if document is None:
        click.echo(f"no record has the id {id_}; give the whole of it, as x-gateway-decision said", err=True)
        sys.exit(1)
    text = json.dumps(document, indent=1) + "\n"
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text)
        click.echo(f"{out}: check it with `gateway audit check {out} --public-key KEY.pub`")


@click.command(short_help="Check the proof of one record.")
@click.argument("proof", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@public_key_option
@json_option
def check(proof: Path, public_keys: tuple[Path, ...], as_json: bool) -> None:
    """Check a PROOF, offline, with the operator's public key alone. Exit status 0: the record stood in the log; 1: it did not.

    Example: gateway audit check proof.json --public-key audit.pub
    """
    given = given_keys(public_keys)
    if given is None:
        raise click.UsageError("give the operator's public key: --public-key FILE")
    try:
        document: Any = json.loads(proof.read_bytes())
    except ValueError:
        document = None
    fault = proof_fault(document, given)
    if as_json:
        print_json({"ok": not fault, "fault": fault})
    else:
        click.echo(f"BROKEN: {fault}" if fault else "ok: this record stood in the log when the checkpoint was signed")
    sys.exit(1 if fault else 0)
