"""Several PBXs, one node that listens to all of them, and one integration that hears of their calls.

`site_of` runs the node in this process; what a test knows of the calls is what the integration was sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from msgspec import structs

from ringpost.integrations.requests import InstallRequest
from ringpost.node import Node, start_node
from ringpost.settings import PbxSettings, Settings
from tests.real.asterisk_process import Asterisk
from tests.real.hearing import Hearing
from tests.real.receiver import Receiver
from tests.real.stage import Stage

COMPANY: Final = "acme"


@dataclass
class Site:
    """stages: one for each PBX, closed."""

    node: Node
    hearing: Hearing
    stages: list[Stage]


def pbx_settings(asterisk: Asterisk, serial: str, *, port: int | None = None, secret_file: str = "") -> PbxSettings:
    """The PBX as an operator sets it up. port: where the PBX is reached, by default its own."""
    return PbxSettings(
        company=COMPANY,
        serial=serial,
        host=asterisk.host,
        port=port or asterisk.ami_port,
        user=asterisk.user,
        secret="" if secret_file else asterisk.secret,
        secret_file=secret_file,
        trunks=("SIPTRUNK",),
    )


@asynccontextmanager
async def site_of(
    asterisks: Sequence[Asterisk], folder: Path, *, pbxs: Sequence[PbxSettings] = (), **settings: int
) -> AsyncIterator[Site]:
    """pbxs: how each is reached, by default straight; settings: others of the service. When this ends, the last word
    of the node was heard."""
    reached = pbxs or [pbx_settings(asterisk, f"pbx{number}") for number, asterisk in enumerate(asterisks, 1)]
    receiver = Receiver()
    await receiver.start()
    usual = Settings(data=str(folder / "data"), port=0, allow_networks=("127.0.0.0/8",), pbx=tuple(reached))
    node = await start_node(structs.replace(usual, **settings), jitter=lambda: 0.0)
    try:
        request = InstallRequest(type="webhook", url=receiver.url, filter=["call:*", "notice:*"])
        _, installed = await node.registry.install(COMPANY, request)
        hearing = Hearing(receiver, installed.secret)
        stages = [Stage(asterisk, hearing, pbx.serial) for asterisk, pbx in zip(asterisks, reached, strict=True)]
        yield Site(node, hearing, stages)
    finally:
        await node.dispatcher.wait_idle()
        await node.stop()
        await receiver.stop()
