"""What the call machine remembers of a leg, a bridge and a call while they live.

Mutable, and private to this room: the board and the machine change them, the others read them.
"""

from __future__ import annotations

from msgspec import Struct, field

from ringpost.model.data import CallData, Party, Status

from .observation import LegKind, LegState, Purpose


class LegRecord(Struct, eq=False, kw_only=True):
    """A leg.

    call: the call that it belongs to (the PBX's id); was: calls that it was moved out of; order, joined: counters of
    when it appeared and when it joined its bridge; pair: the other half of a local leg; called: the PBX called it;
    dial_status: how that ended (the first word counts); asked: its far end asked to hang up, with `asked_cause`.
    """

    id: str
    call: str
    kind: LegKind
    order: int
    endpoint: str | None = None
    state: LegState = "down"
    number: str | None = None
    name: str | None = None
    was: set[str] = field(default_factory=set)
    bridge: str | None = None
    joined: int = 0
    pair: str | None = None
    called: bool = False
    dial_status: str | None = None
    holds: bool = False
    asked: bool = False
    asked_cause: int | None = None
    cause: int | None = None

    @property
    def is_being_called(self) -> bool:
        return self.called and self.state != "up" and self.dial_status is None


class BridgeRecord(Struct, eq=False):
    purpose: Purpose
    members: dict[str, LegRecord] = field(default_factory=dict)


class CallRecord(Struct, eq=False, kw_only=True):
    """A call.

    key: the PBX's id of it; id: the wire's, given when it is told; started: ms; live: its legs that have not hung up;
    tried: the real legs of the latest round of calling; engaged: something happened that makes it worth telling;
    ender: the leg whose far end asked to end the conversation; told: its call:start went out; shown, sent: the callee
    and the payload told last; time: of the event told last (ms); clock:
    the latest `now`, which may go back (ms); since: when it began to be in talk, or out of it (ms);
    talked_at, talked: when talking began first (ms), and for how long it went on in phases that are over (ms);
    flush_at, wake: ms; restored: it was told before Ringpost was restarted.
    """

    key: str
    order: int
    started: int
    id: str = ""
    live: dict[str, LegRecord] = field(default_factory=dict)
    caller: LegRecord | None = None
    callee: LegRecord | None = None
    shown: LegRecord | None = None
    known_caller: Party | None = None
    known_callee: Party | None = None
    tried: list[LegRecord] = field(default_factory=list)
    dial_status: str | None = None
    destination: str | None = None
    queue: str | None = None
    trunk: str | None = None
    flags: tuple[str, ...] = ()
    status: Status = "CONNECTING"
    since: int = 0
    talked_at: int | None = None
    talked: int = 0
    engaged: bool = False
    ender: LegRecord | None = None
    told: bool = False
    sent: CallData | None = None
    time: int = 0
    clock: int = 0
    flush_at: int | None = None
    wake: int | None = None
    restored: bool = False
