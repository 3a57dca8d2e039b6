"""`ringpost serve`: the service."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from ringpost.settings import Settings
from ringpost.telemetry.logs import set_up_logs

from .options import config_option, data_option, settings_from
from .printing import hint, program

if TYPE_CHECKING:
    from ringpost.node import Node


@click.command("serve")
@click.option("--host", help="The address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="The port to listen on.  [default: 8800]")
@config_option
@data_option
def command(host: str | None, port: int | None, config: Path | None, data: str | None) -> None:
    """Run the service until Ctrl-C or SIGTERM.

    What is under way is then finished, within a limit; everything else that is owed goes on at the next start.
    """
    settings = settings_from(config, data=data, host=host, port=port)
    set_up_logs(settings.log_level, settings.log_format)
    from .running import run

    async def work(stop: asyncio.Event) -> None:
        await _serve(settings, stop)

    run(work)


async def _serve(settings: Settings, stop: asyncio.Event) -> None:
    from ringpost.node import start_node

    from .running import findable

    node = await start_node(settings)
    try:
        async with findable(node):
            click.echo(_greeting(settings, node.url, installed=bool(node.registry.all())), err=True)
            click.echo(_way_in(settings, node), err=True)
            await stop.wait()
            click.echo("Stopping: finishing what is under way. Ctrl-C again stops at once; nothing is lost.", err=True)
    finally:
        await node.stop()


def _way_in(settings: Settings, node: Node) -> str:
    """How to sign in to the console. A link goes to a terminal alone: anything else may be a log that others read."""
    if not sys.stderr.isatty():
        return f"The console: {node.url} (a link that signs you in: {hint(settings, 'users link')})"
    return f"The console (this link signs you in, once): {node.url}/login/{node.sessions.make_link()}"


def _greeting(settings: Settings, url: str, *, installed: bool) -> str:
    """Where it listens, and what is still to do."""
    lines = [f"Ringpost listens at {url}; everything is kept in {Path(settings.data).resolve()}. Ctrl-C stops it."]
    if not settings.pbx:
        lines.append(f"No PBX is set up: add a [[pbx]] table to the settings file and try `{program()} doctor`.")
    if not installed:
        words = "integrations install webhook https://… --company COMPANY"
        lines.append(f"No integration is installed: {hint(settings, words)}")
    return "\n".join(lines)
