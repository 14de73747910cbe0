"""`gateway serve`: the reverse proxy, in front of model endpoints or of the demo model."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from gateway import __version__
from gateway.cli.options import state_options
from gateway.errors import PolicyError, SettingsError
from gateway.policy.load import find
from gateway.server import WORKER, Expected, run_workers, worker_number
from gateway.settings import Settings, admin_token, deployment_secret, flag_upstream

__all__ = ["serve"]


@click.command()
@click.option("--policy", default="default", show_default=True, envvar="GATEWAY_POLICY", metavar="FILE",
              help="A policy file, or the name of a shipped one: default, strict, shadow, passthrough.")  # fmt: skip
@click.option(
    "--upstream", envvar="GATEWAY_UPSTREAM", metavar="URL", help="The model endpoint; its credential is GATEWAY_UPSTREAM_KEY."
)
@click.option("--ask-usage", is_flag=True, envvar="GATEWAY_ASK_USAGE", help="The --upstream understands stream_options.include_usage.")
@click.option("--host", default="127.0.0.1", show_default=True, envvar="GATEWAY_HOST", help="Address of the data plane.")
@click.option(
    "--port", default=8080, show_default=True, envvar="GATEWAY_PORT", type=click.IntRange(0, 65535), help="Port of the data plane."
)
@click.option("--admin-host", default="127.0.0.1", show_default=True, envvar="GATEWAY_ADMIN_HOST", help="Address of the admin plane.")
@click.option("--admin-port", default=8081, show_default=True, envvar="GATEWAY_ADMIN_PORT", type=click.IntRange(0, 65535),
              help="Port of the admin plane; with workers each has its own, counting up.")  # fmt: skip
@state_options
@click.option("--workers", default=1, show_default=True, envvar="GATEWAY_WORKERS", help="Processes that share the port; needs Redis.")
@click.option("--upstream-client", "client", default="aiohttp", show_default=True, envvar="GATEWAY_UPSTREAM_CLIENT",
              type=click.Choice(["aiohttp", "httpx"]), help="What speaks to the model endpoint.")  # fmt: skip
@click.option("--shutdown", "shutdown_s", default=30.0, show_default=True, envvar="GATEWAY_SHUTDOWN", metavar="SECONDS",
              type=click.FloatRange(0, 3600), help="How long streams may take to finish when the gateway is told to stop.")  # fmt: skip
@click.option("--demo", is_flag=True, envvar="GATEWAY_DEMO", help="Put the small built-in demo model behind it, and print a key.")
def serve(policy: str, upstream: str | None, ask_usage: bool, data: Path, **told: Any) -> None:
    """Run the gateway in front of a model endpoint.

    Example: gateway serve --policy policies/default.yaml --upstream http://localhost:8000/v1
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    logging.getLogger("uvicorn.error").addFilter(Expected())
    # It tells of every file beside the policy; were our own log one of them, each line would bring the next.
    logging.getLogger("watchfiles").setLevel(logging.WARNING)
    rules = (flag_upstream(upstream, ask_usage=ask_usage),) if upstream else ()
    settings = Settings(
        policy=_found(policy), upstreams=rules, data=data, secret=deployment_secret(), admin_token=admin_token(), **told
    ).checked()
    if settings.workers > 1 and WORKER not in os.environ:
        sys.exit(run_workers(sys.argv[1:], settings.workers, host=settings.host, port=settings.port))
    sys.exit(_run(settings))


def _found(policy: str) -> str:
    """The policy as it was named; SettingsError where there is none."""
    try:
        find(policy)
    except PolicyError as error:
        raise SettingsError(f"--policy {error}") from error
    return policy


def _run(settings: Settings) -> int:
    """Serve with uvloop where it exists, until told to stop."""
    # The server's imports cost most of the start: `gateway serve --help` does without them.
    from gateway.run import serve as serve_until_stopped

    number = worker_number()
    if number and settings.admin_port:
        settings = replace(settings, admin_port=settings.admin_port + number)
    factory = None
    if sys.platform != "win32":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(serve_until_stopped(settings, told=_tell))
    return 0


def _tell(address: str, admin: str, policy: str, settings: Settings, demo_key: str | None) -> None:
    """What an operator sees when the gateway listens; with the demo, a request to paste."""
    where = "the demo model" if settings.demo else ", ".join(rule.url for rule in settings.upstreams) or "the policy's upstreams"
    click.echo(f"gateway {__version__}, policy {policy}, in front of {where}")
    click.echo(f"  data plane   {address}")
    click.echo(f"  admin plane  {admin}  (/healthz, /readyz, /metrics, /api/...)")
    click.echo(f"  state        {_without_password(settings.state)}, records under {settings.data}/audit")
    if demo_key is not None:
        body = json.dumps({"model": "demo", "messages": [{"role": "user", "content": "Tell me about rivers."}]})
        click.echo("\nPaste this:\n")
        fields = f"-H 'Authorization: Bearer {demo_key}' -H 'Content-Type: application/json'"
        click.echo(f"  curl {address}/v1/chat/completions {fields} -d '{body}'\n")
    sys.stdout.flush()


def _without_password(state: str) -> str:
    scheme, separator, rest = state.partition("://")
    return scheme + separator + rest.rpartition("@")[2]
