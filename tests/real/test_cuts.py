"""The connection to a real PBX is cut amid calls: what people did meanwhile is told when it stands again, once."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.real.asterisk_process import Asterisk
from tests.real.gap import Gap, park_for_long
from tests.real.site import pbx_settings, site_of
from tests.real.stage import Stage
from tests.real.wire import Wire

pytestmark = [pytest.mark.real, pytest.mark.slow]

GIVEN_UP_MS = 10_000  # the least that the settings take


@pytest.mark.parametrize("asterisks", [3], indirect=True)
async def test_a_cut_amid_calls_leaves_none_open_and_tells_none_twice(
    asterisks: list[Asterisk], tmp_path: Path
) -> None:
    """One connection is closed, one only passes nothing on any more, and one is away until its calls are given up."""
    async with AsyncExitStack() as entered:
        wires = [await entered.enter_async_context(Wire((each.host, each.ami_port))) for each in asterisks]
        serials = ("closed", "half-open", "away")
        pbxs = [
            pbx_settings(asterisk, serial, port=wire.port)
            for asterisk, serial, wire in zip(asterisks, serials, wires, strict=True)
        ]
        for asterisk in asterisks[:2]:
            await asyncio.to_thread(park_for_long, asterisk)
        site = await entered.enter_async_context(
            site_of(asterisks, tmp_path, pbxs=pbxs, pbx_lost_after_ms=3_000, end_lost_calls_after_ms=GIVEN_UP_MS)
        )
        await site.node.wait_in_step()
        async with asyncio.TaskGroup() as cuts:
            for cut, stage, wire in zip((_closed, _half_open, _away), site.stages, wires, strict=True):
                cuts.create_task(cut(stage, wire))
        site.hearing.check()
        assert [wire.connections for wire in wires] == [2, 2, 2]
        told = [(notice["type"].removeprefix("notice:"), notice["pbx"]) for notice in site.hearing.notices()]
        lost_and_back = [("pbx-lost", "closed"), ("pbx-back", "closed")]
        assert [notice for notice in told if notice[1] != "away"] == lost_and_back
        assert [kind for kind, pbx in told if pbx == "away"] == ["pbx-lost", "pbx-calls-ended", "pbx-back"]


async def _closed(stage: Stage, wire: Wire) -> None:
    async with stage.open():
        gap = Gap(stage)
        await gap.before()
        await wire.cut()
        await gap.meanwhile()
        await stage.hearing.noticed("pbx-lost", stage.serial, "pbx_unreachable")
        await wire.mend()
        await stage.hearing.noticed("pbx-back", stage.serial, None)
        await gap.after()
        gap.check()


async def _half_open(stage: Stage, wire: Wire) -> None:
    """Nobody closes anything: Ringpost finds out by the silence."""
    async with stage.open():
        gap = Gap(stage)
        await gap.before()
        wire.swallow()
        await gap.meanwhile()
        await wire.reached(2)
        await gap.after()
        gap.check()


async def _away(stage: Stage, wire: Wire) -> None:
    """Nobody tells how the calls end: they are ended, and what goes on when the PBX is back starts anew."""
    async with stage.open():
        call = stage.alice.call("1002")
        await stage.talk(call, stage.juergen, "1001>1002")
        await wire.cut()
        await stage.told("ENDED 1001>1002")
        await stage.hearing.noticed("pbx-calls-ended", stage.serial, "pbx_unreachable")
        await wire.mend()
        await stage.told("ENDED 1001>1002", "TALKING 1001>1002")
        await call.hang_up()
        calls = await stage.hearing.all_ended(2, pbx=stage.serial, since=stage.since)
        first, second = calls
        assert second == f"{first}-2"
        ends = [(events[-1].data.endCause, events[-1].data.endBy, events[-1].data.flags) for events in calls.values()]
        assert ends == [("31", None, ("reconciled",)), ("16", "CALLER", ("resumed",))]
