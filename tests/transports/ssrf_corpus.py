"""Spellings of addresses that deliveries must never reach, made systematically, and of public ones that they may.

`REFUSED` has whole URLs by group, `ACCEPTED` those that must be taken, so that a policy that refuses everything fails
as well. `QUEUES` has URLs that only look like queues of AWS.
"""

# ruff: noqa: E501 - tables are read across
from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Final

# One or two of each kind of IPv4 address that is not public.
INSIDE_V4: Final = (
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200",
    "168.63.129.16", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1",
    "192.88.99.1", "192.168.0.1", "192.168.255.255", "198.18.0.1", "198.51.100.7", "203.0.113.7", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255",
)  # fmt: skip
SPELT: Final = ("127.0.0.1", "169.254.169.254", "10.0.0.1", "192.168.0.1", "100.64.0.1")  # in every way there is
INSIDE_V6: Final = (
    "::", "::1", "fc00::1", "fd00:ec2::254", "fd20:ce::254", "fdff:ffff::1", "fe80::1", "febf::1", "fec0::1", "feff::1",
    "ff02::1", "ff0e::1", "100::1", "2001::1", "2001:0:7f00:1::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:2::1",
    "2001:10::1", "2001:db8::1", "3fff::1", "5f00::1", "4000::1", "64:ff9b:1::a00:1", "64:ff9b:1::808:808",
)  # fmt: skip


def _v4(text: str) -> int:
    return int(ipaddress.IPv4Address(text))


def _url(host: str) -> str:
    return f"http://{host}/"


def _plain() -> Iterator[str]:
    for address in INSIDE_V4:
        yield f"http://{address}/"
        yield f"https://{address}:8443/latest/meta-data/"
        yield f"http://{address}./"


def _numbers() -> Iterator[str]:
    """What inet_aton takes: octal, hexadecimal, fewer parts, leading zeros, in all mixtures."""
    for address in SPELT:
        a, b, c, d = (int(part) for part in address.split("."))
        whole = _v4(address)
        for host in (
            f"{whole}", f"0x{whole:x}", f"0X{whole:08X}", f"0{whole:o}", f"00000{whole:o}", f"{whole + (1 << 32)}",
            f"{a}.{whole & 0xFFFFFF}", f"{a}.{b}.{whole & 0xFFFF}", f"0x{a:x}.{whole & 0xFFFFFF}",
            f"0{a:o}.0{b:o}.0{c:o}.0{d:o}", f"000{a:o}.000{b:o}.000{c:o}.000{d:o}", f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}",
            f"0x{a:02X}.{b}.0{c:o}.{d}", f"0x000000{a:x}.{b}.{c}.{d}", f"{a:03}.{b:03}.{c:03}.{d:03}", f"0{a:o}.{b}.{c}.{d}",
            f"{a}.{b}.{c}.0x{d:x}", f"{a}.{b}.{c}.0{d:o}", f"{a + 256}.{b}.{c}.{d}", f"{whole}.", f"0x{whole:x}.",
        ):  # fmt: skip
            yield _url(host)
    yield from map(_url, ("127.1", "127.0.1", "0", "0x0", "00", "0.0", "1", "017700000001", "127.0.0.1.1", "-1"))


