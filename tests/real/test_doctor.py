"""`ringpost doctor` on a real Asterisk: says what is good, and gives what to paste where it is not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.cli.program import Done, ringpost
from tests.real.asterisk_process import Asterisk
from tests.real.pbx import Pbx

pytestmark = pytest.mark.real


async def doctor(folder: Path, asterisk: Asterisk, *, user: str, secret: str, listen: int = 0) -> Done:
    (folder / "secret").write_text(secret + "\n")
    (folder / "ringpost.toml").write_text(
        f'port = 0\n[[pbx]]\ncompany = "acme"\nserial = "pbx1"\nhost = "{asterisk.host}"\nport = {asterisk.ami_port}\n'
        f'user = "{user}"\nsecret_file = "{folder}/secret"\n'
    )
    done = await ringpost(folder, "doctor", "--config", "ringpost.toml", "--listen", str(listen))
    assert secret not in done.out + done.err
    return done


async def test_a_good_login_shows_the_version_and_that_calls_can_be_read(tmp_path: Path, asterisk: Asterisk) -> None:
    done = await doctor(tmp_path, asterisk, user=asterisk.user, secret=asterisk.secret)
    assert done.code == 0, done.out
    assert "Asterisk 22" in done.out
    assert "FAIL" not in done.out
    assert "read=system: restarts are told" in done.out
    assert "nothing else: it cannot change anything on the PBX" in done.out


async def test_what_nothing_showed_is_neither_good_nor_bad(tmp_path: Path, asterisk: Asterisk) -> None:
    done = await doctor(tmp_path, asterisk, user=asterisk.user, secret=asterisk.secret)
    assert "?     pbx acme/pbx1 read=call: no call was told meanwhile" in done.out
    assert done.code == 0


async def test_a_user_that_may_do_more_is_told_which_rights_are_needless(tmp_path: Path, asterisk: Asterisk) -> None:
    done = await doctor(tmp_path, asterisk, user=asterisk.driver, secret=asterisk.driver_secret)
    assert "it can do more than is needed" in done.out
    assert "originate" in done.out
    assert "write = reporting is all that is needed" in done.out


async def test_a_wrong_secret_is_told_with_the_stanza_to_paste(tmp_path: Path, asterisk: Asterisk) -> None:
    done = await doctor(tmp_path, asterisk, user=asterisk.user, secret="not-the-secret")
    assert done.code == 1
    assert "pbx_login_refused" in done.out
    for line in (f"[{asterisk.user}]", "permit = 127.0.0.1/32", "read = system,call,agent", "write = reporting"):
        assert line in done.out
    assert "manager_custom.conf" in done.out


async def test_a_user_who_may_do_too_much_is_told_so(tmp_path: Path, asterisk: Asterisk) -> None:
    done = await doctor(tmp_path, asterisk, user=asterisk.driver, secret=asterisk.driver_secret)
    assert "write = reporting is all that is needed" in " ".join(done.out.split())
    assert "originate" in done.out


async def test_calls_that_are_made_meanwhile_show_that_they_can_be_read(
    tmp_path: Path, asterisk: Asterisk, pbx: Pbx
) -> None:
    looking = asyncio.create_task(doctor(tmp_path, asterisk, user=asterisk.user, secret=asterisk.secret, listen=20))
    while not looking.done():  # it ends as soon as it has heard of a call and of a queue
        await pbx.call_busy()
        await (await pbx.phone("uac_bye", "1003", "500", talk_ms=1_000)).finished()
    done = await looking
    assert done.code == 0, done.out
    for told in ("calls are told", "queues are told"):
        assert told in done.out
