"""`ringpost demo`: everything at once, to see real events of calls arrive verified within the first minute."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import webbrowser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import rich_click as click

from ringpost.clock import wall_clock
from ringpost.errors import RingpostError
from ringpost.settings import Settings
from ringpost.telemetry.logs import set_up_logs

from .printing import program

if TYPE_CHECKING:
    from ringpost.console.inbox import Inbox, Received
    from ringpost.node import Node

COMPANY: Final = "demo"
SERIAL: Final = "simulator"
INTEGRATION: Final = "Demo inbox"
_FIRST_PORT: Final = 8800


@click.command("demo")
@click.option("--port", type=click.IntRange(0, 65535), help="The port to use.  [default: 8800, or a free one]")
@click.option("--data", default="ringpost-demo", show_default=True, help="The folder that keeps the demo's data.")
@click.option("--open", "open_browser", is_flag=True, help="Open the inbox's page in a browser.")
@click.option("--seed", type=int, default=None, help="Make the same calls again.  [default: others each time]")
@click.option("--calls", type=click.IntRange(min=1), help="Stop by itself after so many calls have ended.")
def command(port: int | None, data: str, open_browser: bool, seed: int | None, calls: int | None) -> None:
    """See it work: the service with a demo company, a simulator that makes calls, and an inbox that verifies
    what arrives.

    Everything runs in this one process and ends with Ctrl-C. The data stays in a folder; delete it to begin anew.
    """
    from .running import run

    set_up_logs("warning", "text")

    async def work(stop: asyncio.Event) -> None:
        await _Demo(data, port, seed, calls, stop).run(open_browser=open_browser)

    run(work)


class _Demo:
    def __init__(self, data: str, port: int | None, seed: int | None, calls: int | None, stop: asyncio.Event) -> None:
        self._settings = Settings(
            data=data, port=_FIRST_PORT if port is None else port, allow_networks=("127.0.0.0/8",), log_level="warning"
        )
        self._is_port_given = port is not None
        self._seed = seed
        self._calls_left = calls
        self._stop = stop

    async def run(self, *, open_browser: bool) -> None:
        from ringpost.console.inbox import Inbox
        from ringpost.node import start_node

        from .running import findable

        secrets: dict[str, str] = {}
        inbox = Inbox(wall_clock, secrets.get)
        listening = self._listen()
        node = await start_node(
            self._settings,
            listening=listening,
            routes_of=lambda node: self._routes(node, inbox),
            later=[(COMPANY, SERIAL)],
        )
        try:
            async with findable(node):
                identifier, secret = await self._install(node, inbox)
                secrets[identifier] = secret
                link = f"{node.url}/login/{node.sessions.make_link()}"
                click.echo(_greeting(self._settings, node.url, link))
                if open_browser:
                    webbrowser.open(link)
                await self._show_calls(node, inbox)
                click.echo(_farewell(self._settings))
        finally:
            inbox.close()
            await node.stop()

    def _listen(self) -> socket.socket:
        """The usual port, or, unless one was asked for, any free one."""
        from ringpost.api.server import listen

        try:
            return listen(self._settings.host, self._settings.port)
        except RingpostError as error:
            if self._is_port_given or error.code != "port_taken":
                raise
        listening = listen(self._settings.host, 0)
        click.echo(f"Port {_FIRST_PORT} is taken, so the demo uses {listening.getsockname()[1]}.")
        return listening

    def _routes(self, node: Node, inbox: Inbox) -> Sequence[Any]:
        from ringpost.console.inbox_page import inbox_receiver, inbox_screens

        node.console.add(inbox_screens(inbox, _next_steps(self._settings, node.url)))
        return [inbox_receiver(inbox)]

    async def _install(self, node: Node, inbox: Inbox) -> tuple[str, str]:
        """The demo's integration, with its target where the inbox is this time: its id and secret."""
        from ringpost.integrations.requests import EditRequest, InstallRequest

        url = f"{node.local_url}/inbox/{inbox.token}"
        found = next((known for known in node.registry.of(COMPANY) if known.name == INTEGRATION), None)
        if found is None:
            request = InstallRequest(type="webhook", url=url, name=INTEGRATION)
            integration, credentials = await node.registry.install(COMPANY, request)
        else:
            integration, credentials = await node.registry.edit(COMPANY, found.id, EditRequest(url=url))
        return integration.id, credentials.secret

    async def _show_calls(self, node: Node, inbox: Inbox) -> None:
        """Let the simulator call, and tell what arrives, until it is enough."""
        from ringpost.sources.simulator import DEMO, Simulator

        seed = node.now() if self._seed is None else self._seed
        telling = asyncio.create_task(self._tell(inbox))
        await node.listen_to(COMPANY, SERIAL, Simulator(seed, now=node.now, pace=DEMO), trunks=("provider",))
        await self._stop.wait()
        telling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await telling

    async def _tell(self, inbox: Inbox) -> None:
        async for received in inbox.follow(0):
            click.echo(_line(received))
            if received.event.get("type") == "call:end" and self._calls_left is not None:
                self._calls_left -= 1
                if self._calls_left <= 0:
                    self._stop.set()


def _line(received: Received) -> str:
    from ringpost.console.pages import clock_time
    from ringpost.console.summary import summarise

    told = summarise(received.event)
    mark = click.style("✓ verified", fg="green") if received.verified else click.style("✗ not verified", fg="red")
    colours = {"call:start": "blue", "call:update": "yellow"}
    kind = click.style(f"{told.type:11}", fg=colours.get(told.type))
    what = told.what if received.verified else received.verdict
    return f"{clock_time(received.at)}  {mark}  {kind}  {told.who}  {what}{f' ({told.via})' if told.via else ''}"


def _greeting(settings: Settings, url: str, link: str) -> str:
    steps = "\n".join(f"  {heading}\n      {command}" for heading, command in _next_steps(settings, url).items())
    return (
        f"Ringpost's demo runs at {url}; its data is in {Path(settings.data).resolve()}.\n\n"
        f"See the inbox in a browser (this link signs you in, once):\n  {link}\n\n"
        f"What to do next, in another terminal:\n{steps}\n\n"
        "Simulated calls follow; each event was delivered over HTTP and its signatures checked. Ctrl-C ends the demo.\n"
    )


def _farewell(settings: Settings) -> str:
    return f"\nThe demo ends. Its data stays in {Path(settings.data).resolve()}; delete it to begin anew."


def _next_steps(settings: Settings, url: str) -> Mapping[str, str]:
    here, run = f"--data {Path(settings.data).resolve()}", program()
    return {
        "Install an integration of your own:": (
            f"{run} integrations install webhook https://example.com/calls --company {COMPANY} {here}"
        ),
        "Send it a signed test call (the id is printed by the line above):": (
            f"{run} integrations test INTEGRATION_ID {here}"
        ),
        "Make a key and look at the calls through the API:": (
            f'curl -H "Authorization: Bearer $({run} keys create --role viewer --company {COMPANY} {here})" '
            f"{url}/v1/calls"
        ),
        "Connect your own PBX (Asterisk): write ringpost.toml as README.md shows, then check it:": (
            f"{run} doctor --config ringpost.toml"
        ),
    }
