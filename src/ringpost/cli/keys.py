"""`ringpost keys`: API keys, through the running service, or straight in the ledger where none runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, TypeVar

import rich_click as click

from ringpost.access.keys import Keys
from ringpost.clock import wall_clock
from ringpost.errors import RingpostError
from ringpost.ledger.open import open_ledger
from ringpost.model.access import ROLES, ApiKey, Role
from ringpost.settings import Settings

from .client import connect, running_service, segment
from .options import service_options, settings_from
from .printing import hint, show_table

T = TypeVar("T")


@click.group("keys")
def command() -> None:
    """Create, list and revoke API keys.

    Roles: operator (everything, every company), admin (everything of one company), viewer (reads, sees no secret),
    source (sends events alone).
    """


@command.command()
@click.option("--company", help="The company that the key belongs to; none for an operator's.")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What the key may do.")
@click.option("--name", default="", help="A name to know it by.")
@service_options
def create(
    company: str | None, role: Role, name: str, config: Path | None, data: str | None, url: str | None,
    key_file: IO[str] | None, as_json: bool,
) -> None:  # fmt: skip
    """Create a key. Its text is shown this once."""
    settings = settings_from(config, data=data)
    body = {"role": role, "name": name, **({"company": company} if company else {})}
    if url or running_service(settings):
        made = connect(settings, url, key_file).request("POST", "/v1/keys", body)
    else:

        async def make(keys: Keys) -> dict[str, Any]:
            made, text = await keys.create(company=company, role=role, name=name)
            return {**_shown(made), "key": text}

        made = _in_ledger(settings, make, make=True)
    if as_json:
        click.echo(json.dumps(made, indent=2))
        return
    click.echo(made["key"])
    click.echo("Keep it: it is not shown again. Use it as `Authorization: Bearer <key>`.", err=True)


@command.command("list")
@service_options
def list_keys(config: Path | None, data: str | None, url: str | None, key_file: IO[str] | None, as_json: bool) -> None:
    """List the keys (never their texts)."""
    settings = settings_from(config, data=data)
    if url or running_service(settings):
        rows = connect(settings, url, key_file).request("GET", "/v1/keys")
        rows = rows["result"] if isinstance(rows, dict) else rows
    else:

        async def read(keys: Keys) -> list[dict[str, Any]]:
            return [_shown(found) for found in keys.all()]

        rows = _in_ledger(settings, read) if settings.ledger_path.exists() else []
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        click.echo(f"There is no key yet. Make one: {hint(settings, 'keys create --role admin --company COMPANY')}")
        return
    show_table(("id", "company", "role", "name", "created", "state"), map(_cells, rows))


@command.command()
@click.argument("key_id")
@service_options
def revoke(
    key_id: str, config: Path | None, data: str | None, url: str | None, key_file: IO[str] | None, as_json: bool
) -> None:
    """Revoke a key by its id, at once."""
    settings = settings_from(config, data=data)
    if url or running_service(settings):
        connect(settings, url, key_file).request("DELETE", f"/v1/keys/{segment(key_id)}")
    else:

        async def end(keys: Keys) -> None:
            await keys.revoke(key_id)

        _in_ledger(settings, end)
    click.echo(json.dumps({"revoked": key_id}) if as_json else f"Revoked {key_id}.")


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    created = datetime.fromtimestamp(row["created"] / 1000, UTC).strftime("%Y-%m-%d %H:%M")
    state = "revoked" if row.get("revoked") else "good"
    return row["id"], row["company"] or "(all)", row["role"], row["name"], created, state


def _shown(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "company": key.company,
        "role": key.role,
        "name": key.name,
        "created": key.created,
        "revoked": key.revoked,
    }


def _in_ledger(settings: Settings, work: Callable[[Keys], Awaitable[T]], *, make: bool = False) -> T:
    """Do it in the ledger itself, which nobody else has open. make: make it where it is missing."""

    if not settings.ledger_path.exists() and not make:
        raise RingpostError("key_not_found", f"There is no ledger at {settings.ledger_path}, so there are no keys.")

    async def run() -> T:
        ledger = await open_ledger(settings.ledger_path, now=wall_clock)
        try:
            keys = Keys(ledger, wall_clock)
            await keys.load()
            return await work(keys)
        finally:
            await ledger.close()

    return asyncio.run(run())
