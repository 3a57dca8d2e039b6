"""`ringpost doctor` on a real Asterisk: says what is good, and gives what to paste where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.program import Done, ringpost
from tests.real.asterisk_process import Asterisk

pytestmark = pytest.mark.real


async def doctor(folder: Path, asterisk: Asterisk, *, user: str, secret: str) -> Done:
    (folder / "secret").write_text(secret + "\n")
    (folder / "ringpost.toml").write_text(
        f'port = 0\n[[pbx]]\ncompany = "acme"\nserial = "pbx1"\nhost = "{asterisk.host}"\nport = {asterisk.ami_port}\n'
        f'user = "{user}"\nsecret_file = "{folder}/secret"\n'
    )
    done = await ringpost(folder, "doctor", "--config", "ringpost.toml")
    assert secret not in done.out + done.err
    return done


async def test_a_good_login_shows_the_version_and_that_calls_can_be_read(tmp_path: Path, asterisk: Asterisk) -> None:
    done = await doctor(tmp_path, asterisk, user=asterisk.user, secret=asterisk.secret)
    assert done.code == 0, done.out
    assert "Asterisk 22" in done.out
    assert "FAIL" not in done.out
    assert "read=system: restarts are told" in done.out
    assert "nothing else: it cannot change anything on the PBX" in done.out


async def test_a_wrong_secret_is_told_with_the_stanza_to_paste(tmp_path: Path, asterisk: Asterisk) -> None:
    done = await doctor(tmp_path, asterisk, user=asterisk.user, secret="not-the-secret")
    assert done.code == 1
    assert "pbx_login_refused" in done.out
    for line in (f"[{asterisk.user}]", "permit = 127.0.0.1/32", "read = system,call,agent", "write = reporting"):
        assert line in done.out
    assert "manager_custom.conf" in done.out
