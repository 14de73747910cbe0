"""`gateway attribute`: whose code word is in a suspect data set, or in what a suspect model answers; with a signed report."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import httpx
import msgspec

from gateway.audit.signing import Signer
from gateway.cli.beside import beside
from gateway.cli.options import json_option, print_json, state_options
from gateway.errors import GatewayError
from gateway.forensics.attribute import Report, attribute
from gateway.forensics.lines import text_of
from gateway.forensics.picture import ranking_svg
from gateway.forensics.readings import Reading, read
from gateway.model.caller import KeyRecord, fingerprint
from gateway.perturb.base import derived
from gateway.policy.load import find, load

__all__ = ["SIGNED", "SUSPECT_KEY", "attribute_command"]

SUSPECT_KEY = "GATEWAY_SUSPECT_KEY"
"""The variable with the credential for `--model`."""

SIGNED = b"gateway.attribution/v1\n"
"""What stands before the report's bytes where they are signed."""

_FILE = click.Path(dir_okay=False, path_type=Path)
_FOUND = -6.0
_PATIENCE_S = 120.0


@click.command("attribute")
@click.argument("suspect", metavar="[SUSPECT.jsonl]", required=False, type=_FILE)
@state_options
@click.option(
    "--model", metavar="URL", help=f"Ask this OpenAI-compatible endpoint instead of reading a file; {SUSPECT_KEY} is its key."
)
@click.option("--model-name", default="default", show_default=True, help="The model to ask for there.")
@click.option("--prompts", type=_FILE, metavar="FILE", help="What to ask it: a prompt a line, as text or as a JSON string.")
@click.option("--field", help="Which member of a line holds the model's text; else the usual ones are looked for.")
@click.option("--keys", "keys_file", type=_FILE, metavar="FILE", help="Key ids to test, one a line; else every key in the state.")
@click.option("--campaigns", type=_FILE, metavar="FILE", help='Groups to test as one: {"name": ["key id", ...]}. Accounts always are.')
@click.option(
    "--clean", type=_FILE, metavar="FILE.jsonl", help="Unmarked answers of your model: faint marks are read better beside them."
)
@click.option("--epochs", default=13, show_default=True, type=click.IntRange(1, 1000), help="How many epochs back from now.")
@click.option("--policy", "policy_file", default="default", show_default=True, envvar="GATEWAY_POLICY", metavar="FILE",
              help="The policy that says how long an epoch is.")  # fmt: skip
