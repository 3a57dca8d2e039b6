"""`ringpost doctor`: checks what the service needs, one line each, and says what would help."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import rich_click as click
from msgspec import Struct

from ringpost.access.sealing import open_vault
from ringpost.clock import wall_clock
from ringpost.errors import RingpostError
from ringpost.ledger.open import open_ledger
from ringpost.model.integration import Integration
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
def command(as_json: bool, listen: int, config: Path | None, data: str | None) -> None:
    """Check settings, ledger, sealing key, port and PBXs, and say what would help.

    Works beside a running service and without one. The exit code is 1 if anything is wrong.
    """
    settings = settings_from(config, data=data)
    findings = []
    for finding in _findings(settings, config, listen):
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
        yield from asyncio.run(_ledger_and_key(settings))
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


async def _ledger_and_key(settings: Settings) -> list[Finding]:
    """Both belong together: the key must open what the ledger holds."""
    path = settings.ledger_path
    try:
        if not path.exists():
            return [_place("ledger", path), _place("sealing key", settings.sealing_key_path)]
    except OSError as error:
        return [_no_access("ledger", path, error)]
    try:
        ledger = await open_ledger(path, now=wall_clock)
    except RingpostError as error:
        return [_failed("ledger", error)]
    try:
        await ledger.check()
        good = Finding(check="ledger", good=True, found=f"{path} can be read and written")
        return [good, _sealing_key(settings.sealing_key_path, await ledger.integrations())]
    except RingpostError as error:
        return [_failed("ledger", error)]
    finally:
        await ledger.close()


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


def _sealing_key(path: Path, sealed: Sequence[Integration]) -> Finding:
    check = "sealing key"
    try:
        if not path.exists() and not sealed:
            return _place(check, path)
        vault = open_vault(path, make=False)
        for integration in sealed:
            vault.open_credentials(integration.company, integration.id, integration.sealed)
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
