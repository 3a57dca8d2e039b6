"""`ringpost doctor`: checks what the service needs, one line each, and says what would help."""

from __future__ import annotations

import asyncio
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
from msgspec import Struct

from ringpost.access.sealing import open_vault
from ringpost.clock import wall_clock
from ringpost.errors import RingpostError
from ringpost.ledger.check import check_ledger
from ringpost.ledger.inspection import Inspection, Sealed
from ringpost.settings import PbxSettings, Settings
from ringpost.sources.asterisk.probe import manager_stanza, probe

from .client import Client, Service, running_service
from .options import config_option, data_option, settings_from


class Finding(Struct, frozen=True, kw_only=True):
    """One check: whether it is good, what was found, and what helps (empty where nothing needs to)."""

    check: str
    good: bool
    found: str
    help: str = ""


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
    """Check settings, ledger, sealing key, port and PBXs, and say what would help.

    Works beside a running service and without one, and changes nothing. The exit code is 1 if anything is wrong.
    """
    settings = settings_from(config, data=data)
    findings = []
    found = _findings(settings, config, listen) if ledger is None else _backup(ledger, settings.sealing_key_path)
    for finding in found:
        findings.append(finding)
        if not as_json:
            _show(finding)
    if as_json:
        click.echo(json.dumps([{name: getattr(f, name) for name in f.__struct_fields__} for f in findings], indent=2))
    sys.exit(0 if all(finding.good for finding in findings) else 1)


def _findings(settings: Settings, config: Path | None, listen: int) -> Iterator[Finding]:
    where = str(config) if config else "defaults and environment"
    yield Finding(check="settings", good=True, found=f"read from {where}")
    service = running_service(settings)
    if service is not None:
        yield _service(service)
    else:
        yield from _ledger_and_key(settings)
        yield _port(settings)
    if not settings.pbx:
        yield Finding(
            check="pbx", good=True, found="none is set up", help="Add a [[pbx]] table; see `ringpost settings`."
        )
    for pbx in settings.pbx:
        yield from _pbx(pbx, listen)


def _service(service: Service) -> Finding:
    try:
        Client(service).request("GET", "/readyz")
    except RingpostError as error:
        return _failed("service", error)
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


def _backup(path: Path, key: Path) -> Iterator[Finding]:
    """A file that could be put in the ledger's place."""
    yield from _checked(path, key, "is a whole ledger", again=True)


def _checked(path: Path, key: Path, good: str, *, again: bool = False) -> Iterator[Finding]:
    """again: say what comes of putting it in place."""
    try:
        found = check_ledger(path, _Waiting(path))
    except RingpostError as error:
        yield _failed("ledger", error)
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
        return _failed(check, error)
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


def _pbx(pbx: PbxSettings, listen: int) -> Iterator[Finding]:
    name = f"pbx {pbx.company}/{pbx.serial}"
    result = asyncio.run(probe(pbx, now=wall_clock, listen=listen * 1_000))
    if result.code is not None:
        yield Finding(
            check=name, good=False, found=f"{result.code}: {result.message}", help=_to_paste(pbx, result.code)
        )
        return
    found = f"Asterisk {result.version or 'of an unknown version'} at {pbx.host}:{pbx.port}: logged in, can read"
    yield Finding(check=name, good=True, found=f"{found}; {result.legs} channels now", help=" ".join(result.advice))
    for permission in result.permissions:
        good = permission.granted is not False
        help_text = permission.help if good else f"{permission.help}\n{_to_paste(pbx)}"
        yield Finding(check=f"{name} {permission.name}", good=good, found=permission.found, help=help_text)


def _to_paste(pbx: PbxSettings, code: str | None = None) -> str:
    """What an administrator of the PBX can put in, in either form."""
    address = _our_address(pbx)
    lines = [
        "In the PBX's manager.conf ([general] enabled = yes), then `manager reload`:",
        manager_stanza(pbx, address),
        "On FreePBX in /etc/asterisk/manager_custom.conf, then `fwconsole reload`:",
        manager_stanza(pbx, address, "freepbx"),
    ]
    if code == "pbx_login_refused":
        lines.append(f"`permit` must name the address that we come from, as the PBX sees it: {address} by our routes.")
        lines.append("Where the service is logged in already, allowmultiplelogin must not be `no`.")
    return "\n".join(lines)


def _our_address(pbx: PbxSettings) -> str:
    """The address that the PBX sees us come from, as the routes of this machine say."""
    family = socket.AF_INET6 if ":" in pbx.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as looking:
        try:
            looking.connect((pbx.host, pbx.port))  # sends nothing
            return str(looking.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def _failed(check: str, error: RingpostError) -> Finding:
    return Finding(check=check, good=False, found=f"{error.code}: {error.message}", help=error.kind.help)


_INDENT: Final = " " * 4


def _show(finding: Finding) -> None:
    mark = click.style("ok  ", fg="green") if finding.good else click.style("FAIL", fg="red")
    click.echo(f"{mark}  {finding.check}: {finding.found}")
    for line in finding.help.splitlines():
        click.echo(_INDENT + "  " + line)
