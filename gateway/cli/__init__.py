"""The command `gateway`: each subcommand in a file of its own, loaded only when it is called.

Exit status: 0 done, 1 a problem was found, 2 called wrongly. Errors go to standard error, results to standard output; `--json` makes
results one JSON document.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

from gateway import __version__
from gateway.errors import GatewayError, SettingsError

__all__ = ["COMMANDS", "cli", "main"]

COMMANDS: dict[str, tuple[str, str]] = {
    "serve": ("gateway.cli.serve:serve", "Run the gateway in front of a model endpoint."),
    "policy": ("gateway.cli.policy:policy", "Check, test, explain, compare and describe policy files."),
    "keys": ("gateway.cli.keys:keys", "Create, list and revoke the keys of callers."),
    "quota": ("gateway.cli.quota:quota", "Show how the limits of a caller stand."),
    "replay": ("gateway.cli.replay:replay_command", "Judge recorded traffic by a policy, as it would be live."),
    "calibrate": ("gateway.cli.calibrate:calibrate_command", "Fit a baseline on recorded traffic, and say how it would judge."),
    "risk": ("gateway.cli.risk:risk", "Show who is suspected and why; clear or confirm a caller."),
    "audit": ("gateway.cli.audit:audit", "Read and verify the record of decisions."),
    "attribute": ("gateway.cli.attribute:attribute_command", "Tell whose code word is in a suspect data set or model."),
    "lab": ("gateway.cli.lab:lab", "Compose labelled traffic to rehearse a policy on."),
}
"""Subcommand -> (where it is, one line on it)."""


class _Lazy(click.Group):
    """A group that imports a subcommand only when it is needed, so that `gateway keys` does not wait for the server's imports."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, prog_name="gateway")
def cli() -> None:
    """A gateway in front of model endpoints: exact quotas, known callers, a verifiable record.

    Example: gateway serve --policy policies/default.yaml --upstream http://localhost:8000/v1
    """


def main(arguments: list[str] | None = None) -> Any:
    """Run the command; never returns, ends the process with 0, 1 or 2."""
    try:
        cli.main(arguments, prog_name="gateway")
    except SettingsError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    except GatewayError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
