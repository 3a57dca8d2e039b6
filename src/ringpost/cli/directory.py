"""`ringpost directory`: who is behind an extension, trunks, emergency numbers, queues, through the running service."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Final

import rich_click as click

from ringpost.errors import RingpostError

from .client import Client, connect, segment
from .importing import export, take_file
from .options import service_options, settings_from
from .printing import confirm, harmless, show_table

_COMPANY: Final = "The company (needed with an operator's key)."
_PATH: Final = "/v1/directory"
_FIELDS: Final = ("name", "email", "userId", "department", "group", "groupId", "company")


@click.group("directory")
def command() -> None:
    """Say who is behind an extension, and which endpoints are trunks.

    What is entered goes before what the PBX shows, field by field, in every event from then on. The directory is the
    company's own: `ringpost erase` takes calls out and leaves it as it is.
    """


command.add_command(take_file)
command.add_command(export)


@command.command()
@click.option("--company", help=_COMPANY)
@service_options
def show(
    company: str | None, config: Path | None, data: str | None, url: str | None, key_file: IO[str] | None, as_json: bool
) -> None:
    """Show region, trunks, emergency numbers and queues, and how many people there are."""
    found = _client(config, data, url, key_file).request("GET", _PATH, company=company)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for name in ("region", "trunks", "emergency", "queues"):
        click.echo(f"{name:10} {harmless(_written(found[name]))}")
    click.echo(f"{'people':10} {found['people']:,} entered, {found['learned']:,} more that the PBX showed")


@command.command("list")
@click.option("--company", help=_COMPANY)
@click.option("--search", help="Only people with this text in name, extension or e-mail address.")
@click.option("--limit", type=click.IntRange(1, 110_000), default=1_000, show_default=True, help="How many at most.")
@service_options
def list_people(
    company: str | None, search: str | None, limit: int, config: Path | None, data: str | None, url: str | None,
    key_file: IO[str] | None, as_json: bool,
) -> None:  # fmt: skip
    """List people, by extension."""
    found, is_more = _client(config, data, url, key_file).pages(
        f"{_PATH}/people", limit, company=company, search=search
    )
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        if not found:
            click.echo("There is nobody. Begin: directory set 1001 --name …, or directory import FILE.csv")
            return
        headings = ("extension", "name", "email", "department", "group", "known by")
        show_table(headings, map(_cells, found))
    if is_more:
        click.echo(f"These are the first {len(found)}; there are more: --limit.", err=True)


@command.command("set")
@click.argument("extension")
@click.option("--company", help=_COMPANY)
@click.option("--name", help="The person's name; empty: unknown, as for the others.")
@click.option("--email", help="An e-mail address.")
@click.option("--user-id", "userId", help="A userId, as your other systems know the person by.")
@click.option("--department", help="A department.")
@click.option("--group", help="A group's name.")
@click.option("--group-id", "groupId", help="A group's id.")
@click.option("--of-company", help="The person's company, as events show it.")
@service_options
def enter(
    extension: str, company: str | None, of_company: str | None, config: Path | None, data: str | None,
    url: str | None, key_file: IO[str] | None, as_json: bool, **given: str | None,
) -> None:  # fmt: skip
    """Enter what is given of who is behind EXTENSION; the rest stays."""
    changes = {name: value for name, value in {**given, "company": of_company}.items() if value is not None}
    client, path = _client(config, data, url, key_file), f"{_PATH}/people/{segment(extension)}"
    body = _entered(client, path, company) | {name: value or None for name, value in changes.items()}
    person = client.request("PUT", path, body, company=company)
    click.echo(json.dumps(person, indent=2) if as_json else harmless(f"{extension}: {_described(person)}"))


@command.command()
@click.argument("extension")
@click.option("--company", help=_COMPANY)
@click.option("--yes", is_flag=True, help="Do not ask.")
@service_options
def remove(
    extension: str, company: str | None, yes: bool, config: Path | None, data: str | None, url: str | None,
    key_file: IO[str] | None, as_json: bool,
) -> None:  # fmt: skip
    """Remove EXTENSION. What the PBX still shows of it may be learned again."""
    client, path = _client(config, data, url, key_file), f"{_PATH}/people/{segment(extension)}"
    if not yes:
        person = client.request("GET", path, company=company)
        confirm(harmless(f"Remove {extension} ({_described(person)})?"), err=as_json)
    person = client.request("DELETE", path, company=company)
    click.echo(json.dumps(person, indent=2) if as_json else f"Removed {extension}.")


@command.command()
@click.argument("country", required=False)
@click.option("--company", help=_COMPANY)
@service_options
def region(
    country: str | None, company: str | None, config: Path | None, data: str | None, url: str | None,
    key_file: IO[str] | None, as_json: bool,
) -> None:  # fmt: skip
    """Set or show the region: a COUNTRY in two letters, whose numbers are dialled without a country code.

    With it, numbers of people outside are told in their international form. `none`: as the PBX shows them.
    """
    client = _client(config, data, url, key_file)
    _set(client, "region", None if country == "none" else country, company, as_json, is_asked=country is None)


@command.command()
@click.argument("names", nargs=-1)
@click.option("--none", is_flag=True, help="No trunk is named.")
@click.option("--company", help=_COMPANY)
@service_options
def trunks(
    names: tuple[str, ...], none: bool, company: str | None, config: Path | None, data: str | None, url: str | None,
    key_file: IO[str] | None, as_json: bool,
) -> None:  # fmt: skip
    """Set or show the trunks: NAMES of endpoints that lead outside, `*` for any text.

    They take the place of those there were. Those of the settings file are added to them.
    """
    client = _client(config, data, url, key_file)
    _set(client, "trunks", list(names), company, as_json, is_asked=not _is_given(names, none))


@command.command()
@click.argument("numbers", nargs=-1)
@click.option("--none", is_flag=True, help="None beside 112, 911 and 933.")
@click.option("--company", help=_COMPANY)
@service_options
def emergency(
    numbers: tuple[str, ...], none: bool, company: str | None, config: Path | None, data: str | None, url: str | None,
    key_file: IO[str] | None, as_json: bool,
) -> None:  # fmt: skip
    """Set or show the emergency NUMBERS beside 112, 911 and 933. They take the place of those there were."""
    client = _client(config, data, url, key_file)
    _set(client, "emergency", list(numbers), company, as_json, is_asked=not _is_given(numbers, none))


@command.command()
@click.argument("names", nargs=-1, metavar="[QUEUE=NAME]...")
@click.option("--none", is_flag=True, help="No queue is named.")
@click.option("--company", help=_COMPANY)
@service_options
def queues(
    names: tuple[str, ...], none: bool, company: str | None, config: Path | None, data: str | None, url: str | None,
    key_file: IO[str] | None, as_json: bool,
) -> None:  # fmt: skip
    """Set or show how queues are called, as 500=Support. They take the place of those there were."""
    client = _client(config, data, url, key_file)
    named = dict(_pair(name) for name in names)
    _set(client, "queues", named, company, as_json, is_asked=not _is_given(names, none))


def _set(client: Client, name: str, value: object, company: str | None, as_json: bool, *, is_asked: bool) -> None:
    """is_asked: only show it."""
    found = client.request("GET" if is_asked else "PATCH", _PATH, None if is_asked else {name: value}, company=company)
    click.echo(json.dumps(found[name], indent=2) if as_json else harmless(_written(found[name])))


def _is_given(names: Sequence[str], none: bool) -> bool:
    if names and none:
        raise click.UsageError("Give names, or --none.")
    return bool(names) or none


def _pair(text: str) -> tuple[str, str]:
    queue, equals, name = text.partition("=")
    if not equals:
        raise RingpostError("invalid_value", f"{text[:40]!r}: write QUEUE=NAME, as 500=Support.", field="queues")
    return queue, name


def _entered(client: Client, path: str, company: str | None) -> dict[str, str | None]:
    """What was entered of a person so far."""
    try:
        person = client.request("GET", path, company=company)
    except RingpostError as error:
        if error.code != "person_not_found":
            raise
        return {}
    return {name: person[name] for name in _FIELDS if name not in person["learned"]}


def _described(person: dict[str, Any]) -> str:
    return ", ".join(person[name] for name in _FIELDS if person[name]) or "nothing is known"


def _written(value: Any) -> str:
    if isinstance(value, dict):
        value = [f"{queue}={name}" for queue, name in value.items()]
    return (value if isinstance(value, str) else ", ".join(value or ())) or "none"


def _cells(person: dict[str, Any]) -> tuple[str, ...]:
    known = "entered" if person["known"] == "entered" else "the PBX"
    return (person["extension"], *(person[name] or "" for name in ("name", "email", "department", "group")), known)


def _client(config: Path | None, data: str | None, url: str | None, key_file: IO[str] | None) -> Client:
    return connect(settings_from(config, data=data), url, key_file)
