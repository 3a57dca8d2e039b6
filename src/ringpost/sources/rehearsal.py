"""The call events of simulated calls, planned whole: what a service is sent to try a receiver. Pure.

They come from the simulator's script through a call machine, so they are what a PBX with such calls would make. Called
by `ringpost simulate`, which plays them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from ringpost.calls.events import CallEvent
from ringpost.calls.machine import CallMachine
from ringpost.calls.observation import Observation
from ringpost.model.data import CallData, to_wire
from ringpost.model.event import CALL_END, CALL_START

from .simulator import KINDS, TRANSFER, TRUNK, Pace, script

TAG: Final = "simulated"
_NOBODY: Final = "simulated"  # the company of the machine; the service puts its own in front of a call's id
_LONGEST: Final = 86_400_000  # ms; a plan ends there, whatever it has


class Planned(Struct, frozen=True):
    """One event, so long (ms) after the beginning. call: its id without a company; data: as on the wire."""

    at: int
    call: str
    type: str
    data: dict[str, object]


def planned(kinds: Sequence[str], count: int, *, seed: int, epoch: int, pace: Pace) -> list[Planned]:
    """The events of so many calls, in their order. kinds: of `simulator.KINDS`; epoch: what the ids begin with, in
    seconds."""
    machine = CallMachine(company=_NOBODY, pbx="simulator", short=True, trunks=(TRUNK,))
    events: list[Planned] = []
    wanted: set[str] = set()
    ended = 0
    for at, event in _told(machine, script(seed, epoch=epoch, kinds=kinds, pace=pace)):
        call = event.call.removeprefix(f"{_NOBODY}_")
        if event.type == CALL_START and len(wanted) < count:
            wanted.add(call)
        if call in wanted:
            events.append(Planned(at, call, event.type, _wire(event.data, is_end=event.type == CALL_END)))
            ended += event.type == CALL_END
        if ended == count or at > _LONGEST:
            break
    return events


def _told(machine: CallMachine, said: Iterable[tuple[int, Observation]]) -> Iterator[tuple[int, CallEvent]]:
    """What the machine tells of that, and when: also what it gathers for a moment."""
    for at, observation in said:
        while (due := machine.wake_at()) is not None and due <= at:
            yield from ((due, event) for event in machine.poll(due))
        yield from ((at, event) for event in machine.observe(observation, at))


def _wire(data: CallData, *, is_end: bool) -> dict[str, object]:
    return to_wire(data, ended=is_end, extra_keys=True) | {"tags": [*data.tags, TAG]}


# What people call them, and the kinds that stand for it.
NAMES: Final[dict[str, tuple[str, ...]]] = {
    "answered": ("answered",),
    "missed-call": ("missed",),
    "busy": ("busy",),
    "rejected": ("rejected",),
    "cancelled": ("cancelled",),
    "queue": ("queue",),
    "abandoned": ("abandoned",),
    "transfer": (TRANSFER,),
    "busy-hour": (*KINDS, TRANSFER),
}
