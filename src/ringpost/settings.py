"""Every setting of the service, once: its type, default and meaning; read from a TOML file and RINGPOST_* variables.

Environment wins over the file, the file over the default. `RINGPOST_PORT=8800` sets `port`; lists are written with
commas. An unknown key or a wrong value raises `setting_unknown` / `settings_invalid` with the name of the setting.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_type_hints
from urllib.parse import unquote

import msgspec
from msgspec import Meta, Struct

from ringpost.errors import RingpostError

PREFIX: Final = "RINGPOST_"
_DAY: Final = 86_400_000
# `pbx` of events whose sender named none, of test calls, and of notices.
RESERVED_SERIALS: Final = frozenset({"api", "test", "ringpost"})


class PbxSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One Asterisk to listen to (a `[[pbx]]` table in the file)."""

    company: Annotated[
        str, Meta(pattern="^[a-z0-9][a-z0-9_]{0,62}$", description="The company that its calls belong to.")
    ]
    serial: Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9-]{0,62}$", description="Its serial, `pbx` in events.")]
    host: Annotated[str, Meta(min_length=1, description="Where its manager interface (AMI) listens.")]
    port: Annotated[int, Meta(ge=1, le=65535, description="The manager's port; 5039 is usual with TLS.")] = 5038
    user: Annotated[str, Meta(min_length=1, description="The manager user.")]
    secret: Annotated[str, Meta(description="Its secret; or use secret_file.")] = ""
    secret_file: Annotated[str, Meta(description="A file that holds the secret.")] = ""
    tls: Annotated[bool, Meta(description="Connect with TLS.")] = False
    tls_ca: Annotated[
        str, Meta(description="A file with the certificate authority to trust, where it is not a public one.")
    ] = ""
    trunks: Annotated[
        tuple[str, ...],
        Meta(description="Names of trunks (endpoints that lead outside); `*` matches any text."),
    ] = ()

    @property
    def address(self) -> str:
        """host:port, as people write it: RFC 3986, 3.2.2 has an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"PbxSettings({self.company}/{self.serial} at {self.address})"


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings, with their defaults."""

    data: Annotated[str, Meta(min_length=1, description="The folder of the ledger and the sealing key.")] = (
        "ringpost-data"
    )
    ledger: Annotated[str, Meta(description="The ledger's file; empty: ringpost.db in `data`.")] = ""
    sealing_key: Annotated[
        str,
        Meta(
            description="The file of the key that seals secrets, made at the first start; empty: sealing.key in `data`."
        ),
    ] = ""
    host: Annotated[str, Meta(min_length=1, description="The address that the API listens on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="The port that the API listens on; 0: any free one.")] = 8800
    public_url: Annotated[str, Meta(description="How others reach this service; empty: from host and port.")] = ""
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Meta(description="How much is logged.")] = "info"
    log_format: Annotated[Literal["auto", "json", "text"], Meta(description="auto: text on a terminal, else JSON.")] = (
        "auto"
    )
    extra_keys: Annotated[
        bool,
        Meta(description="Add direction, waitTime, talkTime and duration to the call events of sources."),
    ] = True
    allow_networks: Annotated[
        tuple[str, ...],
        Meta(description="Networks with addresses that are not public which targets may point to, as 10.1.0.0/16."),
    ] = ()
    allow_sqs_hosts: Annotated[
        tuple[str, ...],
        Meta(description="Hosts (host or host:port) of SQS-compatible endpoints other than AWS."),
    ] = ()
    proxy: Annotated[
        str,
        Meta(
            description="Your HTTP proxy, through which all deliveries go: http://[user:password@]host:port; empty: none."
        ),
    ] = ""
    attempt_timeout_ms: Annotated[
        int,
        Meta(
            ge=100,
            le=30_000,
            description="How long one attempt may take, connecting and the whole reply included.",
        ),
    ] = 5_000
    reply_limit_bytes: Annotated[
        int, Meta(ge=1_024, le=1_048_576, description="How much of a receiver's reply is read.")
    ] = 65_536
    retry_delays_ms: Annotated[
        tuple[Annotated[int, Meta(ge=0, le=30 * _DAY)], ...],
        Meta(
            min_length=0,
            max_length=50,
            description="The waits before the second and each later attempt; after the last the delivery is exhausted.",
        ),
    ] = (5_000, 30_000, 120_000, 600_000, 3_600_000, 10_800_000, 28_800_000, 57_600_000, 86_400_000)
    connections_per_integration: Annotated[
        int, Meta(ge=1, le=1_000, description="Attempts under way at once for one integration.")
    ] = 16
    connections: Annotated[int, Meta(ge=1, le=10_000, description="Attempts under way at once in all.")] = 256
    pause_after_ms: Annotated[
        int,
        Meta(
            ge=60_000,
            le=365 * _DAY,
            description="An integration that only failed for so long is paused; half of it before, a notice warns.",
        ),
    ] = 5 * _DAY
    deliveries_in_memory: Annotated[
        int,
        Meta(
            ge=1_000,
            le=10_000_000,
            description="How many pending deliveries are kept in memory, about 0.5 KB each; more wait in the ledger.",
        ),
    ] = 100_000
    keep_events_days: Annotated[
        int, Meta(ge=0, le=36_500, description="How many days events and their deliveries are kept; 0: for ever.")
    ] = 90
    keep_attempts_days: Annotated[
        int, Meta(ge=0, le=36_500, description="How many days the attempts of deliveries are kept; 0: as the events.")
    ] = 30
    keep_notices_days: Annotated[
        int, Meta(ge=0, le=36_500, description="How many days notices are kept; 0: for ever.")
    ] = 365
    ledger_free_mb: Annotated[
        int,
        Meta(ge=0, le=1_000_000_000, description="A notice warns when the ledger's disk has less space left (MB)."),
    ] = 1_024
    pbx_lost_after_ms: Annotated[
        int,
        Meta(
            ge=1_000,
            le=_DAY,
            description="A notice tells when a PBX was not connected for longer than this, and when it is again.",
        ),
    ] = 10_000
    # Nearly every call is over within an hour: whoever ends those of a PBX that is away for so long is seldom wrong,
    # while one that ended them at once would be at every fault of the network between, through which people talk on.
    end_lost_calls_after_ms: Annotated[
        int,
        Meta(
            ge=10_000,
            le=7 * _DAY,
            description="The open calls of a PBX that is not connected for so long are ended, and a notice tells it.",
        ),
    ] = 3_600_000
    start_hold_ms: Annotated[
        int,
        Meta(
            ge=0,
            le=10_000,
            description="How long a call:start waits for somebody to be called, so that scanners are not told.",
        ),
    ] = 1_000
    coalesce_ms: Annotated[
        int,
        Meta(ge=0, le=10_000, description="Changes of a call within so long are told in one call:update."),
    ] = 150
    secret_grace_ms: Annotated[
        int,
        Meta(ge=0, le=30 * _DAY, description="How long an old secret is still signed with after a rotation."),
    ] = _DAY
    drain_ms: Annotated[
        int,
        Meta(ge=0, le=600_000, description="How long attempts under way may go on when the service stops."),
    ] = 5_500
    pbx: Annotated[tuple[PbxSettings, ...], Meta(description="The PBXs to listen to: one [[pbx]] table each.")] = ()

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return list((values | {"proxy": self.proxy and "(set)"}).items())

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    @property
    def ledger_path(self) -> Path:
        return Path(self.ledger) if self.ledger else Path(self.data) / "ringpost.db"

    @property
    def sealing_key_path(self) -> Path:
        return Path(self.sealing_key) if self.sealing_key else Path(self.data) / "sealing.key"


class Proxy(Struct, frozen=True, kw_only=True):
    """The setting `proxy`, taken apart. host: without brackets; user, password: decoded, both empty where not given."""

    host: str
    port: int
    is_address: bool
    user: str
    password: str

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("host", self.host), ("port", self.port)]

    def __repr__(self) -> str:
        return f"Proxy({self.host} port {self.port})"


