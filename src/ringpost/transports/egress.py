"""Where deliveries may go: which URLs can be targets, and which addresses may be connected to.

Pure. `check_target` runs when an integration is installed and again at each attempt; `check_address` runs on every
address that a connection is about to be made to, so that a name that changes its address later gains nothing.
Everything is refused that is not known to be public; what the operator allows (`allow_networks`) wins.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable
from typing import Final
from urllib.parse import quote

from msgspec import Struct

from ringpost.errors import RingpostError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Networks = Collection[ipaddress.IPv4Network | ipaddress.IPv6Network]

# IANA IPv4 Special-Purpose Address Registry (https://www.iana.org/assignments/iana-ipv4-special-registry), multicast.
# Written out, because what `ipaddress` calls global differs between releases of Python.
_REFUSED_V4: Final = tuple(
    (ipaddress.IPv4Network(network), what)
    for network, what in (
        ("169.254.169.254/32", "a cloud's metadata service"),
        ("0.0.0.0/8", "an unspecified address"),
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "a carrier's internal address"),
        ("127.0.0.0/8", "a loopback address"),
        ("168.63.129.16/32", "a cloud's metadata service"),  # learn.microsoft.com, "What is IP address 168.63.129.16?"
        ("169.254.0.0/16", "a link-local address"),
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "a reserved address"),
        ("192.0.2.0/24", "an address for documentation"),
        ("192.88.99.0/24", "a reserved address"),
        ("192.168.0.0/16", "a private address"),
        ("198.18.0.0/15", "an address for benchmarks"),
        ("198.51.100.0/24", "an address for documentation"),
        ("203.0.113.0/24", "an address for documentation"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
    )
)
# IANA IPv6 Special-Purpose Address Registry (https://www.iana.org/assignments/iana-ipv6-special-registry).
_REFUSED_V6: Final = tuple(
    (ipaddress.IPv6Network(network), what)
    for network, what in (
        ("fd00:ec2::254/128", "a cloud's metadata service"),
        ("::/128", "an unspecified address"),
        ("::1/128", "a loopback address"),
        ("2001:2::/48", "an address for benchmarks"),
        ("2001:db8::/32", "an address for documentation"),
        ("3fff::/20", "an address for documentation"),
        ("2001::/23", "a reserved address"),
        ("fc00::/7", "a private address"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a site-local address"),
        ("ff00::/8", "a multicast address"),
    )
)
_UNICAST_V6: Final = ipaddress.IPv6Network("2000::/3")  # all that IANA has given out so far
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052
_ISATAP: Final = frozenset({0x0000_5EFE, 0x0200_5EFE})  # RFC 5214, 6.1: then an IPv4 address, in any network

_URL_LIMIT: Final = 2_048  # characters
_URL: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<query>[^#]*)"
)
_AUTHORITY: Final = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]{1,5}))?")
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORTS: Final = {"http": 80, "https": 443}
_LOCAL_NAMES: Final = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"})
_LOOPBACK: Final = (ipaddress.IPv4Address("127.0.0.1"), ipaddress.IPv6Address("::1"))
# Letters that IDNA 2003 maps to others and IDNA 2008 keeps: two names that could belong to two owners.
_AMBIGUOUS: Final = frozenset("ßς\u200c\u200d")
_PATH_SAFE: Final = "%/:@!$&'()*+,;=-._~?"


class Target(Struct, frozen=True, kw_only=True):
    """A URL, taken apart. host: lower-case ASCII without brackets or a final dot; path: with the query, as sent;
    host_header: host, and the port where it is not the scheme's own; ip: the host, where it is an address."""

    scheme: str
    host: str
    port: int
    path: str
    host_header: str
    ip: str | None

    @property
    def tls(self) -> bool:
        return self.scheme == "https"

    @property
    def is_address(self) -> bool:
        return self.ip is not None


def parse_networks(networks: Iterable[str]) -> Networks:
    """The setting `allow_networks` as networks."""
    return tuple(ipaddress.ip_network(network) for network in networks)


def check_address(address: str | Address, allowed: Networks) -> None:
    """Raises `target_refused` for an address that is neither public nor allowed."""
    ip = ipaddress.ip_address(address) if isinstance(address, str) else address
    reason = _reason(ip, allowed)
    if reason is not None:
        raise RingpostError(
            "target_refused",
            f"{ip} is {reason}. Use a public address, or have the operator allow the network (allow_networks).",
            field="url",
        )


def _reason(ip: Address, allowed: Networks) -> str | None:
    """Why an address is refused, or None."""
    if any(ip in network for network in allowed):
        return None
    if isinstance(ip, ipaddress.IPv4Address):
        return next((what for network, what in _REFUSED_V4 if ip in network), None)
    return _reason_v6(ip, allowed)


