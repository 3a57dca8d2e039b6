"""What `ringpost doctor` finds of a PBX: whether it takes the login, what may be read, and what to paste where not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

from ringpost.clock import wall_clock
from ringpost.errors import ERRORS
from ringpost.settings import PbxSettings
from ringpost.sources.asterisk.probe import manager_stanza, our_address, probe

from .finding import Finding

_MENDED_ON_THE_PBX: Final = frozenset({"pbx_unreachable", "pbx_login_refused", "pbx_permission_missing"})


def pbx_findings(pbx: PbxSettings, listen: int) -> Iterator[Finding]:
    """Log in and look. listen: for how long to wait for calls that show what may be read (s)."""
    name = f"pbx {pbx.company}/{pbx.serial}"
    result = asyncio.run(probe(pbx, now=wall_clock, listen=listen * 1_000))
    if result.code is not None:
        what_helps = ERRORS[result.code].help
        if result.code in _MENDED_ON_THE_PBX:
            what_helps += "\n" + _to_paste(pbx, result.code)
        yield Finding(check=name, good=False, found=f"{result.code}: {result.message}", help=what_helps)
        return
    found = f"Asterisk {result.version or 'of an unknown version'} at {pbx.host}:{pbx.port}: logged in, can read"
    yield Finding(check=name, good=True, found=f"{found}; {result.legs} channels now", help=" ".join(result.advice))
    for permission in result.permissions:
        is_missing = permission.granted is False
        help_text = f"{permission.help}\n{_to_paste(pbx)}" if is_missing else permission.help
        yield Finding(
            check=f"{name} {permission.name}", good=permission.granted, found=permission.found, help=help_text
        )


def _to_paste(pbx: PbxSettings, code: str | None = None) -> str:
    """What an administrator of the PBX can put in, in either form."""
    address = our_address(pbx.host, pbx.port)
    lines = [
        "In the PBX's manager.conf ([general] enabled = yes), then `manager reload`:",
        manager_stanza(pbx, address),
        "On FreePBX in /etc/asterisk/manager_custom.conf, then `fwconsole reload` (or with the same values on its page "
        "Settings › Asterisk Manager Users, No for all other rights):",
        manager_stanza(pbx, address, "freepbx"),
    ]
    if code == "pbx_login_refused":
        lines.append(f"`permit` must name the address that we come from, as the PBX sees it: {address} by our routes.")
        lines.append("Where the service is logged in already, allowmultiplelogin must not be `no`.")
    return "\n".join(lines)
