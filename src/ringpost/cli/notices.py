"""`ringpost notices`: what an operator must know, through the running service."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import rich_click as click

from ringpost.model.notice import NOTICE_TYPES

from .client import connect
from .options import service_options, settings_from
from .printing import show_table, tell_more


@click.command("notices")
@click.option("--company", help="Only this company's; `ringpost`: those about the service itself.")
@click.option("--type", "kind", type=click.Choice(NOTICE_TYPES), help="Only those of this type.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many at most.")
@service_options
def command(
    company: str | None, kind: str | None, limit: int, config: Path | None, data: str | None, url: str | None,
    key_file: IO[str] | None, as_json: bool,
) -> None:  # fmt: skip
    """List notices, newest first: integrations paused, deliveries exhausted, PBXs lost …

    An integration installed with `--filter "notice:*"` gets them as events.
    """
    client = connect(settings_from(config, data=data), url, key_file)
    found, is_more = client.pages("/v1/notices", limit, company=company, type=kind)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    elif not found:
        click.echo("There are no notices.")
    else:
        show_table(("time", "company", "type", "message"), map(_cells, found))
    if is_more:
        tell_more(len(found))


def _cells(notice: dict[str, Any]) -> tuple[str, ...]:
    time = datetime.fromtimestamp(notice["time"] / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return time, notice["company"], notice["type"].removeprefix("notice:"), notice["message"]
