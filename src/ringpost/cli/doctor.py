"""`ringpost doctor`: checks what the service needs, one line each, and says what would help."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Final

import rich_click as click

from ringpost.access.sealing import open_vault
from ringpost.errors import RingpostError
from ringpost.ledger.check import check_ledger
from ringpost.ledger.inspection import Inspection, Sealed
from ringpost.settings import Settings

from .client import Client, Service, running_service
from .doctor_pbx import pbx_findings
from .finding import Finding, failed, show
from .options import config_option, data_option, settings_from

_MB: Final = 1_000_000


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--listen",
    type=click.IntRange(0, 600),
    default=2,
    show_default=True,
    help="Seconds to wait for calls of each PBX, which show what may be read.",
)
@config_option
@data_option
@click.option(
    "--ledger",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Check this ledger file, as a backup is one, where it lies, with the sealing key; and nothing else.",
)
def command(as_json: bool, listen: int, config: Path | None, data: str | None, ledger: Path | None) -> None:
    """Check settings, ledger, sealing key, port, disk and PBXs, and say what would help.

    Works beside a running service and without one, and changes nothing. The exit code is 1 if anything is wrong.
    """
    settings = settings_from(config, data=data)
    findings = []
    found = _findings(settings, config, listen) if ledger is None else _file(ledger, settings)
    for finding in found:
        findings.append(finding)
        if not as_json:
            show(finding)
    if as_json:
        click.echo(json.dumps([{name: getattr(f, name) for name in f.__struct_fields__} for f in findings], indent=2))
    sys.exit(1 if any(finding.good is False for finding in findings) else 0)


def _findings(settings: Settings, config: Path | None, listen: int) -> Iterator[Finding]:
    where = str(config) if config else "defaults and environment"
    yield Finding(check="settings", good=True, found=f"read from {where}")
    service = running_service(settings)
    if service is not None:
        yield _service(service)
    else:
        yield from _ledger_and_key(settings)
        yield _port(settings)
    yield _disk(settings)
    if not settings.pbx:
        yield Finding(
            check="pbx",
            good=True,
            found="none is set up",
            help="Add a [[pbx]] table to the settings file and name it: --config; see `ringpost settings`.",
        )
    for pbx in settings.pbx:
        yield from pbx_findings(pbx, listen)


def _service(service: Service) -> Finding:
    try:
        Client(service).request("GET", "/readyz")
    except RingpostError as error:
        return failed("service", error)
    return Finding(check="service", good=True, found=f"runs at {service.url}; its ledger can be written")


def _ledger_and_key(settings: Settings) -> Iterator[Finding]:
    """Both belong together: the key must open what the ledger holds."""
    path = settings.ledger_path
    try:
        is_there = path.exists()
    except OSError as error:
        yield _no_access("ledger", path, error)
        return
    if not is_there:
        yield _place("ledger", path)
        yield _place("sealing key", settings.sealing_key_path)
    elif not os.access(path, os.R_OK | os.W_OK) or not os.access(path.parent, os.W_OK | os.X_OK):
        yield _no_access("ledger", path, OSError(0, "it, or its folder, cannot be written to"))
    else:
        yield from _checked(path, settings.sealing_key_path, "can be read and written")


def _file(path: Path, settings: Settings) -> Iterator[Finding]:
    """The ledger itself, or a file that could be put in its place."""
    is_the_ledger = path.resolve() == settings.ledger_path.resolve()
    yield from _checked(path, settings.sealing_key_path, "is a whole ledger", again=not is_the_ledger)


def _disk(settings: Settings) -> Finding:
    """The space that the ledger has left."""
    folder = settings.ledger_path.absolute().parent
    try:
        place = next(parent for parent in (folder, *folder.parents) if parent.exists())
        disk = os.statvfs(place)
    except OSError as error:
        return _no_access("disk", folder, error)
    free = disk.f_bavail * disk.f_frsize // _MB
    found = f"{free:,} MB are left for the ledger"
    if free >= settings.ledger_free_mb:
        return Finding(check="disk", good=True, found=found)
    return Finding(
        check="disk",
        good=False,
        found=f"{found} on the disk of {place}, less than {settings.ledger_free_mb:,} MB (ledger_free_mb)",
        help="When it is full, no event is accepted. Free space there, move the ledger to a larger disk (setting "
        "`ledger`), or keep events for fewer days (keep_events_days).",
    )


def _checked(path: Path, key: Path, good: str, *, again: bool = False) -> Iterator[Finding]:
    """again: say what comes of putting it in place."""
    try:
        found = check_ledger(path, _Waiting(path))
    except RingpostError as error:
        yield failed("ledger", error)
        return
    if found.problems:
        told = "; ".join(found.problems)
        yield Finding(check="ledger", good=False, found=f"{path} is damaged: {told}", help="Restore a backup.")
        return
    if found.version < found.newest:
        text = f"{path} {good}; it is of version {found.version}, and the next start brings it to {found.newest}"
        yield Finding(check="ledger", good=True, found=text)
        return
    yield Finding(check="ledger", good=True, found=f"{path} {good}; {_owed(found)}", help=_AGAIN if again else "")
    yield _sealing_key(key, found.sealed)


_AGAIN: Final = (
    "What was delivered after this backup was made is owed in it still, and is delivered again once it is in place, "
    "with the same webhook-id."
)


def _owed(found: Inspection) -> str:
    latest = datetime.fromtimestamp((found.last >> 20) / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    begun = f"latest event {latest}" if found.last else "no event yet"
    return (
        f"{found.size / 1_000_000:.1f} MB, {begun}; {found.owed} deliveries are owed, {found.failing} of them failing"
    )


class _Waiting:
    """Shows on a terminal that a check that takes long goes on."""

    def __init__(self, path: Path) -> None:
        self._text = f"Checking {path}"
        self._began = self._shown = monotonic()

    def __call__(self) -> None:
        now = monotonic()
        if sys.stderr.isatty() and now - self._shown >= 1:
            self._shown = now
            click.echo(f"\r{self._text}: {now - self._began:.0f} s …", nl=False, err=True)


def _place(check: str, path: Path) -> Finding:
    """Whether a file that is not there yet can be made."""
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        return _no_access(check, path, OSError(0, f"{folder} is no folder that can be written to"))
    return Finding(check=check, good=True, found=f"{path} is not there yet; the first start makes it")


def _no_access(check: str, path: Path, error: OSError) -> Finding:
    return Finding(
        check=check, good=False, found=f"{path}: {error.strerror}", help="Check the rights, or choose another: --data."
    )


def _sealing_key(path: Path, sealed: Sequence[Sealed]) -> Finding:
    check = "sealing key"
    try:
        if not path.exists() and not sealed:
            return _place(check, path)
        vault = open_vault(path, make=False)
        for one in sealed:
            vault.open_credentials(one.company, one.integration, one.blob)
    except OSError as error:
        return _no_access(check, path, error)
    except RingpostError as error:
        return failed(check, error)
    if path.stat().st_mode & 0o077:
        return Finding(check=check, good=False, found=f"others can read {path}", help=f"chmod 600 {path}")
    return Finding(check=check, good=True, found=f"{path} opens all {len(sealed)} stored secrets")


def _port(settings: Settings) -> Finding:
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as trying:
        trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trying.bind((settings.host, settings.port))
        except OSError as error:
            return Finding(
                check="port",
                good=False,
                found=f"{settings.host}:{settings.port}: {error.strerror}",
                help="Choose another: --port or RINGPOST_PORT.",
            )
    return Finding(check="port", good=True, found=f"{settings.host}:{settings.port} is free")