@click.option("--most", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many suspects to name.")
@click.option("--report", type=_FILE, metavar="OUT.json", help="Where the signed report goes.")
@click.option("--picture", type=_FILE, metavar="OUT.svg", help="Where the picture goes.")
@json_option
def attribute_command(
    suspect: Path | None,
    state: str,
    data: Path,
    model: str | None,
    model_name: str,
    prompts: Path | None,
    field: str | None,
    keys_file: Path | None,
    campaigns: Path | None,
    clean: Path | None,
    epochs: int,
    policy_file: str,
    most: int,
    report: Path | None,
    picture: Path | None,
    as_json: bool,
) -> None:
    """Rank the callers whose code word a text carries, by exact p-values corrected for everything that was tried.

    SUSPECT.jsonl has one text a line: a JSON string, or an object with the text under `response`, `output`, `messages` or the like.
    What is told is whose code word is in the text, not who leaked it. The report is signed with the key that signs the audit log.

    Exits 0 when all was read and tested, whatever was found; 1 where there was nothing to read or to test.

    Example: gateway attribute leaked.jsonl --report attribution.json --picture attribution.svg
    """
    if (suspect is None) == (model is None) or (model is None) != (prompts is None):
        raise click.UsageError("give either SUSPECT.jsonl, or --model URL with --prompts FILE")
    texts = list(_texts(suspect, field)) if suspect else list(_answers(model or "", model_name, _prompts(prompts)))
    if not any(text.strip() for text in texts):
        raise GatewayError(f"no text in {suspect or model}: name the member that holds it with --field")
    records, secret = asyncio.run(_known(state, data))
    callers = _listed(keys_file) if keys_file else [record.key_id for record in records]
    if not callers:
        raise GatewayError("no callers to test: give --keys FILE, or the --state and --data that the gateway has its keys in")
    length_us = load(find(policy_file)).epoch_us
    newest = time.time_ns() // 1000 // length_us
    found = attribute(
        texts,
        callers,
        secret=derived(secret, "perturbations"),
        epochs=range(newest, newest - epochs, -1),
        campaigns=_groups(records, set(callers), campaigns),
        clean=_clean(clean, field),
        most=most,
    )
    if report is not None:
        _write(report, _signed(found, texts, length_us, data))
    if picture is not None:
        _write(picture, ranking_svg(found).encode())
    if as_json:
        print_json(_told(found, texts, length_us))
    else:
        _print(found)


async def _known(state: str, data: Path) -> tuple[list[KeyRecord], bytes]:
    async with beside(state, data) as opened:
        return await opened.keys.list(), opened.secret


def _rows(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line
    except OSError as error:
        raise GatewayError(f"{path} cannot be read: {error.strerror}") from None


def _texts(path: Path, field: str | None) -> Iterator[str]:
    for number, line in _rows(path):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise GatewayError(f"{path}, line {number} is not JSON: write one JSON value a line") from None
        text = text_of(row, field)
        if text is not None:
            yield text


def _clean(path: Path | None, field: str | None) -> Reading | None:
    return None if path is None else read(_texts(path, field))


def _prompts(path: Path | None) -> Iterator[str]:
    for _, line in _rows(path) if path else ():
        text = line.strip()
        yield str(json.loads(text)) if re.fullmatch(r'"(?:[^"\\]|\\.)*"', text) else text


def _listed(path: Path) -> list[str]:
    return [line.split()[0] for _, line in _rows(path) if not line.startswith("#")]


def _groups(records: list[KeyRecord], tested: set[str], path: Path | None) -> dict[str, list[str]]:
    """Accounts with several of the keys that are tested, and the operator's own groups."""
    accounts: dict[str, list[str]] = {}
    for record in records:
        if record.account and record.key_id in tested:
            accounts.setdefault(f"account {record.account}", []).append(record.key_id)
    groups = {name: keys for name, keys in accounts.items() if len(keys) > 1}
    if path is not None:
        try:
            groups |= msgspec.json.decode(path.read_bytes(), type=dict[str, list[str]])
        except (OSError, msgspec.DecodeError) as error:
            raise GatewayError(f'{path} cannot be read ({error}): write {{"name": ["key id", ...]}}') from None
    return groups


def _answers(url: str, name: str, prompts: Iterator[str]) -> Iterator[str]:
    """Asks a suspect model, one prompt after the other. GatewayError where it does not answer as such endpoints do."""
    key = os.environ.get(SUSPECT_KEY)
    headers = {"authorization": f"Bearer {key}"} if key else {}
    with httpx.Client(timeout=_PATIENCE_S, headers=headers) as client:
        for number, prompt in enumerate(prompts, 1):
            body = {"model": name, "messages": [{"role": "user", "content": prompt}]}
            try:
                answer = client.post(url.rstrip("/") + "/chat/completions", json=body).raise_for_status()
                yield str(answer.json()["choices"][0]["message"]["content"] or "")
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise GatewayError(
                    f"{url} did not answer prompt {number}: {type(error).__name__}; see --model-name and {SUSPECT_KEY}"
                ) from None
            except (ValueError, LookupError, TypeError):
                raise GatewayError(f"{url} answered prompt {number} with something that is no chat completion") from None
            if sys.stderr.isatty():
                click.echo(f"\r{number} answers", nl=False, err=True)


def _told(report: Report, texts: list[str], length_us: int) -> dict[str, Any]:
    """The report with what identifies its input: a digest of the texts, each with its length before it."""
    digest = hashlib.sha256()
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    told: dict[str, Any] = msgspec.to_builtins(report)
    return {
        "schema": "gateway.attribution/v1",
        "texts_sha256": digest.hexdigest(),
        "epoch_us": length_us,
        "found_below": _FOUND,
        **told,
    }


def _signed(report: Report, texts: list[str], length_us: int, data: Path) -> bytes:
    """The report and an Ed25519 signature over `SIGNED` and its bytes as they stand on the line `report`."""
    now_us = time.time_ns() // 1000
    signer = Signer(data, now_us)
    body = msgspec.json.encode({**_told(report, texts, length_us), "made_us": now_us}, order="sorted")
    signature = {"algorithm": "ed25519", "key": signer.name, "value": base64.b64encode(signer.sign(SIGNED + body)).decode()}
    return b'{"report":\n' + body + b'\n,"signature":' + msgspec.json.encode(signature) + b"}\n"


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise GatewayError(f"{path} cannot be written: {error.strerror}") from None


def _print(report: Report) -> None:
    click.echo(
        f"read     {report.texts} texts, {report.words} words, {report.places} places at {report.positions} positions of the code word"
    )
    click.echo(f"tested   {report.callers} callers, {len(report.epochs)} epochs, {len(report.campaigns)} groups: {report.tests} tests")
    click.echo(f"{'caller':<18} {'epoch':>6} {'log10 p':>9} {'corrected':>9} {'agrees':>7}  score")
    for one in report.suspects:
        mark = "  <- code word found" if one.log10_corrected <= _FOUND else ""
        numbers = f"{one.epoch:>6} {one.log10_p:>9.2f} {one.log10_corrected:>9.2f} {one.agreement:>7.1%}"
        click.echo(f"{fingerprint(one.key_id):<18} {numbers}  {one.score}{mark}")
    for group in report.campaigns:
        mark = "  <- code words found" if group.log10_corrected <= _FOUND else ""
        click.echo(f"{group.name} ({group.callers} keys)  log10 p {group.log10_p:.2f}, corrected {group.log10_corrected:.2f}{mark}")
    for limit in report.limits:
        click.echo(f"limit    {limit}")
