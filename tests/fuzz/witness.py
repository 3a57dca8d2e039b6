"""The witness of a fuzzing run: stands where the ledger stands, and holds every call event against what is promised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ringpost.calls.events import CallEvent
from ringpost.calls.machine import CallMachine
from ringpost.model.call import Call
from ringpost.model.data import to_wire
from ringpost.model.event import CALL_END, CALL_START
from ringpost.wire import canonical

KEPT: Final = 20_000  # calls that are over


class Witness:
    """events, ended: how many call events, and calls that are over, there were."""

    def __init__(self) -> None:
        self.events = self.ended = 0
        self._open: dict[str, Call] = {}
        self._over: dict[str, None] = {}

    @property
    def open_calls(self) -> list[Call]:
        return list(self._open.values())

    def take(self, events: Sequence[CallEvent], machine: CallMachine) -> None:
        """What the intake does with these, and what must be true of them. Raises AssertionError."""
        renamed: dict[str, str] = {}
        for event in events:
            call = renamed.get(event.call, event.call)
            while event.type == CALL_START and (call in self._open or call in self._over):
                renamed[event.call] = call = machine.another_id(call)
            self._note(call, event)

    def _note(self, call: str, event: CallEvent) -> None:
        body = canonical.encode(to_wire(event.data, ended=event.type == CALL_END, extra_keys=True))
        before = self._open.get(call)
        assert call not in self._over, f"{event.type} after the end of {call}"
        assert (before is None) == (event.type == CALL_START), f"{event.type} of {call}"
        started, count = (event.time, 1) if before is None else (before.started, before.events + 1)
        assert before is None or event.time >= before.updated, f"time goes back in {call}"
        self.events += 1
        if event.type == CALL_END:
            del self._open[call]
            self.ended += 1
            self._over[call] = None
            if len(self._over) > KEPT:
                del self._over[next(iter(self._over))]
            return
        self._open[call] = Call(
            company="acme",
            id=call,
            pbx="hq",
            started=started,
            updated=event.time,
            ended=None,
            events=count,
            data=body,
        )
