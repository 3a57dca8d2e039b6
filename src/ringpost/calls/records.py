"""What the call machine remembers of a leg, a bridge and a call while they live.

Mutable, and private to this room: the board and the machine change them, the others read them.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct, field

from ringpost.model.data import CallData, Direction, EndBy, Party, Status

from .observation import LegKind, LegState, Purpose, Service

TRIED_LIMIT: Final = 100  # legs; a queue may call its members for hours

WAS_LIMIT: Final = 32  # calls; no leg is transferred so often that its first observations are still under way

Became = Literal["transferred", "merged"]  # flags of the call that ends so


class LegRecord(Struct, eq=False, kw_only=True):
    """A leg.

    call: the call that it belongs to (the PBX's id); was: calls that it was moved out of; order, joined: counters of
    when it appeared and when it joined its latest bridge (0: none yet); pair: the other half of a local leg; called:
    the PBX called it, for the leg `by`; dial_status: how that ended (the first word counts); left: its person
    transferred the call and is no party to it any more; service, conference: what the PBX does with it alone, the name
    of the room that it is in; asked: its far end asked to hang up, at `asked_at` (ms), with `asked_cause`;
    first_number: the caller id that it appeared with; extension: the first of its caller ids that is one.
    """

    id: str
    call: str
    kind: LegKind
    order: int
    endpoint: str | None = None
    inside: bool | None = None
    first_number: str | None = None
    extension: str | None = None
    state: LegState = "down"
    number: str | None = None
    name: str | None = None
    was: set[str] = field(default_factory=set)
    bridge: str | None = None
    joined: int = 0
    pair: str | None = None
    called: bool = False
    by: str | None = None
    dial_status: str | None = None
    left: bool = False
    holds: bool = False
    parked: bool = False
    service: Service | None = None
    conference: str | None = None
    asked: bool = False
    asked_at: int = 0
    asked_cause: int | None = None
    cause: int | None = None

    @property
    def is_being_called(self) -> bool:
        return self.called and self.state != "up" and self.dial_status is None

    def turns_to(self, service: Service | None = None, conference: str | None = None) -> None:
        """What is done with the leg now; nothing: it is called for, connected or queued."""
        self.service, self.conference = service, conference


class BridgeRecord(Struct, eq=False):
    purpose: Purpose
    members: dict[str, LegRecord] = field(default_factory=dict)


class CallRecord(Struct, eq=False, kw_only=True):
    """A call.

    key: the PBX's id of it; id: the wire's, given when it is told; started: ms; live: its legs that have not hung up;
    tried: the real legs of the latest round of calling; engaged: something happened that makes it worth telling at
    once; answered: the PBX, or somebody, took it, so that it is never left untold; direction: once known for good.

    sent_on: it was transferred to a number that is not yet called; former: the destination before that; talking: people
    talk, or hold each other; together: when the latest of them joined (a counter); mate: who talked with the caller
    last; crowd: they are three or more; became: what it became part of another call by.

    ender: the leg whose far end asked to end the conversation; queue_ender: who a queue says that it was; leaver: who
    left the others first; closing: the PBX has begun to end it.

    told: its call:start went out; shown, sent: the callee and the payload told last; time: of the event told last (ms);
    clock: the latest `now`, which may go back (ms); since: when `talking` changed (ms); talked_at, talked: when talking
    began first (ms), and for how long it went on in phases that are over (ms); quiet_at: when nobody
    was left to talk with, None while there is somebody (ms); flush_at, wake: ms; restored: it was
    told before Ringpost was restarted; held: it was on hold then, and nothing has shown since that it is not (a
    snapshot does not tell which leg holds).
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
    service: str | None = None
    flags: tuple[str, ...] = ()
    direction: Direction | None = None
    status: Status = "CONNECTING"
    sent_on: bool = False
    former: str | None = None
    talking: bool = False
    together: int = 0
    mate: LegRecord | None = None
    crowd: bool = False
    became: Became | None = None
    since: int = 0
    talked_at: int | None = None
    talked: int = 0
    quiet_at: int | None = None
    engaged: bool = False
    answered: bool = False
    ender: LegRecord | None = None
    queue_ender: EndBy | None = None
    leaver: LegRecord | None = None
    closing: bool = False
    told: bool = False
    sent: CallData | None = None
    time: int = 0
    clock: int = 0
    flush_at: int | None = None
    wake: int | None = None
    restored: bool = False
    held: bool = False

    def flag(self, name: str) -> None:
        if name not in self.flags:
            self.flags = (*self.flags, name)

    def has(self, leg: LegRecord | None) -> bool:
        """Whether the leg is there, and still a party to the call."""
        return leg is not None and leg.id in self.live and not leg.left

    def hand_to(self, heir: LegRecord) -> None:
        """The caller has left the call to the others: this one of them is the caller from now on."""
        if self.callee is heir:
            self.callee = self.known_callee = None
        self.caller, self.known_caller = heir, None

    def tries(self, leg: LegRecord) -> None:
        """Remember whom the latest round of calling tried."""
        if leg.kind != "real" or leg is self.caller or leg in self.tried:
            return
        if not any(other.is_being_called for other in self.tried):
            self.tried = []  # a new round: what was tried before has failed
        self.tried.append(leg)
        del self.tried[:-TRIED_LIMIT]
