from __future__ import annotations

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpost.errors import RingpostError
from ringpost.transports.egress import Target, check_address, check_target, parse_networks

REFUSED = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254",
    "168.63.129.16", "169.254.169.254", "169.254.0.1", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192",
    "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.7",
    "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::7f00:1", "::ffff:127.0.0.1",
    "::ffff:10.1.2.3", "::ffff:169.254.169.254", "::ffff:0:7f00:1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1", "100::1", "2001::1", "2001:0:7f00:1::1", "2001:2::1", "2001:10::1", "2001:20::1",
    "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:c0a8:101::1", "3fff::1", "5f00::1", "fc00::1",
    "fd00:ec2::254", "fd20:ce::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1", "4000::1",
]  # fmt: skip
PUBLIC = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255",
    "172.32.0.0", "192.0.1.1", "192.167.255.255", "198.17.255.255", "198.20.0.0", "223.255.255.255",
    "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1", "2606:4700:4700::1111", "2001:4860:4860::8888",
    "2a00:1450:4001::1",
]  # fmt: skip


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(RingpostError) as caught:
        check_address(address, ())
    assert (caught.value.code, caught.value.field) == ("target_refused", "url")


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_taken(address: str) -> None:
    check_address(address, ())
    check_address(ipaddress.ip_address(address), ())


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.1.2.3", "10.1.0.0/16"),
        ("127.0.0.1", "127.0.0.1/32"),
        ("169.254.169.254", "169.254.0.0/16"),
        ("::ffff:10.1.2.3", "10.1.0.0/16"),
        ("64:ff9b::a01:203", "10.1.0.0/16"),
        ("fd12::1", "fd12::/64"),
        ("::1", "::1/128"),
    ],
)
def test_a_network_that_the_operator_allows_wins_and_no_other_is_opened(address: str, network: str) -> None:
    check_address(address, parse_networks([network]))
    with pytest.raises(RingpostError):
        check_address("10.2.0.1", parse_networks([network]))


@given(st.ip_addresses())
def test_nothing_is_public_that_python_knows_to_be_private(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    unsafe = ip.is_private or ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_reserved
    carries_another = any(
        ip in ipaddress.ip_network(network) for network in ("64:ff9b::/96", "::ffff:0:0/96", "2002::/16")
    )
    if unsafe and not carries_another:
        with pytest.raises(RingpostError):
            check_address(ip, ())


@given(
    st.ip_addresses(v=4),
    st.sampled_from(["::ffff:0:0", "64:ff9b::", "2002::"]),
)
def test_an_address_inside_an_address_is_judged_as_itself(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address, prefix: str
) -> None:
    shift = 80 if prefix == "2002::" else 0
    outer = ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | int(ip) << shift)
    assert _refused(ip) == _refused(outer)