_PROXY: Final = re.compile(
    r"http://(?:(?P<user>[^\s:@/?#]+):(?P<password>[^\s:@/?#]*)@)?"
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252})))"
    r":(?P<port>[0-9]{1,5})/?"
)


def parse_proxy(url: str) -> Proxy | None:
    """The proxy; None: there is none. Raises `settings_invalid`, whose text never repeats the URL."""
    if not url:
        return None
    parts = _PROXY.fullmatch(url)
    host = (parts["v6"] or parts["host"]) if parts else ""
    user, password = (unquote(parts["user"] or ""), unquote(parts["password"] or "")) if parts else ("", "")
    is_address = _is_address(host)
    wrong = parts is None or not 1 <= int(parts["port"]) <= 65_535 or (parts["v6"] is not None and not is_address)
    if parts is None or wrong or ":" in user or any(ord(each) < 32 or ord(each) == 127 for each in user + password):
        raise RingpostError(
            "settings_invalid",
            "proxy: write it as http://host:port or http://user:password@host:port, with the characters :@/?# and "
            "spaces in user and password percent-encoded.",
            field="proxy",
        )
    return Proxy(host=host, port=int(parts["port"]), is_address=is_address, user=user, password=password)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def load_settings(file: Path | None, environment: dict[str, str], **given: object) -> Settings:
    """The settings from a TOML file (None: no file), the environment, and what the command line gave (not None).

    Raises `setting_unknown` or `settings_invalid`, with the setting's name as the field.
    """
    values = _from_file(file) if file else {}
    values |= _from_environment(environment)
    values |= {name: value for name, value in given.items() if value is not None}
    try:
        settings = msgspec.convert(values, Settings)
    except msgspec.ValidationError as error:
        raise _explained(error) from None
    _check_networks(settings.allow_networks)
    _check_pbxs(settings.pbx)
    parse_proxy(settings.proxy)
    return settings


