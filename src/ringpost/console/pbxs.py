"""The screens of PBXs: how each stands, one with its calls and a check of its login, and what to paste to add one.

Which PBXs are listened to stands in the settings' file, so a new one is not made here: the page writes what belongs
there and into the PBX, and tries it. Only an operator may try, as it connects to whatever address is entered: a PBX
may be at any address and port, most of all at private ones. So one check runs at a time, the log says who tried what,
nothing is sent before an Asterisk has greeted, and nothing that the other side says is shown where it is none.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import re
import secrets
from collections.abc import Sequence
from typing import Final

import msgspec
import structlog
from msgspec import Struct

from ringpost.errors import ERRORS, RingpostError
from ringpost.model.event import Event
from ringpost.model.notice import PBX_BACK, PBX_CALLS_ENDED, PBX_LOST, NoticeData
from ringpost.settings import RESERVED_SERIALS, PbxSettings
from ringpost.sources.asterisk.probe import ProbeResult, address_towards, manager_stanza, probe
from ringpost.sources.standing import PbxStanding, State

from .screen import Action, Screen, View, Visit

_KINDS: Final[dict[State, str]] = {"connected": "good", "connecting": "plain", "not connected": "bad"}
_NOTICES: Final = 5  # of a PBX, on its page
_LOOKED_AT: Final = 100  # the newest notices of each kind, for those of one PBX
_MANAGER_PORT: Final = 5038
_LOOK_UP_LIMIT: Final = 5  # s, for a host's name
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{8,128}")  # of those that this page makes; no `;` ends its line
# What a value has to look like, and the words for it; a stanza and a settings' file hold nothing else.
_FORMS: Final[dict[str, tuple[re.Pattern[str], str]]] = {
    "company": (re.compile(r"[a-z0-9][a-z0-9_]{0,62}"), "a company's id has small letters, digits and _, as acme_gmbh"),
    "serial": (re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}"), "a serial has letters, digits and -, as pbx1"),
    "host": (
        re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,252}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*"),
        "a host's name or address, as 192.0.2.10 or pbx.example.com; its port has a field of its own",
    ),
    "port": (re.compile(r"[1-9][0-9]{0,4}"), "a port's number, as 5038"),
    "user": (re.compile(r"[A-Za-z0-9_.-]{1,63}"), "a manager user has letters, digits, _, . and -, as ringpost"),
    "ours": (re.compile(r"[0-9A-Fa-f.:]{2,45}"), "the IP address that the PBX sees Ringpost come from"),
}


log = structlog.get_logger()


class PbxRow(Struct, frozen=True, kw_only=True):
    """One PBX as it is shown. kind: of the badge with its state; why, helps: where it is not connected."""

    standing: PbxStanding
    kind: str
    why: str = ""
    helps: str = ""


class PbxList(Struct, frozen=True, kw_only=True):
    """The page. left: those that were listened to once and are not in the settings any more: company and serial."""

    rows: Sequence[PbxRow]
    left: Sequence[tuple[str, str]]


class PbxNotice(Struct, frozen=True):
    time: int
    message: str


class PbxPage(Struct, frozen=True, kw_only=True):
    """The page of one. can_check: it is an Asterisk of the settings; stanza, freepbx: for its manager.conf, empty where
    our address is not known; found: by a check, None where none was made."""

    row: PbxRow
    notices: Sequence[PbxNotice]
    can_check: bool
    stanza: str
    freepbx: str
    found: ProbeResult | None = None
    helps: str = ""


class PbxToAdd(Struct, frozen=True, kw_only=True):
    """What is to be pasted. secret: made for this page, and kept nowhere."""

    pbx: PbxSettings
    ours: str
    secret: str
    stanza: str
    freepbx: str
    toml: str
    found: ProbeResult | None = None
    helps: str = ""

    def __repr__(self) -> str:
        return f"PbxToAdd({self.pbx!r})"


class Checks:
    """Tries a login, one at a time in the whole service."""

    def __init__(self) -> None:
        self._busy = asyncio.Lock()

    async def found(self, visit: Visit, pbx: PbxSettings) -> ProbeResult:
        """Raises `overloaded`. Takes 25 s at the most."""
        if self._busy.locked():
            raise RingpostError("overloaded", "Another check is under way; try again in some seconds.")
        async with self._busy:
            found = await probe(pbx, now=visit.services.now)
        log.info("pbx tried", by=visit.caller.key_id, address=pbx.address, user=pbx.user, code=found.code)
        return found

    async def check(self, visit: Visit) -> View:
        """One of the settings', with the secret that is set up."""
        standing, settings = _standing(visit), _settings_of(visit)
        if settings is None:
            raise RingpostError("pbx_not_found", "It is no PBX of the settings, so there is no login to check.")
        found = await self.found(visit, settings)
        return View("pbx.html", await _page(visit, standing, found))

    async def try_new(self, visit: Visit) -> View:
        """One that is to be added."""
        secret = visit.form.get("secret", "")
        if secret and not _SECRET.fullmatch(secret):
            raise RingpostError("invalid_value", "The page made another secret: begin again.", field="secret")
        adding = await _adding(visit, secret or secrets.token_urlsafe(24))
        found = await self.found(visit, adding.pbx)
        return View("pbx_paste.html", msgspec.structs.replace(adding, found=found, helps=_helps(found)))


