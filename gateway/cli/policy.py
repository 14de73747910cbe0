"""`gateway policy`: check, test, explain, compare and describe policy files. Nothing here calls anything over the network."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from pathlib import Path

import click

from gateway.cli.options import json_option, print_json
from gateway.cli.policydiff import diff
from gateway.errors import PolicyError, PolicyProblem
from gateway.model.value import replace
from gateway.policy.explain import Explanation, explain
from gateway.policy.jsonschema import json_schema_text
from gateway.policy.load import Loaded, find, read
from gateway.policy.notices import notices_of
from gateway.policy.reference import reference_text
from gateway.policy.schema_examples import GivenBlock
from gateway.policytest import Result, caller_of, run_tests

__all__ = ["policy"]


@click.group()
def policy() -> None:
    """Check, test, explain and describe policy files.

    FILE is a path, or the name of a policy that ships: default, strict, shadow, passthrough.

    Example: gateway policy check policies/default.yaml
    """


policy.add_command(diff)


def _now_us() -> int:
    return time.time_ns() // 1000


# ── check ───────────────────────────────────────────────────────────────────────────────────────


@policy.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--strict", is_flag=True, help="Count notices as problems.")
@json_option
def check(files: tuple[str, ...], strict: bool, as_json: bool) -> None:
    """Read policy files strictly, run their tests, and say what is wrong or worth knowing.

    Exits 0 when nothing is wrong, 1 when a file has a problem. Notices are no problems.

    Example: gateway policy check policies/*.yaml
    """
    reports = [_checked(name) for name in files]
    wrong = any(report["problems"] or (strict and report["notices"]) for report in reports)
    if as_json:
        print_json({"ok": not wrong, "files": [_as_plain(report) for report in reports]})
    else:
        for report in reports:
            _print_report(report)
    sys.exit(1 if wrong else 0)


def _checked(name: str) -> dict[str, object]:
    """One file's report: `file`, `policy`, `problems`, `notices`, `tests` (how many passed)."""
    try:
        loaded = read(find(name))
    except PolicyError as error:
        return {"file": name, "policy": None, "problems": error.problems, "notices": [], "tests": 0}
    results = run_tests(loaded, now_us=_now_us())
    problems = [_failed_test(loaded, result) for result in results if result.failures]
    passed = sum(result.passed for result in results)
    return {"file": name, "policy": loaded.policy.label, "problems": problems, "notices": notices_of(loaded), "tests": passed}


def _failed_test(loaded: Loaded, result: Result) -> PolicyProblem:
    return PolicyProblem(loaded.file, result.line, 1, "tests", f"{result.name!r} does not hold: {'; '.join(result.failures)}")


def _as_plain(report: dict[str, object]) -> dict[str, object]:
    plain = dict(report)
    for name in ("problems", "notices"):
        entries = report[name]
        assert isinstance(entries, list)  # made in `_checked`
        plain[name] = [asdict(entry) | {"text": str(entry)} for entry in entries]
    return plain


def _print_report(report: dict[str, object]) -> None:
    problems, notices = report["problems"], report["notices"]
    assert isinstance(problems, list)  # made in `_checked`
    assert isinstance(notices, list)
    for problem in problems:
        click.echo(str(problem))
    for notice in notices:
        click.echo(f"{notice} [notice]")
    if problems:
        click.echo(f"{report['file']}: {len(problems)} problem{'s' * (len(problems) != 1)}", err=True)
    else:
        click.echo(f"{report['file']}: {report['policy']} is right ({report['tests']} tests hold, {len(notices)} notices)")


# ── test ────────────────────────────────────────────────────────────────────────────────────────


@policy.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--skip-replay", is_flag=True, help="Do not count tests that replay a recorded trace, which this version cannot run.")
@json_option
def test(files: tuple[str, ...], skip_replay: bool, as_json: bool) -> None:
    """Run the tests that policy files carry.

    Exits 0 when all hold, 1 when one does not or could not be run.

    Example: gateway policy test policies/strict.yaml
    """
    ok, reports = True, []
    for name in files:
        results = run_tests(read(find(name)), now_us=_now_us())
        ok &= all(result.passed or (skip_replay and result.not_run) for result in results)
        reports.append((name, results))
    if as_json:
        print_json(
            {"ok": ok, "files": [{"file": name, "tests": [_as_test(result) for result in results]} for name, results in reports]}
        )
    else:
        for name, results in reports:
            _print_results(name, results)
    sys.exit(0 if ok else 1)


def _as_test(result: Result) -> dict[str, object]:
    return asdict(result) | {"passed": result.passed}


def _print_results(name: str, results: list[Result]) -> None:
    for result in results:
        mark = "ok  " if result.passed else "-   " if result.not_run else "FAIL"
        click.echo(f"{mark} {name}:{result.line} {result.name}")
        for line in result.failures:
            click.echo(f"       {line}")
        if result.not_run:
            click.echo(f"       not run: {result.not_run}")
    passed, not_run = sum(result.passed for result in results), sum(bool(result.not_run) for result in results)
    failed = len(results) - passed - not_run
    click.echo(f"{name}: {passed} of {len(results)} hold, {failed} do not, {not_run} not run")


# ── explain ─────────────────────────────────────────────────────────────────────────────────────


def _attributes(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    pairs = [value.partition("=") for value in values]
    if not all(name and equals for name, equals, _ in pairs):
        raise click.BadParameter("write NAME=VALUE")
    return {name: value for name, _, value in pairs}


def _fingerprint(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    digits = value.removeprefix("fp:").lower()
    if not 8 <= len(digits) <= 32 or any(digit not in "0123456789abcdef" for digit in digits):
        raise click.BadParameter(
            "give a key's fingerprint (fp:9f2c61d07ab4), never the key itself; `gateway keys fingerprint` makes it"
        )
    return f"fp:{digits}"


@policy.command("explain")
@click.argument("file", metavar="FILE")
@click.option("--key", callback=_fingerprint, help="Fingerprint of the caller's key.")
@click.option("--account", help="The caller's account.")
@click.option("--tier", help="The tier that the caller's key names.")
@click.option("--tag", "tags", multiple=True, help="A tag of the caller; may be repeated.")
@click.option("--peer", default="", help="The caller's network address.")
@click.option("--source", type=click.Choice(["issued", "client", "asserted"]), default=None, help="How the caller is known.")
@click.option("--attribute", "attributes", multiple=True, callback=_attributes, metavar="NAME=VALUE", help="May be repeated.")
@click.option("--model", help="The model asked for.")
@json_option
def explain_command(
    file: str,
    key: str | None,
    account: str | None,
    tier: str | None,
    tags: tuple[str, ...],
    peer: str,
    source: str | None,
    attributes: dict[str, str],
    model: str | None,
    as_json: bool,
) -> None:
    """Say which caller rule, tier, limits and ladder apply to a caller, and why.

    Exits 1 where no rule matches: such a caller is refused.

    Example: gateway policy explain policies/strict.yaml --tag paid --model small-1
    """
    loaded = read(find(file))
    if source is None:
        source = "client" if loaded.policy.credentials == "client" else "issued"
    given = GivenBlock.model_validate(
        {"key": key, "account": account, "tier": tier, "tag": list(tags), "peer": peer, "source": source, "attributes": attributes}
    )
    caller = caller_of(given)
    if key is None:
        caller = replace(caller, key_id="", account=account or "")
    explanation = explain(loaded.policy, caller, model)
    if as_json:
        print_json(asdict(explanation))
    else:
        _print_explanation(explanation)
    sys.exit(0 if explanation.rule else 1)


def _print_explanation(explanation: Explanation) -> None:
    click.echo(f"policy    {explanation.policy}, mode {explanation.mode}")
    for rule in explanation.rules:
        click.echo(f"rule      {rule.id}: {'matches' if rule.matched else 'no'}: {rule.why}")
    if not explanation.rule:
        click.echo("refused   no rule matches: such a caller has no access (403)")
        return
    click.echo(f"tier      {explanation.tier}, by rule {explanation.rule}")
    click.echo(f"models    {', '.join(explanation.models) or 'none'}")
    if explanation.model:
        click.echo(f"model     {explanation.model}")
    click.echo(f"upstream  {explanation.upstream}")
    for feature in explanation.features:
        click.echo(f"feature   {feature}")
    click.echo(f"routes    {', '.join(explanation.routes) or 'parsed ones and the model list only'}")
    for limit in explanation.limits:
        click.echo(
            f"limit     {limit.id}: {limit.allows}, per {limit.counted_for}; {limit.mode}; state lost: {limit.when_state_is_lost}"
        )
    if not explanation.limits:
        click.echo("limit     none")
    for rung in explanation.ladder:
        click.echo(f"ladder    from {rung.at:g} decibans: {rung.id}: {rung.does}")


# ── schema ──────────────────────────────────────────────────────────────────────────────────────


@policy.command()
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write; absent: standard output.")
@click.option("--markdown", is_flag=True, help="The reference page (docs/policy.md) instead of the JSON Schema.")
@json_option
def schema(out: Path | None, markdown: bool, as_json: bool) -> None:
    """Print the JSON Schema of policy files, or write it to a file for editors.

    Example: gateway policy schema --out policies/policy.schema.json
    """
    text = reference_text() if markdown else json_schema_text()
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.BadParameter(f"cannot be written: {error.strerror}", param_hint="--out") from error
    if as_json:
        print_json({"written": str(out)})
    else:
        click.echo(f"{out} written")
