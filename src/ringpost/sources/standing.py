"""How one PBX stands at the moment: the source, the calls and the feed of it, as pages and the API show them. Pure."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from .source import SourceStatus

State = Literal["connected", "connecting", "not connected"]


class PbxStanding(Struct, frozen=True, kw_only=True):
    """One PBX that is listened to. address: host and port, empty where there is none; calls: that go on; seen: since
    the start; ended, begun: since the start, by what a snapshot made up for; waiting: events that the ledger has not
    taken yet; lost: those that it will not take."""

    company: str
    serial: str
    address: str
    status: SourceStatus
    calls: int = 0
    seen: int = 0
    ended: int = 0
    begun: int = 0
    waiting: int = 0
    lost: int = 0

    @property
    def state(self) -> State:
        """connecting: since the start, and no attempt has failed yet."""
        if self.status.connected_since is not None:
            return "connected"
        return "connecting" if self.status.error is None else "not connected"
