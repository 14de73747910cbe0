"""The reference of policy files (`docs/policy.md`), written from the schema, so that it cannot say anything else than the code does."""

from __future__ import annotations

import json
from typing import Any

from gateway.policy.jsonschema import json_schema
from gateway.policy.words import SIGNALS
from gateway.registry import names, resolve

__all__ = ["reference_text"]

_PERTURBATIONS = tuple(
    (f"The perturbation `{name}`", f"response.{name}", resolve("perturbations", name).options.__name__)
    for name in names("perturbations")
)

_SECTIONS = (
    ("The file", "", "Document"),
    ("Callers", "callers[]", "CallerBlock"),
    ("What a caller rule matches", "callers[].match", "MatchBlock"),
    ("Tiers", "tiers.NAME", "TierBlock"),
    ("Limits", "tiers.NAME.limits[]", "LimitBlock"),
    ("Prices", "prices.GLOB", "PriceBlock"),
    ("Feature caps", "tiers.NAME.features", "FeatureBlock"),
    ("Upstreams", "upstreams[]", "UpstreamBlock"),
    ("The queue before an upstream", "upstreams[].queue", "QueueBlock"),
    ("The door", "door", "DoorBlock"),
    ("Audit", "audit", "AuditBlock"),
    ("Signals", "signals", "SignalsBlock"),
    ("One signal", "signals.NAME", "SignalBlock"),
    ("Exemptions", "signals.exemptions[]", "ExemptionBlock"),
    ("Ladder", "ladder[]", "RungBlock"),
    ("Coming down", "step_down", "StepDownBlock"),
    ("Responses", "response", "ResponseBlock"),
    ("Challenges", "response.challenge", "ChallengeBlock"),
    *_PERTURBATIONS,
    ("Who tells reasoning again", "response.rewrite.rewriter", "RewriterOptions"),
    ("Tests", "tests[]", "ExampleBlock"),
    ("What a test gives", "tests[].given", "GivenBlock"),
    ("What a test expects", "tests[].expect", "ExpectBlock"),
)

_INTRODUCTION = """# Policy files

<!-- Written by `gateway policy schema --markdown` from the code; a test compares. Do not edit. -->

A policy is one YAML file: who calls, what they may use, what is watched for, what is done about it, and proof. It is read
strictly: an unknown field, a field without a value, a duplicate key, a tag or a merge key is an error with file, line, column and
the nearest known word, and all errors of a file are listed at once. YAML 1.2 is meant: `yes` and `on` are text.

    gateway policy check FILE      is it right, and do its tests pass?
    gateway policy explain FILE    who gets what, and why
    gateway policy test FILE       its tests alone
    gateway policy diff OLD NEW    what an edit changes, and with --replay TRACE whose requests it would decide otherwise
    gateway policy schema          the JSON Schema that editors use

A running gateway takes a changed file at once (also on SIGHUP and by `POST /api/policy/reload`). Requests under way finish under
the policy they began with. A file that is wrong changes nothing: the old policy stays, `gateway_policy_reloads_total{outcome="failed"}`
rises and a log line says why. What was used of a limit survives an edit of its amount; an edit of its kind (another count, window or
subject, or another id) starts anew, which `gateway policy diff` says beforehand. Changes to `audit` (but `when_lost`) take effect when
the gateway starts again.

Shipped, and called by name (`--policy strict`): `default`, `strict`, `shadow`, `passthrough`.

Durations: `250ms`, `10s`, `15m`, `2h`, `3d`, `1h30m`. Sizes: `512KiB`, `32MiB`, `1GiB`. Rates: `20/minute`, `600 per 5 minutes`;
windows of seconds, minutes, hours and days, which slide unless `window` says otherwise; of a week and a month, which are the calendar's
(in `zone`, a week from Monday on); and `20000000/lifetime`, which is never whole again. Globs: `*` is anything, `?` one character.
Amounts are at most 2^53.

**Every limit of a tier or none.** A request takes all of its tier's limits at once, or is refused and takes none. Tokens are held by
estimate before the request goes out and settled by the truth after it; an answer that cost more than was held is charged as debt.
How much of a request is read from a cache or is reasoning nobody knows beforehand: all of it is held, and settled by the truth.

**Money** is counted in millionths of `currency`. A limit on it (`count: money, rate: 2000/month`) needs `prices`; in a tier with one
that is enforced, a model without a price is refused (`model.unpriced`), for it would be free. Routes that no dialect parses cost
nothing.

**Amounts of a key's own.** `gateway keys create --limit free-rpm=100` gives a key another amount of a limit than the policy does, where
that limit is counted per key or account. Keys of one account share its counter, and each is judged by its own amount.

**Shadow** exists at four places: the whole file (`mode: shadow`), one limit, one signal (`level: watch`), one rung. What is in shadow
is decided and recorded, and not acted on.

**Perturbations.** What a rung names in `with`, and a tier in `always`, is done to answers as `response` says; `docs/countermeasures.md`
tells what each one costs and never touches. A section that is absent has its defaults.

**Not acted on yet.** Names that the plan knows and this version does not have (some signals) are
checked and then named in a notice by `gateway policy check`. What would be dangerous to overlook is an error instead.
"""


