"""How commands show things: tables for people, plain lines for programs, and hints that can be pasted.

Names and targets come from clients: whatever of them would steer a terminal is shown and not obeyed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Final

import rich_click as click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ringpost.settings import Settings

_PROGRAM: Final = "RINGPOST_PROGRAM"  # set by `./run`, which stands for `ringpost` in a clone


def program() -> str:
    """What a person types to run this program."""
    return os.environ.get(_PROGRAM) or "ringpost"


def hint(settings: Settings, words: str) -> str:
    """A command to type next, on the same data folder."""
    data = "" if settings.data == Settings().data else f" --data {settings.data}"
    return f"{program()} {words}{data}"


def show_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table on a terminal; elsewhere one line a row, with tabs and without headings."""
    if not sys.stdout.isatty():
        for row in rows:
            click.echo("\t".join(harmless(cell) for cell in row))
        return
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(harmless(cell)) for cell in row))
    Console().print(table)


def tell_more(shown: int) -> None:
    """That a list goes on, where it does not get into what a program reads."""
    click.echo(f"These are the newest {shown}; there are more: --limit.", err=True)


def confirm(question: str, *, err: bool = False) -> None:
    """Ask; ends the command with exit code 1 where the answer is no. err: on the error output."""
    if not click.confirm(question, err=err):
        click.echo("Nothing was done.", err=True)
        sys.exit(1)


def harmless(text: str) -> str:
    """The text with its control characters shown as escapes."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
