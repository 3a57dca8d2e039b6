"""Seals what is secret before it reaches the ledger: AES-256-GCM under a key file that is made at the first start.

The key file (mode 0600) holds 32 random bytes; it belongs to its ledger and must be backed up apart from it. Every
sealed blob is bound to what it belongs to (`context`), so a blob that is moved to another row does not open.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ringpost.errors import RingpostError
from ringpost.ledger.folder import make_folder, sync_folder
from ringpost.model.integration import Credentials

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12  # NIST SP 800-38D, 8.2.2: random nonces of 96 bits
_FORM: Final = b"\x01"  # the first byte of a blob, so that the form can change


class Vault:
    """Seals and opens with one key."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, plain: bytes, context: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _FORM + nonce + self._cipher.encrypt(nonce, plain, context.encode())

    def open(self, blob: bytes, context: str) -> bytes:
        """What was sealed for this context. Raises `sealing_key_invalid`."""
        nonce, sealed = blob[1 : 1 + _NONCE_BYTES], blob[1 + _NONCE_BYTES :]
        try:
            if blob[:1] != _FORM:
                raise InvalidTag
            return self._cipher.decrypt(nonce, sealed, context.encode())
        except (InvalidTag, ValueError):
            raise RingpostError(
                "sealing_key_invalid",
                "A stored secret does not open with this key. Restore the key file that belongs to this ledger.",
            ) from None

    def seal_credentials(self, company: str, integration: str, credentials: Credentials) -> bytes:
        return self.seal(msgspec.json.encode(credentials), f"integration/{company}/{integration}")

    def open_credentials(self, company: str, integration: str, blob: bytes) -> Credentials:
        """Raises `sealing_key_invalid`."""
        return msgspec.json.decode(self.open(blob, f"integration/{company}/{integration}"), type=Credentials)


def open_vault(path: Path, *, make: bool) -> Vault:
    """The vault of a key file; `make`: make the file where there is none. Raises `sealing_key_invalid`."""
    try:
        if make and not path.exists():
            _make_key_file(path)
        key = path.read_bytes()
    except OSError as error:
        raise RingpostError("sealing_key_invalid", f"The sealing key {path}: {error.strerror}.") from None
    if len(key) != _KEY_BYTES:
        raise RingpostError("sealing_key_invalid", f"The sealing key {path} does not hold {_KEY_BYTES} bytes.")
    return Vault(key)


def _make_key_file(path: Path) -> None:
    """Write the whole key or nothing: a key cut short by a crash would lock every secret away."""
    make_folder(path.parent)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(_KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
    sync_folder(path.parent)