def reference_text() -> str:
    """The whole page, Markdown."""
    schema = json_schema()
    parts = [_INTRODUCTION]
    for title, where, name in _SECTIONS:
        block = schema if name == "Document" else schema["$defs"][name]
        heading = f"## {title}" + (f": `{where}`" if where else "")
        parts.append(f"{heading}\n\n{block['description']}\n\n{_table(block, schema)}")
    kinds = "\n".join(f"| `{signal}` | {kind} |" for signal, kind in SIGNALS.items())
    parts.append(f"## Names of signals\n\n| Signal | Kind of evidence |\n| --- | --- |\n{kinds}\n")
    return "\n".join(parts)


def _table(block: dict[str, Any], schema: dict[str, Any]) -> str:
    required = set(block.get("required", ()))
    rows = ["| Field | Holds | Default | Meaning |", "| --- | --- | --- | --- |"]
    for name, field in block["properties"].items():
        default = "**required**" if name in required else _default(field)
        rows.append(f"| `{name}` | {_cell(_holds(field, schema))} | {default} | {_cell(_meaning(field, schema))} |")
    return "\n".join(rows) + "\n"


def _meaning(field: dict[str, Any], schema: dict[str, Any]) -> str:
    """A field's description; where it is a section that says it itself, that section's."""
    if "description" in field:
        return str(field["description"])
    block = schema["$defs"].get(str(field.get("$ref", "")).rpartition("/")[2], {})
    return str(block.get("description", "Its block."))


def _default(field: dict[str, Any]) -> str:
    default = field.get("default")
    if default is None or isinstance(default, dict):
        return ""
    return f"`{json.dumps(default) if not isinstance(default, str) else default}`" if default != "" else ""


def _holds(field: dict[str, Any] | bool, schema: dict[str, Any]) -> str:
    """A field's kind of value in a few words."""
    if not isinstance(field, dict):
        return "any value"
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "$ref" in field:
        return _named(field["$ref"], schema)
    if "anyOf" in field:
        return " or ".join(_holds(option, schema) for option in field["anyOf"])
    kind = field.get("type")
    if kind == "array":
        return "list of " + _holds(field.get("items", {}), schema)
    if kind == "object":
        values = [*field.get("patternProperties", {}).values(), field.get("additionalProperties", {})]
        return "name: " + _holds(values[0], schema)
    return _scalar(field)


def _named(reference: str, schema: dict[str, Any]) -> str:
    name = reference.rpartition("/")[2]
    for _, where, block in _SECTIONS:
        if block == name:
            return f"fields of `{where}`"
    block = schema["$defs"][name]
    return "{ " + ", ".join(f"{field}: {_holds(inner, schema)}" for field, inner in block["properties"].items()) + " }"


def _scalar(field: dict[str, Any]) -> str:
    words = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true, false"}.get(
        field.get("type", ""), "value"
    )
    if "examples" in field:
        words += f" like `{field['examples'][0]}`"
    low = field.get("minimum", field.get("exclusiveMinimum"))
    high = field.get("maximum")
    if low is not None and high is not None:
        words += f", {low:g} to {high:g}" if high < 10**12 else f", from {low:g}"
    return words


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