async def show_pbxs(visit: Visit) -> View:
    company = visit.companies
    standings = [one for one in visit.services.pbxs() if company in {None, one.company}]
    listened = {(one.company, one.serial) for one in visit.services.pbxs()}
    known = [(one.company, one.serial) for one in await visit.services.ledger.pbxs() if company in {None, one.company}]
    left = [one for one in known if one not in listened]
    return View("pbxs.html", PbxList(rows=[_row(one) for one in standings], left=left))


async def show_pbx(visit: Visit) -> View:
    return View("pbx.html", await _page(visit, _standing(visit)))


async def show_add(visit: Visit) -> View:
    return View("pbx_add.html", {"companies": sorted({one.company for one in visit.services.registry.all()})})


async def paste(visit: Visit) -> View:
    return View("pbx_paste.html", await _adding(visit, secrets.token_urlsafe(24)))


async def _page(visit: Visit, standing: PbxStanding, found: ProbeResult | None = None) -> PbxPage:
    settings = _settings_of(visit)
    stanza = freepbx = ""
    # A page that is open looks anew at each change, so a name is looked up for a check alone.
    if settings is not None and (found is not None or _is_address(settings.host)):
        ours = await _our_address(settings)
        if ours is not None:
            stanza, freepbx = manager_stanza(settings, ours), manager_stanza(settings, ours, "freepbx")
    return PbxPage(
        row=_row(standing),
        notices=await _notices(visit, standing),
        can_check=settings is not None,
        stanza=stanza,
        freepbx=freepbx,
        found=found,
        helps=_helps(found),
    )


async def _notices(visit: Visit, standing: PbxStanding) -> list[PbxNotice]:
    notices = visit.services.ledger.notices
    found: list[Event] = []
    for kind in (PBX_LOST, PBX_BACK, PBX_CALLS_ENDED):
        page = await notices(standing.company, type=kind, cursor=None, limit=_LOOKED_AT)
        found += [one for one in page.items if one.pbx == standing.serial][:_NOTICES]
    found.sort(key=lambda one: one.seq, reverse=True)
    return [PbxNotice(one.time, msgspec.json.decode(one.data, type=NoticeData).message) for one in found[:_NOTICES]]


def _standing(visit: Visit) -> PbxStanding:
    """The PBX that the address names. Raises `pbx_not_found`, `company_missing`, `company_foreign`."""
    for one in visit.services.pbxs():
        if (one.company, one.serial) == (visit.company, visit.path["serial"]):
            return one
    raise RingpostError("pbx_not_found")


def _settings_of(visit: Visit) -> PbxSettings | None:
    named = (visit.company, visit.path["serial"])
    return next((one for one in visit.services.settings.pbx if (one.company, one.serial) == named), None)


