"""What a source saw, in the call machine's own words: the only thing that sources and the machine have in common.

Frozen, tagged Structs, so that they can be recorded, replayed and matched. Every observation of a leg brings all that
the source knows of the leg at that moment (`Leg`), so a machine that began in the middle of a call, or that missed
something, can make up for it. No times in here: who observes passes `now`.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

LegKind = Literal["real", "local"]  # a phone or trunk; one half of a pair that the PBX made to connect two of its parts
LegState = Literal["down", "calling", "ringing", "up"]
Purpose = Literal["talk", "conference", "park", "wait"]  # two parties; a room of many; a parking lot; alone with music
Service = Literal["voicemail", "ivr"]  # a mailbox; a menu that waits for keys


class Leg(Struct, frozen=True, kw_only=True):
    """A leg as the PBX shows it now.

    id: the PBX's own id of it; call: the id of the call that it belongs to now (Asterisk: Linkedid); endpoint: the
    name of the phone or trunk at its far end, of a local half that of the pair; number, name: the caller id of that far
    end; dialled: the number that it is being routed by, where that was dialled by a person; inside: whether the PBX's
    own settings call it a phone of the house, None where they do not say.
    """

    id: str
    call: str
    kind: LegKind = "real"
    endpoint: str | None = None
    state: LegState = "down"
    number: str | None = None
    name: str | None = None
    dialled: str | None = None
    inside: bool | None = None


class LegAppeared(Struct, frozen=True, tag=True):
    """A leg that was not there before."""

    leg: Leg


class LegChanged(Struct, frozen=True, tag=True):
    """A leg has another state, number or name than before."""

    leg: Leg


class Dials(Struct, frozen=True, tag=True):
    """The PBX calls `to`, on behalf of `leg` or, where a program asked for the call, of nobody (None); number: the one
    that it sends to a trunk."""

    leg: Leg | None
    to: Leg
    number: str | None = None


class Rings(Struct, frozen=True, tag=True):
    """What `leg` called rings there, or can be heard from there before it answers."""

    leg: Leg | None
    to: Leg


class DialEnded(Struct, frozen=True, tag=True):
    """Calling `to` is over. status: ANSWER, BUSY, NOANSWER, CANCEL, CONGESTION, CHANUNAVAIL or another of the PBX's."""

    leg: Leg | None
    to: Leg
    status: str


class JoinsBridge(Struct, frozen=True, tag=True):
    """A leg is connected to all others in the bridge; `instead_of`: the id of the leg whose place it takes."""

    leg: Leg
    bridge: str
    purpose: Purpose = "talk"
    instead_of: str | None = None


class LeavesBridge(Struct, frozen=True, tag=True):
    leg: Leg
    bridge: str


class LocalPair(Struct, frozen=True, tag=True):
    """The two halves of a local pair: what enters one leaves by the other."""

    one: Leg
    two: Leg


class JoinsQueue(Struct, frozen=True, tag=True):
    leg: Leg
    queue: str


class LeavesQueue(Struct, frozen=True, tag=True):
    """A caller is no longer waiting in the queue: connected, timed out or (`abandoned`) gone."""

    leg: Leg
    queue: str
    abandoned: bool = False


class QueueCallEnds(Struct, frozen=True, tag=True):
    """A caller and a queue's member talk no longer. by_caller: who hung up, None where it was a transfer."""

    leg: Leg
    queue: str
    by_caller: bool | None = None


class EntersConference(Struct, frozen=True, tag=True):
    """A leg is in a room of many, which has this name."""

    leg: Leg
    conference: str


class Runs(Struct, frozen=True, tag=True):
    """The PBX serves a leg that has nobody at its other end."""

    leg: Leg
    service: Service


class SendsOn(Struct, frozen=True, tag=True):
    """`leg` is transferred away from: `other`, who talked with it, goes on to the number `to` (a blind transfer).
    None where that was not said."""

    leg: Leg
    other: Leg | None = None
    to: str | None = None


class HandsOver(Struct, frozen=True, tag=True):
    """One person's two legs, `leg` and `second`, go, and those at their other ends are connected (an attended transfer,
    also one whose second call still rings). Both are the same leg where the person had only one."""

    leg: Leg
    second: Leg


class PicksUp(Struct, frozen=True, tag=True):
    """`leg` takes a call that rings at another phone (`of`)."""

    leg: Leg
    of: Leg


class Parks(Struct, frozen=True, tag=True):
    """The leg waits in a parking lot."""

    leg: Leg


class Unparks(Struct, frozen=True, tag=True):
    """The leg waits there no longer: taken, called back for, or gone (`gave_up`: it hung up)."""

    leg: Leg
    gave_up: bool = False


class Holds(Struct, frozen=True, tag=True):
    """The far end of the leg put the other party on hold."""

    leg: Leg


class Unholds(Struct, frozen=True, tag=True):
    leg: Leg


class HangupRequested(Struct, frozen=True, tag=True):
    """The far end of the leg asked to end it, or refused it (Q.850 cause, None where not said)."""

    leg: Leg
    cause: int | None = None


class Ends(Struct, frozen=True, tag=True):
    """The PBX is about to end the leg, whoever wanted that."""

    leg: Leg


class HungUp(Struct, frozen=True, tag=True):
    """The leg is gone (Q.850 cause, None where not said)."""

    leg: Leg
    cause: int | None = None


Observation = (
    LegAppeared
    | LegChanged
    | Dials
    | Rings
    | DialEnded
    | JoinsBridge
    | LeavesBridge
    | LocalPair
    | JoinsQueue
    | LeavesQueue
    | QueueCallEnds
    | EntersConference
    | Runs
    | SendsOn
    | HandsOver
    | PicksUp
    | Parks
    | Unparks
    | Holds
    | Unholds
    | HangupRequested
    | Ends
    | HungUp
)


class Alive(Struct, frozen=True, kw_only=True):
    """A leg of a snapshot, the bridge that it is in, and what the PBX does with it; conference: the room's name."""

    leg: Leg
    bridge: str | None = None
    service: Service | None = None
    conference: str | None = None


class Snapshot(Struct, frozen=True, kw_only=True):
    """All legs that the PBX has now.

    restarted: the PBX was restarted since the last snapshot, so that no earlier leg can be alive, whatever its id;
    audit: taken while observations went on, so that it may be a little older or newer than they are.
    """

    legs: tuple[Alive, ...] = ()
    restarted: bool = False
    audit: bool = False
