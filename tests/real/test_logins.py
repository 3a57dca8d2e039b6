"""What the PBX does with the manager user: an ACL that shuts it out, a wrong secret, a second login, a right too few.

What is wrong is told as a notice with its reason; once a person has mended it, Ringpost is back by itself, and what
goes on at the PBX is told. Several PBXs are tried at once, as a login that was refused is not tried again for 15 s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ringpost.sources.asterisk import session
from tests.real.ami import Ami
from tests.real.asterisk_process import Asterisk
from tests.real.site import pbx_settings, site_of
from tests.real.stage import OUTSIDE, Stage
from tests.real.wire import Wire

pytestmark = [pytest.mark.real, pytest.mark.slow]

# Of the user `reader` in asterisk/etc/manager.conf.in.
_SECRET = "secret = reader-secret\n"
_HERE = f"{_SECRET}deny = 0.0.0.0/0.0.0.0\npermit = 127.0.0.1/"
_RIGHTS = f"{_HERE}255.255.255.255\nread = system,call,agent\n"
_WITHOUT_CALLS = _RIGHTS.replace("system,call,agent", "system,agent")
_ELSEWHERE = _HERE.replace("127.0.0.1", "192.0.2.1")

REFUSED = "pbx_login_refused"


@pytest.mark.timeout(180)
@pytest.mark.parametrize("asterisks", [4], indirect=True)
async def test_what_the_pbx_refuses_is_told_and_tried_again_until_somebody_mended_it(
    asterisks: list[Asterisk], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "AUDIT_EVERY", 500)  # ms instead of a minute: what is not told shows there
    shut_out, mistaken, taken, deaf = asterisks
    secret = tmp_path / "secret"
    secret.write_text("a wrong one")
    await asyncio.to_thread(_edit, taken, _SECRET, f"{_SECRET}allowmultiplelogin = no\n")
    await asyncio.to_thread(_edit, deaf, _RIGHTS, _WITHOUT_CALLS)
    other = await Ami.login(taken.ami_port, taken.user, taken.secret)
    async with Wire((shut_out.host, shut_out.ami_port)) as wire:
        pbxs = [
            pbx_settings(shut_out, "shut-out", port=wire.port),
            pbx_settings(mistaken, "mistaken", secret_file=str(secret)),
            pbx_settings(taken, "taken"),
            pbx_settings(deaf, "deaf"),
        ]
        async with site_of(asterisks, tmp_path, pbxs=pbxs, pbx_lost_after_ms=4_000) as site:
            stages = site.stages
            async with asyncio.TaskGroup() as cases:
                cases.create_task(_shut_out(stages[0], wire))
                cases.create_task(_mistaken(stages[1], secret))
                cases.create_task(_taken(stages[2], other))
                cases.create_task(_deaf(stages[3]))
        site.hearing.check()
        told = [(notice["data"]["pbx"], notice["type"]) for notice in site.hearing.notices()]
        for pbx in pbxs:
            mine = [kind for serial, kind in told if serial == pbx.serial]
            assert mine == ["notice:pbx-lost", "notice:pbx-back"]


async def _shut_out(stage: Stage, wire: Wire) -> None:
    """An ACL shuts us out: a session that stands goes on (Asterisk asks at the login alone), the next is refused."""
    async with stage.open():
        first = stage.alice.call("1002")
        await stage.talk(first, stage.juergen, "1001>1002")
        await asyncio.to_thread(_edit, stage.asterisk, _HERE, _ELSEWHERE)
        second = stage.call_in()
        await stage.talk(second, stage.alice, f"{OUTSIDE}>1001")
        await wire.cut()
        await wire.mend()
        await stage.hearing.noticed("pbx-lost", stage.serial, REFUSED)
        await first.hang_up()
        await asyncio.to_thread(_edit, stage.asterisk, _ELSEWHERE, _HERE)
        await stage.hearing.noticed("pbx-back", stage.serial, None)
        await stage.told("ENDED 1001>1002", f"TALKING {OUTSIDE}>1001")
        await second.hang_up()
        gone, stayed = (await stage.hearing.all_ended(2, pbx=stage.serial, since=stage.since)).values()
        assert (gone[-1].data.endCause, gone[-1].data.endBy, gone[-1].data.flags) == ("31", None, ("reconciled",))
        assert (stayed[-1].data.endCause, stayed[-1].data.endBy, stayed[-1].data.flags) == ("16", "CALLER", ())


async def _mistaken(stage: Stage, secret: Path) -> None:
    """The secret is wrong in our file, and then put right: it is read anew for every login."""
    async with stage.open():
        call = stage.call_in()
        arrived = await stage.ring(call, stage.alice)
        arrived.answer()
        await stage.hearing.noticed("pbx-lost", stage.serial, REFUSED)
        await asyncio.to_thread(secret.write_text, stage.asterisk.secret)
        await _resumed_and_ended_by_caller(stage, f"{OUTSIDE}>1001", call.hang_up)


async def _taken(stage: Stage, other: Ami) -> None:
    """The PBX allows the user one login (allowmultiplelogin), and somebody else has it."""
    async with stage.open():
        call = stage.alice.call("1002")
        arrived = await stage.ring(call, stage.juergen)
        arrived.answer()
        await stage.hearing.noticed("pbx-lost", stage.serial, REFUSED)
        await other.close()
        await _resumed_and_ended_by_caller(stage, "1001>1002", call.hang_up)


async def _deaf(stage: Stage) -> None:
    """The user may not read calls (no read=call): nothing is told of a call that is there."""
    async with stage.open():
        call = stage.alice.call("1002")
        arrived = await stage.ring(call, stage.juergen)
        arrived.answer()
        await stage.hearing.noticed("pbx-lost", stage.serial, "pbx_permission_missing")
        await asyncio.to_thread(_edit, stage.asterisk, _WITHOUT_CALLS, _RIGHTS)
        await stage.hearing.noticed("pbx-back", stage.serial, None)
        await stage.told("TALKING 1001>1002")
        await call.hang_up()
        (events,) = (await stage.hearing.all_ended(1, pbx=stage.serial, since=stage.since)).values()
        assert (events[-1].data.endCause, events[-1].data.endBy) == ("16", "CALLER")


async def _resumed_and_ended_by_caller(stage: Stage, who: str, hang_up: Callable[[], Awaitable[None]]) -> None:
    await stage.hearing.noticed("pbx-back", stage.serial, None)
    await stage.told(f"TALKING {who}")
    await hang_up()
    (events,) = (await stage.hearing.all_ended(1, pbx=stage.serial, since=stage.since)).values()
    end = events[-1].data
    assert (end.endCause, end.endBy, end.flags) == ("16", "CALLER", ("resumed",))


@pytest.mark.parametrize("asterisks", [1], indirect=True)
async def test_a_second_login_of_the_same_user_changes_nothing(asterisks: list[Asterisk], tmp_path: Path) -> None:
    async with site_of(asterisks, tmp_path) as site:
        await site.node.wait_in_step()
        (stage,) = site.stages
        other = await Ami.login(stage.asterisk.ami_port, stage.asterisk.user, stage.asterisk.secret)
        async with stage.open():
            call = stage.alice.call("1002")
            await stage.talk(call, stage.juergen, "1001>1002")
            await other.close()
            await call.hang_up()
            (events,) = (await stage.hearing.all_ended(1)).values()
    assert [event.data.status for event in events] == ["CONNECTING", "RINGING", "TALKING", "TALKING"]
    site.hearing.check()


def _edit(asterisk: Asterisk, old: str, new: str) -> None:
    asterisk.configure("manager.conf", old, new)
    asterisk.rx("manager reload")
