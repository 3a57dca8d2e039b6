"""`ringpost users`: who signs in to the console, through the running service, or in the ledger where none runs."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final, TypeVar

import rich_click as click

from ringpost.clock import wall_clock
from ringpost.errors import RingpostError
from ringpost.ledger.open import open_ledger
from ringpost.model.access import User
from ringpost.settings import Settings

from .client import connect, running_service, segment
from .options import service_options, settings_from
from .printing import hint, show_table

T = TypeVar("T")
_ROLES: Final = ("operator", "admin", "viewer")
_password_option = click.option(
    "--password-file", type=click.File("r"), help="A file with the password, - for standard input.  [default: asks]"
)


@click.group("users")
def command() -> None:
    """Add, list and remove users of the console, and sign in by a link.

    Roles: operator (everything, every company), admin (everything of one company), viewer (reads, sees no secret).
    """


@command.command()
@click.argument("name")
@click.option("--company", help="The company that the user belongs to; none for an operator.")
@click.option("--role", type=click.Choice(_ROLES), required=True, help="What the user may do.")
@_password_option
@service_options
def add(
    name: str, company: str | None, role: Any, password_file: IO[str] | None, config: Path | None, data: str | None,
    url: str | None, key_file: IO[str] | None, as_json: bool,
) -> None:  # fmt: skip
    """Add a user. The password is asked for; it has 12 to 200 characters."""
    settings = settings_from(config, data=data)
    password = _password(password_file)
    if url or running_service(settings):
        body = {"name": name, "role": role, "password": password, **({"company": company} if company else {})}
        made = connect(settings, url, key_file).request("POST", "/v1/users", body)
    else:

        async def make(users: Any) -> dict[str, Any]:
            return _shown(await users.add(name=name, company=company, role=role, password=password))

        made = _in_ledger(settings, make, make=True)
    click.echo(json.dumps(made, indent=2) if as_json else f"Added {made['name']}.")


@command.command("list")
@service_options
def list_users(config: Path | None, data: str | None, url: str | None, key_file: IO[str] | None, as_json: bool) -> None:
    """List the users."""
    settings = settings_from(config, data=data)
    if url or running_service(settings):
        rows = connect(settings, url, key_file).request("GET", "/v1/users")
        rows = rows["result"] if isinstance(rows, dict) else rows
    else:

        async def read(users: Any) -> list[dict[str, Any]]:
            return [_shown(user) for user in users.all()]

        rows = _in_ledger(settings, read) if settings.ledger_path.exists() else []
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif not rows:
        click.echo(f"There is no user yet. Add one: {hint(settings, 'users add NAME --role operator')}")
    else:
        show_table(("name", "company", "role", "created"), map(_cells, rows))


@command.command()
@click.argument("name")
@service_options
def remove(
    name: str, config: Path | None, data: str | None, url: str | None, key_file: IO[str] | None, as_json: bool
) -> None:
    """Remove a user, whose sessions end at once."""
    settings = settings_from(config, data=data)
    if url or running_service(settings):
        connect(settings, url, key_file).request("DELETE", f"/v1/users/{segment(name)}")
    else:

        async def end(users: Any) -> None:
            await users.remove(name)

        _in_ledger(settings, end)
    click.echo(json.dumps({"removed": name}) if as_json else f"Removed {name}.")


@command.command()
@click.argument("name")
@_password_option
@service_options
def password(
    name: str, password_file: IO[str] | None, config: Path | None, data: str | None, url: str | None,
    key_file: IO[str] | None, as_json: bool,
) -> None:  # fmt: skip
    """Give a user another password. The user's sessions end at once."""
    settings = settings_from(config, data=data)
    text = _password(password_file)
    if url or running_service(settings):
        address = f"/v1/users/{segment(name)}/password"
        connect(settings, url, key_file).request("POST", address, {"password": text})
    else:

        async def change(users: Any) -> None:
            await users.set_password(name, text)

        _in_ledger(settings, change)
    click.echo(json.dumps({"changed": name}) if as_json else f"{name} has another password now.")


@command.command()
@service_options
def link(config: Path | None, data: str | None, url: str | None, key_file: IO[str] | None, as_json: bool) -> None:
    """Print a link that signs you in to the console as an operator, once, within 15 minutes."""
    settings = settings_from(config, data=data)
    made = connect(settings, url, key_file).request("POST", "/v1/sign-in-links")
    click.echo(json.dumps(made, indent=2) if as_json else made["url"])


def _password(file: IO[str] | None) -> str:
    """From a file, standard input or the keyboard: never an option's value, which the process list would show."""
    if file is not None:
        return file.read().removesuffix("\n")
    if not sys.stdin.isatty():
        return sys.stdin.read().removesuffix("\n")
    asked: str = click.prompt("Password", hide_input=True, confirmation_prompt="Once more", err=True)
    return asked


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    created = datetime.fromtimestamp(row["created"] / 1000, UTC).strftime("%Y-%m-%d %H:%M")
    return row["name"], row["company"] or "(all)", row["role"], created


def _shown(user: User) -> dict[str, Any]:
    return {name: getattr(user, name) for name in ("name", "company", "role", "created", "updated")}


def _in_ledger(settings: Settings, work: Callable[[Any], Awaitable[T]], *, make: bool = False) -> T:
    """Do it in the ledger itself, which nobody else has open. make: make it where it is missing."""
    from ringpost.access.users import Users

    if not settings.ledger_path.exists() and not make:
        raise RingpostError("user_not_found", f"There is no ledger at {settings.ledger_path}, so there are no users.")

    async def run() -> T:
        ledger = await open_ledger(settings.ledger_path, now=wall_clock)
        try:
            users = Users(ledger, wall_clock)
            await users.load()
            return await work(users)
        finally:
            await ledger.close()

    return asyncio.run(run())