def _refused(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        check_address(ip, ())
    except RingpostError:
        return True
    return False


def test_a_target_is_taken_apart() -> None:
    target = check_target("https://Hooks.Example.com:8443/in/a%20b?key=1&x=%C3%A9")
    assert (target.scheme, target.host, target.port, target.tls) == ("https", "hooks.example.com", 8443, True)
    assert (target.path, target.host_header, target.ip) == (
        "/in/a%20b?key=1&x=%C3%A9",
        "hooks.example.com:8443",
        None,
    )


@pytest.mark.parametrize(
    ("url", "host", "path", "host_header"),
    [
        ("http://example.com", "example.com", "/", "example.com"),
        ("HTTPS://example.com:443", "example.com", "/", "example.com"),
        ("http://example.com:443/", "example.com", "/", "example.com:443"),
        ("http://example.com.", "example.com", "/", "example.com"),
        ("http://example.com?x", "example.com", "/?x", "example.com"),
        ("https://münchen.example/straße", "xn--mnchen-3ya.example", "/stra%C3%9Fe", "xn--mnchen-3ya.example"),
        ("https://example。com/", "example.com", "/", "example.com"),
        ("https://ｅxample.com/", "example.com", "/", "example.com"),
        ("http://8.8.8.8:81/x", "8.8.8.8", "/x", "8.8.8.8:81"),
        ("http://8.8.8.8./x", "8.8.8.8", "/x", "8.8.8.8"),
        ("http://[2606:4700:4700:0::1111]/", "2606:4700:4700::1111", "/", "[2606:4700:4700::1111]"),
        ("http://[2606:4700:4700::1111]:8080/", "2606:4700:4700::1111", "/", "[2606:4700:4700::1111]:8080"),
        ("http://my_host.example/{a}?b|c", "my_host.example", "/%7Ba%7D?b%7Cc", "my_host.example"),
        ("http://3com.example/", "3com.example", "/", "3com.example"),
        ("http://a.b/%zz'()~", "a.b", "/%zz'()~", "a.b"),
    ],
)
def test_spellings_of_a_target_become_one(url: str, host: str, path: str, host_header: str) -> None:
    target = check_target(url)
    assert (target.host, target.path, target.host_header) == (host, path, host_header)
    assert target.is_address == (target.ip == host)


@pytest.mark.parametrize(
    "url",
    [
        "", "example.com", "//example.com", "http:example.com", "http:/example.com", "http://", "http:///path",
        "https://?x", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "javascript:alert(1)",
        "http://:80/", "http://example.com:/", "http://example.com:0/", "http://example.com:65536/",
        "http://example.com:8a/", "http://example.com:-1/", "http://example.com:80:80/", "http://example.com:000080/",
        " http://example.com/", "http://example.com/ ", "http://exam ple.com/", "http://example.com/a b",
        "http://example.com/\r\nx: y", "http://example.com/\n", "http://exa\tmple.com/", "http://example.com/\x00",
        "http://example.com/\x7f", "http://example.com/\u2028", "http://example.com/\ud800", "http://example.com\\@x/",
        "http://example.com/#top", "http://example.com#", "http://example..com/", "http://.example.com/",
        "http://example.com../", "http://-a.com/", "http://a-.com/", "http://exa%6dple.com/", "http://exa,mple.com/",
        "http://exa'mple.com/", f"http://{'a' * 64}.com/", f"http://{'a.' * 127}com/", "http://faß.de/",
        "http://a\u200db.de/", "http://\u0378.de/", "http://[::1/", "http://::1/", "http://[::1]x/", "http://[]/",
        "http://[2606::zz]/", "http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/", "http://[8.8.8.8]/",
        "http://x[::1]/", f"http://example.com/{'a' * 2048}",
    ],
)  # fmt: skip
def test_what_is_no_target_is_refused(url: str) -> None:
    with pytest.raises(RingpostError) as caught:
        check_target(url)
    assert (caught.value.code, caught.value.field) == ("target_invalid", "url")


@pytest.mark.parametrize("url", ["http://user@example.com/", "http://u:p@example.com/", "http://@example.com/"])
def test_credentials_in_a_target_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(RingpostError) as caught:
        check_target(url)
    assert caught.value.code == "target_has_credentials"
    assert "u:p" not in caught.value.message


def test_an_at_sign_after_the_host_is_no_credential() -> None:
    assert check_target("https://example.com/@me?a@b").host == "example.com"


@given(
    st.ip_addresses(v=4),
    st.integers(1, 4),
    st.lists(st.sampled_from(["{:d}", "0{:o}", "0x{:x}", "0X{:X}", "00{:o}"]), min_size=4, max_size=4),
    st.sampled_from(["", "."]),
)
def test_no_spelling_that_inet_aton_knows_gets_past_the_policy(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address, parts: int, forms: list[str], dot: str
) -> None:
    octets = list(ip.packed)
    values = [*octets[: parts - 1], int.from_bytes(bytes(octets[parts - 1 :]), "big")]
    text = ".".join(form.format(value) for form, value in zip(forms, values, strict=False))
    assert socket.inet_aton(text) == ip.packed
    target = _target(f"http://{text}{dot}/")
    if target is not None:
        assert target.ip == str(ip)
        check_address(ip, ())


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "017700000001", "127.1", "1", "0x", "1.2.3.4.5", "a.b.0x7f"])
def test_a_number_as_host_is_refused_with_a_hint(host: str) -> None:
    with pytest.raises(RingpostError) as caught:
        check_target(f"http://{host}/")
    assert caught.value.code == "target_invalid"
    assert "four decimal numbers" in caught.value.message


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST", "localhost.", "a.localhost", "ip6-localhost", "127.0.0.1", "[::1]", "[::ffff:7f00:1]",
     "10.0.0.1", "１２７.0.0.1", "ⓛocalhost"],
)  # fmt: skip
def test_this_machine_is_no_target_unless_it_is_allowed(host: str) -> None:
    with pytest.raises(RingpostError) as caught:
        check_target(f"http://{host}:8080/")
    assert (caught.value.code, caught.value.field) == ("target_refused", "url")
    check_target(f"http://{host}:8080/", parse_networks(["127.0.0.0/8", "::1/128", "10.0.0.0/8"]))


@given(st.text() | st.text(alphabet="htp:/.@[]%#?\\0x1a\r\n "))
def test_any_text_is_a_target_or_a_refusal(text: str) -> None:
    for url in (text, f"http://{text}", f"https://example.com{text}"):
        target = _target(url)
        if target is not None:
            line = f"POST {target.path} HTTP/1.1"
            assert line.isascii()
            assert len(line.split()) == 3
            assert target.path.startswith("/")
            assert not set(target.host) & set("/@\\%# \r\n")


def _target(url: str) -> Target | None:
    """The target, or None where it was refused."""
    try:
        return check_target(url)
    except RingpostError:
        return None
