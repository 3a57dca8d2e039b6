"""Reconciliation: what differs between the calls known and those that a PBX has.

Pure. After a lost connection or a restart there is no replay of what was missed, so calls that vanished are ended and
calls that appeared are begun (`CallMachine.resync`). While the connection stands, an audit now and then finds legs
whose hang-up, or whose appearance, was never told; as it runs beside the observations, only what two audits in a row
say counts. A call that the PBX itself keeps for ever (a channel that got stuck there) stays open here, too: it is what
the PBX says, it may be a person on the line for days, and whoever hangs that channel up there ends it here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct, structs

from ringpost.model.call import Call
from ringpost.model.data import CallData, Status

from .observation import Alive, HungUp, JoinsBridge, LeavesBridge, Leg, LegAppeared, Observation, Snapshot
from .records import CallRecord
from .states import IN_TALK, TRANSITIONS

_decode = msgspec.json.Decoder(CallData).decode
_SUFFIXED = re.compile(r"(.+)-([2-9]|[1-9][0-9]+)")


class Difference(Struct, frozen=True):
    """gone: ids of legs that the PBX has no longer; new: legs that were not known."""

    gone: frozenset[str] = frozenset()
    new: tuple[Alive, ...] = ()


class Audit:
    """Remembers what the audit before found, so that only what lasts is acted on."""

    def __init__(self) -> None:
        self._missing: frozenset[str] = frozenset()
        self._unknown: frozenset[str] = frozenset()

    def compare(self, snapshot: Snapshot, known: Collection[str]) -> Difference:
        there = {alive.leg.id: alive for alive in snapshot.legs}
        missing = frozenset(leg for leg in known if leg not in there)
        unknown = frozenset(leg for leg in there if leg not in known)
        lasting = unknown & self._unknown
        difference = Difference(missing & self._missing, tuple(there[leg] for leg in there if leg in lasting))
        self._missing, self._unknown = missing, unknown
        return difference

    def clear(self) -> None:
        self._missing = self._unknown = frozenset()


class Restored:
    """Calls that the ledger knows as going on, until the PBX says whether they still do. Those whose ids have another
    prefix than the PBX's now can be none that it has: they only wait for their end."""

    def __init__(self) -> None:
        self._calls: dict[str, CallRecord] = {}
        self._others: list[CallRecord] = []

    def __len__(self) -> int:
        return len(self._calls) + len(self._others)

    def add(self, call: Call, prefix: str, order: int) -> None:
        record = record_of(call, order)
        if call.id.startswith(prefix):
            self._calls[call.id.removeprefix(prefix)] = record
        else:
            self._others.append(record)

    def take(self, key: str) -> CallRecord | None:
        """The latest call with this PBX's id, where there is one: `<key>`, or `<key>-2` and on."""
        found = [
            (int(match[2]), name)
            for name in self._calls
            if name.startswith(key) and (match := _SUFFIXED.fullmatch(name)) is not None and match[1] == key
        ]
        name = max(found)[1] if found else key
        record = self._calls.pop(name, None)
        if record is not None:
            record.key = key
        return record

    def take_all(self) -> list[CallRecord]:
        rest = [*self._calls.values(), *self._others]
        self._calls.clear()
        self._others.clear()
        return rest


def record_of(call: Call, order: int) -> CallRecord:
    """A call as the ledger told it last. Its legs come with the first snapshot."""
    try:
        data = _decode(call.data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        data = CallData(status="CONNECTING")
    status = next((status for status in TRANSITIONS if status == data.status), _FIRST)
    talking = status in IN_TALK and data.service != "voicemail"
    return CallRecord(
        key=call.id,
        order=order,
        id=call.id,
        started=call.started,
        known_caller=data.caller,
        known_callee=data.callee,
        destination=data.destination,
        queue=data.queueId,  # the name may be the directory's
        trunk=data.trunkName,
        flags=data.flags,
        status=status,
        service=data.service,
        direction=data.direction,
        crowd="conference" in data.tags,
        talking=talking,
        since=call.updated,
        talked_at=call.updated if talking else None,
        engaged=True,
        told=True,
        sent=data,
        time=call.updated,
        restored=True,
        held=status == "HOLD",
    )


_FIRST: Status = "CONNECTING"


def catch_up(
    legs: Sequence[Alive], meanwhile: Iterable[Observation]
) -> tuple[tuple[Alive, ...], tuple[Observation, ...]]:
    """The legs for a snapshot, and what is to be told after it. legs: as the PBX listed them; meanwhile: what was
    observed from the login until the list was complete: all of it is older (Asterisk writes no event amid a list).

    A leg that hung up meanwhile is told as it was before, so that its call ends as is said of it, not as one that
    vanished. One that appeared meanwhile is left to the observations, which tell all of it. Any other that is listed is
    in the call and in the bridge that the list says: it may have left those that older observations show, and goes not
    back.
    """
    observations = tuple(meanwhile)
    begun = {said.leg.id for said in observations if isinstance(said, LegAppeared)}
    listed = {alive.leg.id: alive for alive in legs if alive.leg.id not in begun}
    firsts: dict[str, Leg] = {}
    bridges: dict[str, str | None] = {}  # that each leg was in at first
    ended: dict[str, Alive] = {}
    for said in observations:
        for leg in _legs_of(said):
            firsts.setdefault(leg.id, leg)
        match said:
            case JoinsBridge(leg):
                bridges.setdefault(leg.id, None)
            case LeavesBridge(leg, bridge):
                bridges.setdefault(leg.id, bridge)
            case HungUp(leg) if leg.id not in listed and leg.id not in begun:
                ended.setdefault(leg.id, Alive(leg=firsts[leg.id], bridge=bridges.get(leg.id)))
    later = (_placed(said, listed) for said in observations if not _is_over(said, listed))
    return (*listed.values(), *ended.values()), tuple(later)


def _legs_of(said: Observation) -> Iterator[Leg]:
    for name in said.__struct_fields__:
        value = getattr(said, name)
        if isinstance(value, Leg):
            yield value


def _is_over(said: Observation, listed: Mapping[str, Alive]) -> bool:
    """Whether it is of a bridge that the leg is in no longer."""
    if not isinstance(said, JoinsBridge) or said.leg.id not in listed:
        return False
    return listed[said.leg.id].bridge != said.bridge


def _placed(said: Observation, listed: Mapping[str, Alive]) -> Observation:
    """The observation with its legs in the calls that they are in now."""
    changes = {
        name: structs.replace(leg, call=listed[leg.id].leg.call)
        for name in said.__struct_fields__
        if isinstance(leg := getattr(said, name), Leg) and leg.id in listed and listed[leg.id].leg.call != leg.call
    }
    return structs.replace(said, **changes) if changes else said


def callers_first(legs: Iterable[Alive]) -> list[Alive]:
    """A snapshot's legs, those first that their call is named after: they called."""
    return sorted(legs, key=lambda alive: (alive.leg.id != alive.leg.call, alive.leg.id))
