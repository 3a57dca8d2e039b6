"""What one check of `ringpost doctor` found, and how it is shown."""

from __future__ import annotations

from typing import Final

import rich_click as click
from msgspec import Struct

from ringpost.errors import RingpostError

_INDENT: Final = " " * 6
_MARKS: Final = {
    True: click.style("ok  ", fg="green"),
    False: click.style("FAIL", fg="red"),
    None: click.style("?   ", fg="yellow"),
}


class Finding(Struct, frozen=True, kw_only=True):
    """One check: whether it is good (None: nothing happened that would have shown it), what was found, and what helps
    (empty where nothing needs to)."""

    check: str
    good: bool | None
    found: str
    help: str = ""


def failed(check: str, error: RingpostError) -> Finding:
    return Finding(check=check, good=False, found=f"{error.code}: {error.message}", help=error.kind.help)


def show(finding: Finding) -> None:
    click.echo(f"{_MARKS[finding.good]}  {finding.check}: {finding.found}")
    for line in finding.help.splitlines():
        click.echo(_INDENT + line)