def _disguised() -> Iterator[str]:
    """Other characters for digits and dots (Unicode NFKC, IDNA), percent-encoding, noise in between."""
    wide = str.maketrans("0123456789", "０１２３４５６７８９")
    circled = str.maketrans("0123456789", "⓪①②③④⑤⑥⑦⑧⑨")
    bold = str.maketrans("0123456789", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗")
    superscript = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
    for address in SPELT:
        for table in (wide, circled, bold, superscript):
            yield _url(address.translate(table))
        for dot in "。．｡․":
            yield _url(address.replace(".", dot))
        yield _url(address.translate(wide).replace(".", "。"))
        yield _url("".join(f"%{ord(character):02x}" for character in address))
        yield _url(address.replace(".", "%2e"))
        yield _url(address.replace(".", "%E3%80%82"))
        yield _url(address + "%00.example.com")
        yield _url(address.replace(".", ".\u200b"))
        yield _url(address.replace(".", "..", 1))
        yield _url(f"[{address}]")
        yield f"http:\\\\{address}\\"
        yield f"http:{address}/"
        yield f"http:/{address}/"
        yield f"http:///{address}/"
        yield f"http://\t{address}/"
        yield f"http://{address}\n/"
        yield f"\x01http://{address}/"
        yield f"ht\ntp://{address}/"


def _v6() -> Iterator[str]:
    for text in INSIDE_V6:
        ip = ipaddress.IPv6Address(text)
        for form in dict.fromkeys((ip.compressed, ip.exploded, ip.exploded.upper())):
            yield f"http://[{form}]:8080/"
        yield _url(str(ip))
        yield _url(f"[{ip}%25eth0]")
        yield _url(f"[{ip}%1]")
        yield f"http://[{ip}/"


def _v4_in_v6() -> Iterator[str]:
    """Mapped, compatible, translated, NAT64, 6to4, ISATAP (RFC 5214), in hexadecimal and with dots."""
    for address in INSIDE_V4:
        high, low = _v4(address) >> 16, _v4(address) & 0xFFFF
        for form in (
            f"::ffff:{address}", f"::FFFF:{high:X}:{low:X}", f"0:0:0:0:0:ffff:{high:x}:{low:x}", f"::{address}",
            f"::ffff:0:{address}", f"64:ff9b::{address}", f"64:ff9b::{high:x}:{low:x}", f"64:ff9b:1::{address}",
            f"2002:{high:x}:{low:x}::1", f"2002:{high:x}:{low:x}::", f"2a00:1450::5efe:{high:x}:{low:x}",
            f"2a00:1450::200:5efe:{address}", f"fe80::5efe:{address}", f"2002:808:808::5efe:{high:x}:{low:x}",
        ):  # fmt: skip
            yield _url(f"[{form}]")


def _local_names() -> Iterator[str]:
    names = (
        "localhost", "LOCALHOST", "LocalHost", "localhost.", "localhost.localdomain", "a.localhost", "a.b.localhost.",
        "ip6-localhost", "ip6-loopback", "ｌｏｃａｌｈｏｓｔ", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "localho\u017ft", "ℓocalhost", "𝐥𝐨𝐜𝐚𝐥𝐡𝐨𝐬𝐭", "localhost。",
        "a。localhost", "loc\u00adalhost", "localhost%00", "localhost%2e", "lo%63alhost", "localhost..", "[localhost]",
    )  # fmt: skip
    for name in names:
        yield _url(name)
        yield f"https://{name}:8443/x"


def _credentials() -> Iterator[str]:
    """Where the host ends is read in two ways."""
    for inside in ("127.0.0.1", "169.254.169.254", "localhost", "[::1]"):
        yield from (
            f"http://example.com@{inside}/", f"http://example.com:80@{inside}/", f"http://u:p@{inside}/",
            f"http://@{inside}/", f"http://:@{inside}/", f"http://{inside}@example.com/", f"http://a@b@{inside}/",
            f"http://example.com%40{inside}/", f"http://example.com\\@{inside}/", f"http://{inside}\\@example.com/",
            f"http://example.com#@{inside}/", f"http://{inside}#@example.com/", f"http://{inside}\\.example.com/",
            f"http://example.com @{inside}/", f"http://{inside} .example.com/", f"http://{inside};.example.com/",
            f"http://{inside},example.com/", f"http://{inside}%23.example.com/", f"http://{inside}%2F.example.com/",
            f"http://{inside}%09/", f"http://{inside}\t.example.com/", f"http://example.com\r\n@{inside}/",
            f"http://example.com\r\nHost: {inside}\r\n\r\n/", f"http://{inside}|.example.com/", f"http://<{inside}>/",
            f"http://{inside}＠example.com/", f"http://example.com＠{inside}/", f"http://{inside}／.example.com/",
            f"http://{inside}＃.example.com/", f"http://{inside}：80/", f"http://{inside}?@example.com/#",
        )  # fmt: skip


def _schemes() -> Iterator[str]:
    for scheme in (
        "file", "ftp", "gopher", "dict", "ldap", "ldaps", "tftp", "sftp", "ssh", "jar", "data", "javascript", "ws", "wss",
        "unix", "http+unix", "view-source", "netdoc", "php", "smb", "httpx", "https+x", "h2", "http:http", "",
    ):  # fmt: skip
        yield f"{scheme}://example.com/"
        yield f"{scheme}:/etc/passwd"


def _nothing() -> Iterator[str]:
    yield from (
        "", " ", "/", "//", "//example.com/", "http", "http:", "http:/", "http://", "http:///", "http:////example.com",
        "http://?", "http://?x", "http://:80", "http://:/", "http://.", "http://./", "http://../", "http://%/", "http://[/",
        "http://]/", "http://[]/", "http://[]:80/", "http://[::1", "http://::1/", "http://[::1]x/", "http://[[::1]]/",
        "http://[::1]:/", "http://example.com:/", "http://example.com:0/", "http://example.com:65536/",
        "http://example.com:99999/", "http://example.com:-1/", "http://example.com:+80/", "http://example.com:0x50/",
        "http://example.com:80:80/", "http://example.com:８０/", "http://example.com:8 0/", "http://example.com:80\n/",
        "http://example.com:٨٠/", "http://*/", "http://*.example.com/", "http://exa_mple..com/", "http://-example.com/",
    )  # fmt: skip


REFUSED: Final[dict[str, tuple[str, ...]]] = {
    name: tuple(dict.fromkeys(made()))
    for name, made in {
        "IPv4 as it is": _plain,
        "IPv4 as other numbers": _numbers,
        "IPv4 in other characters": _disguised,
        "IPv6": _v6,
        "IPv4 in IPv6": _v4_in_v6,
        "names of this machine": _local_names,
        "two hosts in one": _credentials,
        "other schemes": _schemes,
        "no host, no port": _nothing,
    }.items()
}

_PUBLIC_V4: Final = (
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "93.184.216.34", "100.63.255.255", "100.128.0.0", "126.255.255.255",
    "128.0.0.1", "168.63.129.15", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255",
    "192.0.1.1", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "203.0.112.255", "223.255.255.255",
)  # fmt: skip
_PUBLIC_V6: Final = (
    "2606:4700:4700::1111", "2606:4700:4700:0000:0000:0000:0000:1111", "2001:4860:4860::8888", "2A00:1450:4001:80B::200E",
    "2400:cb00::1", "2c0f:fb50::1", "3ffe::1", "::ffff:8.8.8.8", "::ffff:808:808", "64:ff9b::8.8.8.8", "2002:808:808::1",
    "2a00:1450::5efe:808:808", "2a00:1450::5eff:7f00:1", "2a00:1450::7f00:1",
)  # fmt: skip
ACCEPTED: Final = (
    *[f"http://{address}/" for address in _PUBLIC_V4],
    *[f"https://[{address}]:8443/in" for address in _PUBLIC_V6],
    "http://example.com", "https://example.com/", "HTTPS://EXAMPLE.COM/", "https://example.com.", "https://example.com:1/",
    "https://example.com:65535/", "https://example.com/?u=http://127.0.0.1/", "https://example.com/@127.0.0.1",
    "https://example.com/a@b:c//d", "https://example.com?x=1", "https://localhost.example.com/",
    "https://mylocalhost.example/", "https://localhost-1.example/", "https://127.0.0.1.example.com/",
    "https://10.example.com/", "https://0x7f.example.com/", "https://3com.example/", "https://metadata.example.com/",
    "https://my_host.example.com/", "https://xn--mnchen-3ya.example/", "https://münchen.example/", "https://例え.example/",
    "https://пример.example/", "https://ｅｘａｍｐｌｅ.com/", "https://example。com/", "http://a/", "http://a.b.c.d.e.f.g/",
    f"https://{'a' * 63}.example/", "https://hooks.example.com/in/a%20b?key=1&x=%C3%A9",
)  # fmt: skip

QUEUES: Final = (
    "http://sqs.eu-west-1.amazonaws.com/123456789012/q", "https://sqs.eu-west-1.amazonaws.com:8443/123456789012/q",
    "https://sqs.eu-west-1.amazonaws.com@127.0.0.1/123456789012/q", "https://127.0.0.1/123456789012/q",
    "https://sqs.eu-west-1.amazonaws.com.evil.example/123456789012/q", "https://localhost/123456789012/q",
    "https://sqs.eu-west-1.amazonaws.com%2e127.0.0.1/123456789012/q", "https://[::1]/123456789012/q",
    "https://sqs.eu-west-1.amazonaws.com\\@127.0.0.1/123456789012/q", "https://169.254.169.254/123456789012/q",
    "https://sqs.eu-west-1.amazonaws.com#@127.0.0.1/123456789012/q", "https://2130706433/123456789012/q",
    "https://evil-sqs.eu-west-1.amazonaws.com/123456789012/q", "https://sqs.eu-west-1.evilamazonaws.com/123456789012/q",
    "https://sqs.127.0.0.1.amazonaws.com/123456789012/q", "https://sqs.eu-west-1.amazonaws.com/../../latest/meta-data",
    "https://a.sqs.eu-west-1.amazonaws.com/123456789012/q", "https://sqs..amazonaws.com/123456789012/q",
    "https://sqs.eu-west-1.amazonaws.com/123456789012/q?x=1", "https://sqs.eu-west-1.amazonaws.com/123456789012/q#x",
    "https://sqs.eu-west-1.amazonaws.com/1/q", "https://sqs.eu-west-1.amazonaws.com/123456789012/",
    "file://sqs.eu-west-1.amazonaws.com/123456789012/q", "https://s3.eu-west-1.amazonaws.com/123456789012/q",
)  # fmt: skip
