"""The roster: which leg belongs to which call, as legs appear, change their call, and go.

Pure. Every change of a leg marks its call as touched; the machine looks at those calls when the observation is done.
"""

from __future__ import annotations

from msgspec import structs

from .board import Board
from .ids import CallIds
from .observation import Leg
from .reconcile import Restored
from .records import WAS_LIMIT, CallRecord, LegRecord


class Roster:
    """calls: those that go on, by the PBX's id; restored: those of the ledger that no leg has been seen of yet."""

    def __init__(self, ids: CallIds) -> None:
        self.board = Board()
        self.calls: dict[str, CallRecord] = {}
        self.restored = Restored()
        self.tells_requests = False  # this PBX says who asks to hang up
        self._ids = ids
        self._touched: dict[str, CallRecord] = {}

    def see(self, seen: Leg, now: int, *, again: bool = False) -> LegRecord | None:
        """The leg, put on the board where it is new; None for one that hung up before."""
        leg = self.board.legs.get(seen.id)
        if leg is None:
            leg = self.board.add(seen, again=again)
            if leg is None:
                return None
            call = self._call_of(seen.call, now)
            self._enter(leg, call, may_call=not (again and seen.state == "down" and seen.dialled is None))
            if leg.kind == "real" and leg.id != seen.call and leg is not call.caller:
                leg.called = True  # the PBX made it for this call
                call.tries(leg)
        return self._refresh(leg, seen, now)

    def known(self, seen: Leg, now: int) -> LegRecord | None:
        """The leg where it is on the board: what tells of an end puts nothing there."""
        leg = self.board.legs.get(seen.id)
        if leg is None:
            return None
        if seen.call not in self.calls:
            seen = structs.replace(seen, call=leg.call)  # nor does it begin a call
        return self._refresh(leg, seen, now)

    def _refresh(self, leg: LegRecord, seen: Leg, now: int) -> LegRecord:
        self.board.refresh(leg, seen)
        self.move(leg, seen.call, now)
        call = self.calls[leg.call]
        if leg is call.caller:
            if leg.id == call.key:  # one who is called first, for a program's sake, has not dialled what shows there
                call.destination = call.destination or seen.dialled
        elif leg.state == "ringing":
            leg.called = True  # a phone that rings is called, whoever told of that
        call.answered = call.answered or leg.state == "up"
        self.touch(call)
        return leg

    def _call_of(self, key: str, now: int) -> CallRecord:
        call = self.calls.get(key)
        if call is None:
            call = self.restored.take(key) if len(self.restored) else None
            if call is not None:
                self._ids.took(key, call.id)
            else:
                call = CallRecord(key=key, order=self.board.count(), started=now, since=now)
            self.calls[key] = call
        return call

    def _enter(self, leg: LegRecord, call: CallRecord, *, may_call: bool = True) -> None:
        """may_call: False where the PBX just made the leg in order to call somebody. Whoever it calls for is then not
        known (what told of that one was lost, or forged): a colleague who is called did not call. Only where a program
        has the call begin with a local pair is the first who is called the one who is to make it."""
        may_call = may_call or any(one.kind == "local" for one in call.live.values())
        leg.call = call.key
        call.live[leg.id] = leg
        named_after = leg.id == call.key
        if leg.kind == "real" and call.caller is None and (named_after or (may_call and not call.restored)):
            call.caller = leg
        elif leg.kind == "real" and named_after and not call.talking and not call.restored:
            call.caller = leg  # its appearance was told late
        self.touch(call)

    def move(self, leg: LegRecord, key: str, now: int) -> None:
        """The leg belongs to another call now; what still shows the call that it was moved out of is older."""
        if key == leg.call or key in leg.was:
            return
        before = self.calls[leg.call]
        before.live.pop(leg.id, None)
        self.touch(before)
        if len(leg.was) >= WAS_LIMIT:
            leg.was.clear()
        leg.was.add(before.key)
        after = self._call_of(key, now)
        if before.became is None:
            # Two conversations became one, or somebody took a call that rang elsewhere or was parked.
            before.became = "transferred" if before.tried or before.talked_at is not None else "merged"
        after.answered = after.answered or before.answered
        self._enter(leg, after)

    def remove(self, leg: LegRecord) -> None:
        call = self.calls[leg.call]
        call.live.pop(leg.id, None)
        self.board.remove(leg)
        self.touch(call)

    def touch(self, call: CallRecord) -> None:
        self._touched[call.key] = call

    def touch_members(self, bridge: str) -> None:
        """Whether somebody is left to talk to concerns all who are in the bridge: in a conference, other calls."""
        for member in self.board.members(bridge):
            self.touch(self.calls[member.call])

    def take_touched(self) -> list[CallRecord]:
        """The calls that go on and were touched since this was asked last."""
        touched, self._touched = self._touched, {}
        return [call for call in touched.values() if self.calls.get(call.key) is call]

    def forget(self, call: CallRecord) -> None:
        """The call is over."""
        if self.calls.get(call.key) is call:
            del self.calls[call.key]
