"""`ringpost integrations edit`, `pause` and `resume`: changes of one integration, through the running service."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Any, Final

import rich_click as click

from ringpost.model.delays import read_delays

from .client import connect, segment
from .options import service_options, settings_from
from .printing import harmless, hint

RETRY_HELP: Final = (
    "The waits before the second and each later attempt, as 5s,30s,2m,1h,1d; `none`: one attempt alone; `default`: "
    "those of the settings."
)


@click.command()
@click.argument("integration")
@click.option("--target", help="The new target: a webhook's URL, or the URL of an SQS queue.")
@click.option(
    "--filter", "wanted", multiple=True, help="An event type that is wanted; may repeat. Replaces the filter."
)
@click.option("--name", help="A name to know it by; empty: none.")
@click.option("--retry", help=RETRY_HELP)
@service_options
def edit(
    integration: str, target: str | None, wanted: tuple[str, ...], name: str | None, retry: str | None,
    config: Path | None, data: str | None, url: str | None, key_file: IO[str] | None, as_json: bool,
) -> None:  # fmt: skip
    """Change what is given of one integration."""
    body: dict[str, Any] = {}
    if target is not None:
        body["url"] = target
    if wanted:
        body["filter"] = list(wanted)
    if name is not None:
        body["name"] = name or None
    if retry is not None:
        body["retryDelaysMs"] = read_delays(retry)
    if not body:
        raise click.UsageError("Nothing to change: give --target, --filter, --name or --retry.")
    client = connect(settings_from(config, data=data), url, key_file)
    changed = client.request("PATCH", f"/v1/integrations/{segment(integration)}", body)
    _tell(changed, f"Changed {changed['id']}: {changed['type']} {changed['url']}", as_json)


@click.command()
@click.argument("integration")
@service_options
def pause(
    integration: str, config: Path | None, data: str | None, url: str | None, key_file: IO[str] | None, as_json: bool
) -> None:
    """Pause one integration: what it is owed is kept."""
    settings = settings_from(config, data=data)
    client = connect(settings, url, key_file)
    changed = client.request("POST", f"/v1/integrations/{segment(integration)}/pause")
    again = hint(settings, f"integrations resume {changed['id']}")
    _tell(changed, f"Paused {changed['id']}; what it is owed is kept. To go on: {again}", as_json)


@click.command()
@click.argument("integration")
@service_options
def resume(
    integration: str, config: Path | None, data: str | None, url: str | None, key_file: IO[str] | None, as_json: bool
) -> None:
    """Let a paused integration go on: what it is owed goes out, in order."""
    client = connect(settings_from(config, data=data), url, key_file)
    changed = client.request("POST", f"/v1/integrations/{segment(integration)}/resume")
    _tell(changed, f"Resumed {changed['id']}; {changed['pending']} deliveries are pending.", as_json)


def _tell(changed: dict[str, Any], line: str, as_json: bool) -> None:
    click.echo(json.dumps(changed, indent=2) if as_json else harmless(line))
