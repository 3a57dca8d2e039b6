"""Certificates good and bad, and the TLS contexts of both sides, for tests with real handshakes."""

from __future__ import annotations

import ssl
import tempfile
import warnings
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST: Final = "hooks.example"


@cache
def authority() -> trustme.CA:
    """The one that the sender trusts."""
    return trustme.CA()


@cache
def trusting() -> ssl.SSLContext:
    """The sender's side: what `HttpClient` makes for itself, with our authority in place of the public ones."""
    context = ssl.create_default_context()
    authority().configure_trust(context)
    context.set_alpn_protocols(["http/1.1"])
    return context


def presenting(certificate: trustme.LeafCert | None = None) -> ssl.SSLContext:
    """A receiver's side; without a certificate, one that is in order."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (certificate or authority().issue_cert(HOST)).configure_cert(context)
    return context


def expired() -> ssl.SSLContext:
    return presenting(authority().issue_cert(HOST, not_after=datetime.now(UTC) - timedelta(days=1)))


def not_valid_yet() -> ssl.SSLContext:
    return presenting(authority().issue_cert(HOST, not_before=datetime.now(UTC) + timedelta(days=1)))


def of_another_host() -> ssl.SSLContext:
    return presenting(authority().issue_cert("other.example"))


def of_an_unknown_authority() -> ssl.SSLContext:
    return presenting(trustme.CA().issue_cert(HOST))


def self_signed() -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        chain = Path(folder) / "chain.pem"
        chain.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        context.load_cert_chain(chain)
    return context


def old_versions_alone() -> ssl.SSLContext:
    """TLS 1.0 and 1.1, which RFC 8996 forbids."""
    context = presenting()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def tls_1_2() -> ssl.SSLContext:
    context = presenting()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def wanting_a_certificate() -> ssl.SSLContext:
    """The sender has none: under TLS 1.3 it learns of the refusal after its side of the handshake."""
    context = presenting()
    authority().configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    return context
