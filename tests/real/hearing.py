"""What an integration hears: every request that the receiver got, its signature verified, put together by call.

What is asserted here holds for every call, whatever happened: one call:start first, one call:end last, nothing twice,
numbered without a gap, time never decreasing. Lives on the event loop of its test.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import msgspec

from ringpost.calls.events import CallEvent
from ringpost.model.data import CallData
from ringpost.wire.signature import verify_standard, verify_x
from tests.calls.test_recordings import parties, told
from tests.real.receiver import Receiver, Request

HEAR_SECONDS: Final = 15
NOTICE_SECONDS: Final = 60  # a login that was refused is tried again after 15 s, then 30 s

Calls = dict[str, list[CallEvent]]


@dataclass(frozen=True)
class Heard:
    """One request. id: webhook-id, the same when it is sent again; sequence: the event's number within its call."""

    id: str
    pbx: str
    sequence: int
    event: CallEvent


class Hearing:
    """may_repeat: whether the service is killed, so that an event may come again with its old webhook-id."""

    def __init__(self, receiver: Receiver, secret: str, *, may_repeat: bool = False) -> None:
        self.secret = secret
        self._receiver = receiver
        self._may_repeat = may_repeat
        self._read = 0
        self._ids: dict[str, bytes] = {}
        self._events: list[Heard] = []
        self._notices: list[dict[str, Any]] = []

    def events(self) -> Sequence[Heard]:
        """All call events so far, as they came; one that came again is left out."""
        self._take()
        return self._events

    def notices(self) -> Sequence[dict[str, Any]]:
        self._take()
        return self._notices

    def calls(self, pbx: str | None = None, *, since: int = 0, before: int | None = None) -> Calls:
        """The calls of a PBX (None: of all) by their ids, as they began; those that began in this time (ms)."""
        calls: Calls = {}
        for heard in self.events():
            if pbx in {None, heard.pbx}:
                calls.setdefault(heard.event.call, []).append(heard.event)
        return {
            call: events
            for call, events in sorted(calls.items(), key=lambda one: one[1][0].time)
            if since <= events[0].time and (before is None or events[0].time < before)
        }

    async def until(self, condition: Callable[[], bool], *, seconds: float = HEAR_SECONDS) -> None:
        """Until what was heard is so."""
        try:
            await self._receiver.wait_for(lambda _: condition(), timeout=seconds)
        except AssertionError:
            raise AssertionError(f"after {seconds} s this is what was told:\n{self}") from None

    async def told(self, *wanted: str, pbx: str | None = None, since: int = 0, seconds: float = HEAR_SECONDS) -> None:
        """Until calls stand so, each another one: `TALKING 1001>1002`, or its beginning."""

        def stands() -> bool:
            now = [standing(events) for events in self.calls(pbx, since=since).values()]
            for one in wanted:
                found = next((each for each in now if each.startswith(one)), None)
                if found is None:
                    return False
                now.remove(found)
            return True

        try:
            await self.until(stands, seconds=seconds)
        except AssertionError as error:
            raise AssertionError(f"{' and '.join(wanted)} was never told; {error}") from None

    async def noticed(self, kind: str, pbx: str, reason: str | None) -> None:
        """Until such a notice came of the PBX, as `pbx-lost`."""
        wanted = (f"notice:{kind}", pbx, reason)

        def came() -> bool:
            notices = ((notice["type"], notice["data"]["pbx"], notice["data"]["reason"]) for notice in self.notices())
            return wanted in notices

        try:
            await self.until(came, seconds=NOTICE_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{wanted} was never told, only {self.notices()}; {error}") from None

    async def all_ended(self, count: int, *, pbx: str | None = None, since: int = 0) -> Calls:
        """So many calls, as soon as all have ended."""

        def ended() -> bool:
            calls = self.calls(pbx, since=since).values()
            return len(calls) >= count and all(events[-1].type == "call:end" for events in calls)

        await self.until(ended)
        return self.calls(pbx, since=since)

    def check(self, *, going_on: int = 0) -> None:
        """Every call is told as a call is; going_on: how many may not have ended yet."""
        numbers: dict[str, list[int]] = {}
        for heard in self.events():
            numbers.setdefault(heard.event.call, []).append(heard.sequence)
        for call, found in numbers.items():
            assert found == list(range(1, len(found) + 1)), f"{call} came in the order {found}"
        open_calls = 0
        for call, events in self.calls().items():
            types = [event.type for event in events]
            ended = types[-1] == "call:end"
            open_calls += not ended
            between = types[1:-1] if ended else types[1:]
            assert types[0] == "call:start", f"{call}: {types}"
            assert set(between) <= {"call:update"}, f"{call}: {types}"
            times = [event.time for event in events]
            assert times == sorted(times), f"{call}: {times}"
            repeats = [one for one, other in pairwise(events[:-1]) if one.data == other.data]
            assert not repeats, f"{call} says twice the same:\n{self}"
        assert open_calls == going_on, f"{open_calls} calls have no end:\n{self}"

    def __str__(self) -> str:
        lines = (f"{heard.pbx} {heard.event.call} {heard.event.type} {_short(heard.event)}" for heard in self.events())
        return "\n".join(lines) or "nothing"

    def _take(self) -> None:
        for request in self._receiver.requests[self._read :]:
            self._read += 1
            self._check_signatures(request)
            number = request.header("webhook-id")
            assert number is not None
            if number in self._ids:
                assert self._may_repeat, f"{number} came twice"
                assert self._ids[number] == request.body, f"{number} came again with another body"
                continue
            self._ids[number] = request.body
            self._sort(number, request)

    def _sort(self, number: str, request: Request) -> None:
        body = json.loads(request.body)
        if str(body["type"]).startswith("notice:"):
            self._notices.append(body)
            return
        data = msgspec.convert(body["data"], CallData)
        event = CallEvent(call=body["id"], type=body["type"], time=body["time"], data=data)
        sequence = int(request.header("x-ringpost-sequence") or 0)
        self._events.append(Heard(number, body["pbx"], sequence, event))

    def _check_signatures(self, request: Request) -> None:
        names = ("x-signature", "webhook-id", "webhook-timestamp", "webhook-signature")
        signature, number, timestamp, standard = (request.header(name) or "" for name in names)
        assert verify_x(self.secret, request.body, signature)
        assert verify_standard(self.secret, number, timestamp, request.body, standard)


def standing(events: list[CallEvent]) -> str:
    """How a call stands after these events."""
    last = events[-1]
    state = "ENDED" if last.type == "call:end" else last.data.status
    return f"{state} {parties(last)}"


def _short(event: CallEvent) -> str:
    data = event.data
    end = f" cause {data.endCause} by {data.endBy}" if event.type == "call:end" else ""
    return f"{data.status} {parties(event)} {' '.join(data.flags)}{end}"


__all__ = ["Calls", "Heard", "Hearing", "standing", "told"]
