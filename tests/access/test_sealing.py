"""Secrets are sealed at rest, under a key file of their own."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpost.access.sealing import Vault, open_vault
from ringpost.errors import RingpostError
from ringpost.model.integration import Credentials

KEY = bytes(range(32))


@given(st.binary(max_size=200), st.text(max_size=20))
def test_what_is_sealed_opens_again_and_cannot_be_read(plain: bytes, context: str) -> None:
    blob = Vault(KEY).seal(plain, context)
    assert Vault(KEY).open(blob, context) == plain
    assert len(plain) < 4 or plain not in blob


def test_the_same_secret_sealed_twice_looks_different() -> None:
    assert Vault(KEY).seal(b"secret", "a") != Vault(KEY).seal(b"secret", "a")


@pytest.mark.parametrize(
    ("key", "context", "cut"), [(bytes(32), "a", 99), (KEY, "b", 99), (KEY, "a", 20), (KEY, "a", 0)]
)
def test_another_key_another_place_or_a_damaged_blob_does_not_open(key: bytes, context: str, cut: int) -> None:
    blob = Vault(KEY).seal(b"secret", "a")[:cut]
    with pytest.raises(RingpostError) as refused:
        Vault(key).open(blob, context)
    assert refused.value.code == "sealing_key_invalid"


@given(st.binary(min_size=1, max_size=80))
def test_no_made_up_blob_opens(blob: bytes) -> None:
    with pytest.raises(RingpostError):
        Vault(KEY).open(blob, "a")


def test_credentials_of_one_integration_do_not_open_as_another_s() -> None:
    credentials = Credentials(secret="hush-1-never-tell", headers=(("x-token", "t0k3n-of-ours"),))
    blob = Vault(KEY).seal_credentials("acme", "abc123", credentials)
    assert Vault(KEY).open_credentials("acme", "abc123", blob) == credentials
    with pytest.raises(RingpostError):
        Vault(KEY).open_credentials("acme", "abc124", blob)


def test_credentials_do_not_show_when_printed() -> None:
    assert "hush" not in repr(Credentials(key="AKIA", secret="hush", headers=(("x", "hush"),)))


def test_the_key_file_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "data" / "sealing.key"
    blob = open_vault(file, make=True).seal(b"secret", "a")
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert open_vault(file, make=True).open(blob, "a") == b"secret"
    assert [path.name for path in file.parent.iterdir()] == ["sealing.key"]


def test_a_key_file_that_is_missing_or_cut_short_is_told(tmp_path: Path) -> None:
    file = tmp_path / "sealing.key"
    with pytest.raises(RingpostError, match=r"sealing\.key"):
        open_vault(file, make=False)
    file.write_bytes(b"short")
    with pytest.raises(RingpostError, match="32 bytes"):
        open_vault(file, make=True)