def _reason_v6(ip: ipaddress.IPv6Address, allowed: Networks) -> str | None:
    if ip.scope_id is not None:
        return "an address of one network interface"
    if int(ip) >> 32 & 0xFFFF_FFFF in _ISATAP:
        tunnelled = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
        reason = _reason(tunnelled, allowed)
        if reason is not None:
            return f"a way to {tunnelled}, {reason}"
    inner = _inner(ip)
    if inner is not None:
        reason = _reason(inner, allowed)
        return None if reason is None else f"a way to {inner}, {reason}"
    for network, what in _REFUSED_V6:
        if ip in network:
            return what
    return None if ip in _UNICAST_V6 else "a reserved address"


def _inner(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that a mapped (RFC 4291), NAT64 or 6to4 (RFC 3056) address leads to; Teredo is refused whole."""
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour


def check_target(url: str, allowed: Networks = ()) -> Target:
    """A webhook's URL taken apart, if it can be used.

    Raises `target_invalid`, `target_has_credentials`, or `target_refused` where the URL itself says that it leads to
    an address that is not public; all with the field `url`.
    """
    target = parse_url(url)
    if target.ip is not None:
        check_address(target.ip, allowed)
    elif _is_local(target.host) and all(_reason(ip, allowed) for ip in _LOOPBACK):
        raise RingpostError(
            "target_refused",
            f"{target.host} is this machine itself. Use a public host, or have the operator allow 127.0.0.0/8.",
            field="url",
        )
    return target


def _is_local(host: str) -> bool:
    return host in _LOCAL_NAMES or host.endswith(".localhost")  # RFC 6761, section 6.3


def parse_url(url: str) -> Target:
    """A URL taken apart, whatever address it leads to. Raises `target_invalid`, `target_has_credentials`."""
    if len(url) > _URL_LIMIT:
        raise _invalid(f"The URL has {len(url)} characters; up to {_URL_LIMIT} are taken.")
    if not url.isprintable() or any(character.isspace() or character == "\\" for character in url):
        raise _invalid("The URL has a space, a control character or a backslash. Write these percent-encoded.")
    if "#" in url:
        raise _invalid("The URL has a fragment (#…), which is never sent. Leave it out.")
    parts = _URL.fullmatch(url)
    scheme = parts["scheme"].lower() if parts else ""
    if parts is None or scheme not in _PORTS:
        raise _invalid("Use a URL that begins with http:// or https:// and a host name.")
    if "@" in parts["authority"]:
        raise RingpostError("target_has_credentials", field="url")
    host, ip, port = _authority(parts["authority"], _PORTS[scheme])
    shown = f"[{host}]" if ip and ":" in ip else host
    return Target(
        scheme=scheme,
        host=host,
        port=port,
        path=quote((parts["path"] or "/") + parts["query"], safe=_PATH_SAFE),
        host_header=shown if port == _PORTS[scheme] else f"{shown}:{port}",
        ip=ip,
    )


def _authority(authority: str, default_port: int) -> tuple[str, str | None, int]:
    """(host, host if it is an address, port)."""
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None or not parts["host"]:
        raise _invalid("Use a host name or an address, then a port of digits if one is needed: https://host:8443/path.")
    port = int(parts["port"]) if parts["port"] else default_port
    if not 1 <= port <= 65_535:
        raise _invalid(f"There is no port {port}. Use one from 1 to 65535.")
    host = parts["host"]
    if host.startswith("["):
        ip = _literal_v6(host[1:-1])
        return ip, ip, port
    name = _ascii_name(host)
    if _NUMBER.fullmatch(name.rpartition(".")[2]):  # inet_aton would take it: no top-level domain is a number
        name = _literal_v4(name)
        return name, name, port
    return name, None, port


def _literal_v6(text: str) -> str:
    if "%" in text:
        raise _invalid("The address names a network interface (%…). Leave that out.")
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        raise _invalid("What is in the brackets is no IPv6 address.") from None


def _literal_v4(text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise _invalid("The host is a number. Write an IPv4 address as four decimal numbers, like 192.0.2.1.") from None


def _ascii_name(host: str) -> str:
    """A host name in lower-case ASCII, without a final dot. Raises `target_invalid`."""
    name = host
    if not host.isascii():
        if _AMBIGUOUS & set(host):
            raise _invalid("The host name has a letter that programs read in two ways. Write it as xn--….")
        try:
            name = host.encode("idna").decode("ascii")  # RFC 3490
        except UnicodeError:
            raise _invalid("The host name cannot be written in ASCII (IDNA). Check it, or write it as xn--….") from None
    name = name.lower().removesuffix(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise _invalid("The host is no host name: use letters, digits, dashes and dots.")
    return name


def _invalid(message: str) -> RingpostError:
    return RingpostError("target_invalid", message, field="url")
