"""`ringpost backup`: a copy of the ledger, with the service running or without it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import monotonic
from typing import Final

import rich_click as click

from ringpost.errors import RingpostError
from ringpost.ledger.backup import back_up

from .options import config_option, data_option, settings_from
from .printing import program

_MB: Final = 1_000_000


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Overwrite FILE if it is an older copy.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@config_option
@data_option
def command(file: Path, force: bool, as_json: bool, config: Path | None, data: str | None) -> None:
    """Copy the ledger into FILE, on the machine that it is on.

    The service may run meanwhile: the copy is of one moment. To restore it, stop the service, put FILE in the
    ledger's place (and no -wal or -shm file beside it), and start the service.
    """
    settings = settings_from(config, data=data)
    if file.resolve() == settings.sealing_key_path.resolve():
        raise RingpostError("backup_exists", f"{file} is the place of the sealing key. Use another name.", field="file")
    size = back_up(settings.ledger_path, file, force=force, progress=_Progress())
    if as_json:
        click.echo(json.dumps({"file": str(file), "bytes": size}))
        return
    click.echo(f"Copied {settings.ledger_path} into {file} ({size / _MB:.1f} MB).")
    click.echo(
        f"The secrets in it open with {settings.sealing_key_path} alone: back that up too, in another place.\n"
        f"Check the copy where it lies: {program()} doctor --ledger {file}",
        err=True,
    )


class _Progress:
    """One line on a terminal, a few times a second."""

    def __init__(self) -> None:
        self._shown = 0.0

    def __call__(self, done: int, total: int) -> None:
        now = monotonic()
        if sys.stderr.isatty() and (now - self._shown > 0.2 or done == total):
            self._shown = now
            end = "\n" if done == total else ""
            click.echo(f"\r{done / _MB:.0f} of {total / _MB:.0f} MB{end}", nl=False, err=True)