def _row(standing: PbxStanding) -> PbxRow:
    status, kind = standing.status, _KINDS[standing.state]
    if status.error is None:
        return PbxRow(standing=standing, kind=kind)
    return PbxRow(standing=standing, kind=kind, why=status.message or "", helps=ERRORS[status.error].help)


def _helps(found: ProbeResult | None) -> str:
    return "" if found is None or found.code is None else ERRORS[found.code].help


async def _adding(visit: Visit, secret: str) -> PbxToAdd:
    """Raises `invalid_value` with the field."""
    given = {name: visit.form.get(name, "").strip() for name in _FORMS}
    given["port"] = given["port"] or str(_MANAGER_PORT)
    for name, (form, meaning) in _FORMS.items():
        if name != "ours" and not form.fullmatch(given[name]):
            raise RingpostError("invalid_value", f"`{name}` is not right: {meaning}.", field=name)
    if int(given["port"]) > 65_535:
        raise RingpostError("invalid_value", "`port` is not right: a port is 65535 at the most.", field="port")
    _check_serial(visit, given["company"], given["serial"])
    pbx = PbxSettings(
        company=given["company"],
        serial=given["serial"],
        host=given["host"],
        port=int(given["port"]),
        user=given["user"],
        secret=secret,
        tls=bool(visit.form.get("tls")),
    )
    ours = given["ours"] or await _our_address(pbx)
    if ours is None:
        text = f"There is no way to `host` from here, so `ours` is not known: enter {_FORMS['ours'][1]}."
        raise RingpostError("invalid_value", text, field="ours")
    try:
        stanza, freepbx = (manager_stanza(pbx, ours, form, secret) for form in ("asterisk", "freepbx"))
    except ValueError:
        raise RingpostError("invalid_value", f"`ours` is not right: {_FORMS['ours'][1]}.", field="ours") from None
    return PbxToAdd(pbx=pbx, ours=ours, secret=secret, stanza=stanza, freepbx=freepbx, toml=_toml(pbx))


def _check_serial(visit: Visit, company: str, serial: str) -> None:
    """Raises `invalid_value` for a serial that the settings would refuse beside those that are there."""
    if serial in RESERVED_SERIALS:
        raise RingpostError("invalid_value", f"`serial` is not right: {serial} is not for a PBX.", field="serial")
    if any((one.company, one.serial) == (company, serial) for one in visit.services.pbxs()):
        text = f"`serial` is not right: {company} has a PBX {serial} already; its page checks its login."
        raise RingpostError("invalid_value", text, field="serial")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


async def _our_address(pbx: PbxSettings) -> str | None:
    """The IP address that the PBX sees us come from; None where there is no way to it, or none is found in time."""
    try:
        async with asyncio.timeout(_LOOK_UP_LIMIT):
            return await asyncio.to_thread(address_towards, pbx.host, pbx.port)
    except TimeoutError:
        return None


def _toml(pbx: PbxSettings) -> str:
    values: list[tuple[str, str | int | bool]] = [
        ("company", pbx.company),
        ("serial", pbx.serial),
        ("host", pbx.host),
        ("port", pbx.port),
        ("user", pbx.user),
        ("secret_file", f"/etc/ringpost/{pbx.serial}.secret"),
    ]
    if pbx.tls:
        values.append(("tls", True))
    # JSON's numbers, booleans and ASCII strings are TOML's as well.
    return "[[pbx]]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in values)


def pbx_screens() -> list[Screen | Action]:
    checks = Checks()
    one = Screen(path="/pbxs/{serial}", title="PBX", show=show_pbx)
    adding = Screen(path="/add-pbx", title="Add a PBX", right="operate", show=show_add)
    return [
        Screen(path="/pbxs", title="PBXs", nav="PBXs", letter="b", also=("/add-pbx",), show=show_pbxs),
        adding,
        Action(path="/add-pbx", do=paste, again=adding, right="operate"),
        Action(path="/add-pbx/try", do=checks.try_new, again=adding, right="operate"),
        one,
        Action(path="/pbxs/{serial}/check", do=checks.check, again=one),
    ]
