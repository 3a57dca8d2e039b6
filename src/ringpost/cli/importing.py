"""`ringpost directory import` and `export`: a directory as a CSV file, through the running service."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

import rich_click as click

from ringpost.directory.checks import FILE_LIMIT
from ringpost.errors import RingpostError

from .client import connect
from .options import service_options, settings_from
from .printing import confirm, harmless

_COMPANY: Final = "The company (needed with an operator's key)."
_MARKS: Final = {"changed": "~", "removed": "-", "added": "+"}


@click.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--company", help=_COMPANY)
@click.option(
    "--replace", is_flag=True, help="What was entered becomes exactly what FILE has: whoever is not in it is removed."
)
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@service_options
def take_file(
    file: IO[bytes], company: str | None, replace: bool, dry_run: bool, yes: bool, config: Path | None,
    data: str | None, url: str | None, key_file: IO[str] | None, as_json: bool,
) -> None:  # fmt: skip
    """Import the CSV file FILE (`-` reads standard input): it shows what would change, and asks.

    The first line names the columns: extension, name, email, userId, department, group, groupId, company; and trunk,
    emergency and queue for rows that tell of those instead of a person (a queue's name for people is in the column
    name). In UTF-8, with commas, semicolons or tabs. A file with a mistake is refused with its line and column.
    """
    if file is sys.stdin.buffer and not (yes or dry_run):
        raise click.UsageError("Standard input is the file, so nobody can be asked: give --yes or --dry-run.")
    client = connect(settings_from(config, data=data), url, key_file)
    raw, mode = file.read(FILE_LIMIT + 1), "replace" if replace else "merge"
    if len(raw) > FILE_LIMIT:
        raise RingpostError("body_too_large", f"The file is larger than the {FILE_LIMIT} bytes that are taken.")

    def ask(*, only: bool) -> dict[str, Any]:
        found: dict[str, Any] = client.request(
            "POST", "/v1/directory/import", raw, headers={"content-type": "text/csv"}, company=company, mode=mode,
            dryRun="true" if only else "false",
        )  # fmt: skip
        return found

    found = ask(only=True)
    if not as_json or not yes:
        _show(found, err=as_json)
    if not dry_run and _changes_anything(found):
        if not yes:
            confirm("Import it?", err=as_json)
        found = ask(only=False)
        click.echo("Imported.", err=as_json)
    if as_json:
        click.echo(json.dumps(found, indent=2))


@click.command()
@click.argument("file", type=click.File("wb", lazy=True), default="-")
@click.option("--company", help=_COMPANY)
@click.option("--learned", is_flag=True, help="Also what was learned from the PBX.")
@service_options
def export(
    file: IO[bytes], company: str | None, learned: bool, config: Path | None, data: str | None, url: str | None,
    key_file: IO[str] | None, as_json: bool,
) -> None:  # fmt: skip
    """Write what was entered to FILE (by default to standard output), as `directory import` takes it."""
    if as_json:
        raise click.UsageError("An export is CSV; `directory list --json` prints JSON.")
    client = connect(settings_from(config, data=data), url, key_file)
    file.write(client.fetch("GET", "/v1/directory/export", company=company, learned="true" if learned else "false"))


def _changes_anything(found: dict[str, Any]) -> bool:
    numbers = (found[name][which] for name in ("trunks", "emergency", "queues") for which in ("added", "removed"))
    return bool(found["added"] or found["changed"] or found["removed"]) or any(numbers)


def _show(found: dict[str, Any], *, err: bool) -> None:
    for line in _lines(found):
        click.echo(harmless(line), err=err)


def _lines(found: dict[str, Any]) -> Iterator[str]:
    for change in found["changes"]:
        yield f"{_MARKS[change['kind']]} {change['extension']:8} {_fields(change)}"
    if found["unlisted"]:
        yield f"… and {found['unlisted']:,} more."
    for name, words in (("trunks", "trunk"), ("emergency", "emergency number"), ("queues", "queue")):
        yield from (f"- {words} {one}" for one in found[name]["removed"])
        yield from (f"+ {words} {one}" for one in found[name]["added"])
    if found["columnsLeftOut"]:
        yield f"Columns that are left out: {', '.join(found['columnsLeftOut'])}."
    yield (
        f"People: {found['added']:,} new, {found['changed']:,} changed, {found['removed']:,} removed, "
        f"{found['unchanged']:,} as they are."
    )
    if not _changes_anything(found):
        yield "Nothing changes."


def _fields(change: dict[str, Any]) -> str:
    return ", ".join(
        f"{one['field']}: {one['old'] or '(unknown)'} → {one['new'] or '(unknown)'}"
        if change["kind"] == "changed"
        else f"{one['field']}: {one['new'] or one['old']}"
        for one in change["fields"]
    )
