from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from ringpost.transports import resolve
from ringpost.transports.resolve import Resolver


async def test_a_name_of_this_machine_is_found_each_address_once() -> None:
    addresses = await Resolver()("localhost")
    assert "127.0.0.1" in addresses or "::1" in addresses
    assert len(set(addresses)) == len(addresses)


async def test_a_name_that_cannot_be_looked_up_is_an_error() -> None:
    with pytest.raises(OSError, match="label"):
        await Resolver()("x" * 70)


async def test_all_who_ask_for_one_name_share_a_lookup_and_a_slow_one_delays_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate = threading.Event()
    looked_up: list[str] = []

    def look_up(host: str) -> Sequence[str]:
        looked_up.append(host)
        if host == "slow.example":
            gate.wait(20)
        return (host, "192.0.2.1")

    monkeypatch.setattr(resolve, "_look_up", look_up)
    resolver = Resolver()
    waiting = [asyncio.create_task(resolver("slow.example")) for _ in range(100)]
    impatient = asyncio.create_task(resolver("slow.example"))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await resolver("quick.example") == ("quick.example", "192.0.2.1")
    gate.set()
    assert set(await asyncio.gather(*waiting)) == {("slow.example", "192.0.2.1")}
    assert looked_up.count("slow.example") == 1
    assert await resolver("slow.example")
    assert looked_up.count("slow.example") == 2


async def test_lookups_under_way_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()

    def look_up(host: str) -> Sequence[str]:
        gate.wait(20)
        return ()

    monkeypatch.setattr(resolve, "_look_up", look_up)
    monkeypatch.setattr(resolve, "_LOOKUPS", 3)
    resolver = Resolver()
    waiting = [asyncio.create_task(resolver(f"{number}.example")) for number in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(OSError, match="too many"):
        await resolver("one-more.example")
    gate.set()
    await asyncio.gather(*waiting)