def _check_pbxs(pbxs: tuple[PbxSettings, ...]) -> None:
    seen: set[tuple[str, str]] = set()
    for place, pbx in enumerate(pbxs):
        field = f"pbx[{place}].serial"
        if pbx.serial in RESERVED_SERIALS:
            raise RingpostError(
                "settings_invalid", f"{field}: {pbx.serial!r} is not for a PBX; choose another serial.", field=field
            )
        if (pbx.company, pbx.serial) in seen:
            raise RingpostError(
                "settings_invalid",
                f"{field}: company {pbx.company} has a PBX {pbx.serial!r} already; give each its own serial.",
                field=field,
            )
        seen.add((pbx.company, pbx.serial))


def _check_networks(networks: tuple[str, ...]) -> None:
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            raise RingpostError(
                "settings_invalid", f"allow_networks: {error}; write it like 10.1.0.0/16.", field="allow_networks"
            ) from None


def _from_file(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise RingpostError("settings_invalid", f"The settings file {file} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RingpostError("settings_invalid", f"The settings file {file} is not valid TOML: {error}.") from None


def _from_environment(environment: dict[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or variable in NOT_SETTINGS or variable.startswith(TEST_PREFIX):
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in Settings.__struct_fields__ or name == "pbx":
            raise RingpostError(
                "setting_unknown", f"{variable} is no setting; see `ringpost settings` for those there are.", field=name
            )
        values[name] = _converted(name, text)
    return values


def _converted(name: str, text: str) -> object:
    """An environment variable's text as the setting's type."""
    default = getattr(_DEFAULTS, name)
    try:
        match default:
            case bool():
                return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[text.lower()]
            case int():
                return int(text)
            case tuple():
                parts = [part.strip() for part in text.split(",") if part.strip()]
                return [int(part) for part in parts] if default and isinstance(default[0], int) else parts
            case _:
                return text
    except (ValueError, KeyError):
        raise RingpostError(
            "settings_invalid", f"{PREFIX}{name.upper()}: {text!r} is not {_KINDS[type(default)]}.", field=name
        ) from None


def _explained(error: msgspec.ValidationError) -> RingpostError:
    message = str(error)
    what, _, path = message.partition(" - at `$.")
    field = path.rstrip("`") or None
    if what.startswith("Object contains unknown field"):
        unknown = what.rpartition("`")[0].rpartition("`")[2]
        field = f"{field}.{unknown}" if field else unknown
        return RingpostError(
            "setting_unknown", f"`{field}` is no setting; see `ringpost settings` for those there are.", field=field
        )
    return RingpostError("settings_invalid", f"{field or 'settings'}: {what}.", field=field)


_DEFAULTS: Final = Settings()
_KINDS: Final[dict[type, str]] = {bool: "true or false", int: "a whole number", tuple: "a list of whole numbers"}
TEST_PREFIX: Final = "RINGPOST_TEST_"  # set by the tests' own script
# Variables with our prefix that belong to the command line's clients, not to the service.
NOT_SETTINGS: Final = frozenset(
    {"RINGPOST_URL", "RINGPOST_API_KEY", "RINGPOST_CONFIG", "RINGPOST_CACHE", "RINGPOST_PROGRAM", "RINGPOST_PYTHON"}
)


class SettingHelp(Struct, frozen=True):
    """One setting as `ringpost settings` and the docs show it."""

    name: str
    kind: str
    default: object
    meaning: str


def describe_settings(struct: type[Struct] = Settings) -> list[SettingHelp]:
    """Every setting of the struct, in its order."""
    hints = get_type_hints(struct, include_extras=True)
    described = []
    for field in msgspec.structs.fields(struct):
        kind, metas = _unwrapped(hints[field.name])
        meaning = next(meta.description for meta in metas if isinstance(meta, Meta) and meta.description)
        default = "needed" if field.required else field.default
        described.append(SettingHelp(field.name, kind, default, meaning))
    return described


def _unwrapped(hint: Any) -> tuple[str, list[Any]]:
    plain = hint.__origin__
    kind = {str: "text", int: "whole number", bool: "true or false"}.get(plain)
    if kind is None:
        kind = " | ".join(plain.__args__) if getattr(plain, "__origin__", None) is Literal else "list"
    return kind, list(hint.__metadata__)
